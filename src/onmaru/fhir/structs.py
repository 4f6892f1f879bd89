"""Builds one msgspec Struct a type, on first use, from the definitions: decoding into it is most of the validation.

What types alone cannot say (one choice of a value[x], required primitives, base64, the narrative) is said by a
`__post_init__` that a type gets only if it needs one.
"""

from __future__ import annotations

import keyword
import threading
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from onmaru.fhir.definitions import Element, elements, kinds
from onmaru.fhir.narrative import div_reason
from onmaru.fhir.primitives import INTEGERS, LIMITED, MAX_INTEGER, MAX_STRING, PRIMITIVES, base64_ok, pattern

Check = Callable[[Any], bool]


def attribute(member: str) -> str:
    """The Struct attribute of a JSON member: `class_` for `class`, `birthDate__` for `_birthDate`."""
    if member.startswith("_"):
        return f"{attribute(member[1:]).removesuffix('_')}__"
    return f"{member}_" if keyword.iskeyword(member) else member


@cache
def _primitive(name: str) -> Any:
    if name == "boolean":
        return bool
    if name == "decimal":
        return float
    if name in INTEGERS:
        return Annotated[int, Meta(ge=INTEGERS[name], le=MAX_INTEGER)]
    longest = MAX_STRING if name in LIMITED else None
    wanted = pattern(name)
    return Annotated[str, Meta(pattern=wanted) if wanted else Meta(min_length=1, max_length=longest)]


class _Field(msgspec.Struct, frozen=True):
    """One JSON member of a Struct before its classes exist."""

    member: str
    type: str
    many: bool
    required: bool = False


def _fields(element: Element) -> list[_Field]:
    """The members of one element: one a choice, and the `_name` sibling after each primitive."""
    many = element.max != 1
    fields = []
    for name in element.types:
        primitive = name in PRIMITIVES
        needed = element.min > 0 and len(element.types) == 1 and (element.attribute or not primitive)
        fields.append(_Field(element.member(name), name, many, needed))
        if primitive and not element.attribute:
            fields.append(_Field(f"_{element.member(name)}", "Element", many))
    return fields


def _plan(type_name: str) -> list[_Field]:
    head = [_Field("resourceType", type_name, False, True)] if kinds()[type_name] == "resource" else []
    return head + [field for element in elements(type_name) for field in _fields(element)]


def _annotation(field: _Field, built: dict[str, type[msgspec.Struct]]) -> Any:
    if field.member == "resourceType":
        return Literal[field.type]
    if field.type == "Resource":
        one: Any = msgspec.Raw
    else:
        one = _primitive(field.type) if field.type in PRIMITIVES else built[field.type]
    if not field.many:
        return one
    if field.type in PRIMITIVES or field.member.startswith("_"):  # null fills a place that the sibling array takes
        one = one | None
    return Annotated[list[one], Meta(min_length=1)]


def _one_of(names: list[str], required: bool) -> Check:
    """At most one of the members of a choice, at least one if required (a `_name` sibling will do)."""
    values = attrgetter(*map(attribute, names))
    siblings = [f"{attribute(name).removesuffix('_')}__" for name in names]
    most = len(names) - 1

    def check(one: Any) -> bool:
        empty = values(one).count(None)
        if empty == most:
            return True
        return empty > most and (not required or any(getattr(one, name, None) is not None for name in siblings))

    return check


def _present(name: str) -> Check:
    value, sibling = attribute(name), attribute(f"_{name}")
    return lambda one: getattr(one, value) is not None or getattr(one, sibling) is not None


def _is_base64(name: str) -> Check:
    value = attrgetter(attribute(name))
    return lambda one: (text := value(one)) is None or base64_ok(text)


def _checks(type_name: str) -> list[Check]:
    checks: list[Check] = []
    for element in elements(type_name):
        if len(element.types) > 1:
            checks.append(_one_of([element.member(t) for t in element.types], element.min > 0))
        elif element.min and element.types[0] in PRIMITIVES and not element.attribute:
            checks.append(_present(element.member(element.types[0])))
        if "base64Binary" in element.types:
            checks.append(_is_base64(element.member("base64Binary")))
        if "xhtml" in element.types:
            checks.append(lambda narrative: not div_reason(narrative.div))
    return checks


def _post_init(checks: list[Check]) -> Callable[[Any], None]:
    if len(checks) == 1:
        (only,) = checks

        def alone(self: Any) -> None:
            if not only(self):
                raise ValueError

        return alone

    def every(self: Any) -> None:
        for check in checks:
            if not check(self):
                raise ValueError

    return every


def _reachable(type_name: str, known: dict[str, type[msgspec.Struct]]) -> list[str]:
    waiting, found = [type_name], {type_name: None}
    while waiting:
        for field in _plan(waiting.pop()):
            name = field.type
            if name not in PRIMITIVES and name != "Resource" and name not in known and name not in found:
                found[name] = None
                waiting.append(name)
    return list(found)


_BUILT: dict[str, type[msgspec.Struct]] = {}
_LOCK = threading.Lock()


def struct(type_name: str) -> type[msgspec.Struct]:
    """The Struct class of a resource type, data type or backbone path; the same class every time.

    Attribute = JSON name (`class_` for a Python keyword, `birthDate__` for `_birthDate`), None where absent.
    `contained` is a list of msgspec.Raw; other nested resources are msgspec.Raw. Raises KeyError for an unknown name.
    """
    if type_name not in _BUILT:
        with _LOCK:
            if type_name not in _BUILT:
                _build(type_name)
    return _BUILT[type_name]


def _build(type_name: str) -> None:
    made: dict[str, type[msgspec.Struct]] = {}
    plans = {}
    for name in _reachable(type_name, _BUILT):
        plans[name] = _plan(name)
        checks = _checks(name)
        made[name] = msgspec.defstruct(
            name.replace(".", "_"),
            [
                (attribute(field.member), Any) if field.required else (attribute(field.member), Any, None)
                for field in plans[name]
            ],
            namespace={"__post_init__": _post_init(checks)} if checks else None,
            module=__name__,
            rename={attribute(field.member): field.member for field in plans[name]},
            forbid_unknown_fields=True,
            omit_defaults=True,
            kw_only=True,
            gc=False,
        )
    known = _BUILT | made
    for name, plan in plans.items():  # classes refer to one another in circles, so types are filled in afterwards
        made[name].__annotations__.update({attribute(field.member): _annotation(field, known) for field in plan})
    _BUILT.update(made)


@cache
def decoder(type_name: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(struct(type_name))
