"""SearchParameters that a tenant defines itself: read from its resources, and what their FHIRPath gives on one body.

Its one law: an expression has a budget of steps on each resource; one that fails there gives nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir.fhirpath import Compiled, Environment, Hooks, Node, PathError, checked, compiled, read, root
from onmaru.fhir.keys import Keys
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.query import Kind, Parameter
from onmaru.fhir.search.catalogue import OWN, parameters, types
from onmaru.fhir.search.values import RULES, target
from onmaru.fhir.structs import decoder

KINDS = frozenset({"string", "token", "reference", "date", "number", "quantity", "uri"})
STEPS = 20_000
"""What one expression may cost on one resource."""
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,63}", re.ASCII)
_encode = msgspec.json.Encoder(decimal_format="number").encode
Own = Mapping[str, Mapping[str, Parameter]]


class Written(msgspec.Struct):
    """The elements of a SearchParameter that searching needs."""

    status: str = ""
    code: str = ""
    url: str = ""
    type: str = ""
    expression: str = ""
    base: Sequence[str] = ()
    target: Sequence[str] = ()


def check(body: bytes) -> None:
    """Refuse (422) an active SearchParameter whose expression cannot be evaluated; other kinds are let be."""
    found = msgspec.json.decode(body, type=Written)
    if found.status != "active" or not found.expression or found.type not in KINDS:
        return
    if not CODE.fullmatch(found.code):
        raise invalid("invalid", "the code is no name that a search could have", "SearchParameter.code", 422)
    try:
        _checked(found)
    except PathError as error:
        raise _refused(error) from error


def _checked(found: Written) -> Compiled:
    if len(found.base) == 1 and "|" not in found.expression:
        return checked(found.expression, found.base[0])
    return compiled(found.expression)


def _refused(error: PathError) -> Invalid:
    code = "too-costly" if error.kind == "too-costly" else "invalid"
    return invalid(code, f"the expression cannot be evaluated: {error}", "SearchParameter.expression", 422)


def defined(bodies: Iterable[bytes]) -> Own:
    """type → code → parameter of all that are active; R4's own parameters keep their codes, then the first of these does."""
    found: dict[str, dict[str, Parameter]] = {}
    for body in bodies:
        one = msgspec.json.decode(body, type=Written)
        if one.status != "active" or not one.expression or one.type not in KINDS or not CODE.fullmatch(one.code):
            continue
        try:
            _checked(one)
        except PathError:
            continue
        made = Parameter(OWN, one.code, msgspec.convert(one.type, Kind), _targets(one), (), one.url, one.expression)
        for base in _bases(one):
            if one.code not in parameters(base):
                found.setdefault(base, {}).setdefault(one.code, made)
    return found


def _bases(one: Written) -> Iterable[str]:
    every = not {"Resource", "DomainResource"}.isdisjoint(one.base)
    return types() if every else types() & set(one.base)


def _targets(one: Written) -> tuple[str, ...]:
    return tuple(sorted(types() & set(one.target))) or tuple(sorted(types()))


def rows(body: bytes, parameter: Parameter) -> Keys:
    """The keys that the expression gives on a resource."""
    keys, node = Keys(), root(read(body))
    try:
        found = compiled(parameter.expression)([node], Environment(steps=STEPS, hooks=Hooks(resolve=_stub)))
    except PathError:
        return keys
    for item in found:
        type, value = _keyed(item)
        rule = RULES.get((parameter.kind, type))
        if rule is not None and value is not None:
            rule(keys, OWN, value)
    return keys


def _stub(reference: str) -> Any:
    """`resolve()` tells the type of a target and its id, and no more: a search of one resource reads no other."""
    type, id = target(reference)
    return {"resourceType": type, "id": id} if type else None


def _keyed(item: Any) -> tuple[str, Any]:
    """(type as the rules name it, value) of what an expression gave."""
    if not isinstance(item, Node):
        plain = item if isinstance(item, bool | int | float | str) else str(item)
        return type(plain).__name__, plain
    if not isinstance(item.data, dict):
        return item.type[:1].upper() + item.type[1:], item.data
    try:
        return item.type, decoder(item.type).decode(_encode(item.data))
    except (KeyError, msgspec.MsgspecError):
        return "", None
