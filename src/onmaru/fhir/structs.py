"""Builds one msgspec Struct a type, on first use, from the definitions: decoding into it is most of the validation.

What types alone cannot say (one choice of a value[x], required primitives, base64, the narrative) is said by a
`__post_init__` that a type gets only if it needs one.
"""

from __future__ import annotations

import keyword
import threading
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import astuple

from onmaru.fhir.definitions import Element, elements, kinds
from onmaru.fhir.narrative import div_reason
from onmaru.fhir.primitives import INTEGERS, LIMITED, MAX_INTEGER, MAX_STRING, PRIMITIVES, base64_ok, pattern

Held = tuple[Any, ...]
Check = Callable[[Held], bool]


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


def _one_of(places: list[list[int]], required: bool) -> Check:
    """At most one member of a choice, at least one if required. `places`: each member's own and its sibling's."""
    first, end = places[0][0], places[-1][-1] + 1

    def check(held: Held) -> bool:
        filled = end - first - held[first:end].count(None)
        if filled < 2:
            return filled == 1 or not required
        return sum(any(held[place] is not None for place in member) for member in places) == 1

    return check


def _present(place: int) -> Check:
    return lambda held: held[place] is not None or held[place + 1] is not None


def _is_base64(place: int) -> Check:
    return lambda held: held[place] is None or base64_ok(held[place])


def _is_narrative(place: int) -> Check:
    return lambda held: not div_reason(held[place])


def _checks(type_name: str) -> list[Check]:
    """What to ask of a Struct's values, in the order of `_plan`, where a sibling follows its primitive."""
    place = {field.member: index for index, field in enumerate(_plan(type_name))}
    checks: list[Check] = []
    for element in elements(type_name):
        names = [element.member(name) for name in element.types]
        if len(names) > 1:
            places = [[place[name], *([place[f"_{name}"]] if f"_{name}" in place else [])] for name in names]
            checks.append(_one_of(places, element.min > 0))
        elif element.min and element.types[0] in PRIMITIVES and not element.attribute:
            checks.append(_present(place[names[0]]))
        if "base64Binary" in element.types:
            checks.append(_is_base64(place[element.member("base64Binary")]))
        if "xhtml" in element.types:
            checks.append(_is_narrative(place[names[0]]))
    return checks


def _post_init(checks: list[Check]) -> Callable[[msgspec.Struct], None]:
    def check_all(self: msgspec.Struct) -> None:
        held = astuple(self)
        for check in checks:
            if not check(held):
                raise ValueError

    return check_all


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
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {}
_LOCK = threading.RLock()


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


def decoder(type_name: str) -> msgspec.json.Decoder[Any]:
    """The one decoder of a type, made by one thread at a time.

    While msgspec reads what a Struct's fields are, it shows the half-made description to every other thread that reads the
    same type or one within it, and the process dies of that (decision 0175). Nobody else may make a decoder of a `struct`.
    """
    found = _DECODERS.get(type_name)
    if found is None:
        with _LOCK:
            found = _DECODERS.get(type_name) or msgspec.json.Decoder(struct(type_name))
            _DECODERS[type_name] = found
    return found
