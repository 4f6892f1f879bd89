"""FHIRPath Patch (R4 fhirpatch.html) on the JSON of one resource: a Parameters of operations, all carried out or none.

`resource` is what `fhirpath.read` gives and is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from onmaru.fhir.definitions import Element, elements, kinds
from onmaru.fhir.fhirpath import Environment, Node, PathError, root
from onmaru.fhir.fhirpath.compiler import Compiled
from onmaru.fhir.fhirpath.node import labels
from onmaru.fhir.fhirpath.run import Run
from onmaru.fhir.outcome import invalid
from onmaru.fhir.syntax import DEPTH

MOST = 100
"""Operations of one patch: each evaluates a path of its own."""
STEPS = 100_000
"""Steps that all paths of one patch may take together: others wait for it."""
Kind = Literal["add", "insert", "delete", "replace", "move"]
_KINDS: Mapping[str, Kind] = {one: one for one in get_args(Kind)}
Json = dict[str, Any]


class Operation(msgspec.Struct, frozen=True):
    """One operation. `value`: the part that is called value; `index`, `source` and `destination` as given, else -1."""

    kind: Kind
    path: str
    name: str
    value: Json | None
    index: int
    source: int
    destination: int


def operations(parameters: Any) -> list[Operation]:
    """Read a Parameters resource. Raises Invalid 400 for what is no patch."""
    given = parameters.get("parameter") if isinstance(parameters, dict) else None
    if not isinstance(given, list) or not given:
        raise invalid("structure", "a FHIRPath Patch has parameters that are called operation", "Parameters")
    if len(given) > MOST:
        raise invalid("too-costly", f"a patch may have {MOST} operations", "Parameters", 413)
    return [_operation(one, f"Parameters.parameter[{number}]") for number, one in enumerate(given)]


def patched(resource: Any, found: list[Operation], now: datetime) -> Any:
    """The resource with all operations carried out in order.

    Raises Invalid 400 for a path that is no FHIRPath, 422 where an operation does not fit the resource.
    """
    paths = _Paths(now)
    for number, one in enumerate(found):
        where = f"Parameters.parameter[{number}]"
        try:
            _DO[one.kind](resource, one, paths)
        except PathError as error:
            raise invalid("invalid", f"{error.kind}: {error}", where, 400 if error.kind == "syntax" else 422) from None
        except _Misfit as misfit:
            raise invalid("processing", str(misfit), where, 422) from None
    return resource


class _Misfit(Exception):
    """The operation is well formed but does not fit this resource."""


def _operation(given: Any, where: str) -> Operation:
    try:
        if given["name"] != "operation":
            raise invalid("value", "a parameter of a patch is called operation", where)
        parts = {part["name"]: part for part in given["part"]}
        kind = _KINDS[parts["type"]["valueCode"]]
        texts = [str(parts.get(name, {}).get("valueString", "")) for name in ("path", "name")]
        numbers = [parts.get(name, {}).get("valueInteger", -1) for name in ("index", "source", "destination")]
    except (KeyError, TypeError):
        raise invalid("structure", "an operation has parts: type, path and what its type needs", where) from None
    if not texts[0] or not all(isinstance(number, int) for number in numbers):
        raise invalid("required", "an operation has a path, and numbers where it has places", where)
    return Operation(kind, texts[0], texts[1], parts.get("value"), *numbers)


class _Paths:
    """What the paths of one patch are evaluated with; `left`: the steps that remain to them."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._left = STEPS

    def evaluate(self, resource: Any, path: str) -> tuple[Node, list[Any]]:
        """The resource as a node, and what the path gives on it. Raises PathError."""
        whole = root(resource)
        run = Run([whole], Environment({}, whole, whole, self._now, steps=self._left))
        try:
            return whole, Compiled(path).within(run)
        finally:
            self._left = run.left


def _nodes(resource: Any, one: Operation, paths: _Paths) -> list[Node]:
    whole, found = paths.evaluate(resource, one.path)
    if not all(isinstance(node, Node) and node.root is whole for node in found):
        raise _Misfit("the path leads to what is no element of the resource")
    return list(found)


def _single(resource: Any, one: Operation, paths: _Paths) -> Node:
    found = _nodes(resource, one, paths)
    if len(found) != 1:
        raise _Misfit(f"the path leads to {len(found)} elements, not to one")
    return found[0]


def _member(node: Node) -> tuple[Json, str]:
    """The object that holds an element, and the JSON name it has there."""
    owner = node.parent
    if owner is None or not isinstance(owner.data, dict):
        raise _Misfit("the path leads to the whole resource")
    names = labels(owner.type)[node.label].members
    return owner.data, next(name for name in names if name in owner.data or f"_{name}" in owner.data)


def _element(type_name: str, name: str) -> Element:
    found = next((one for one in (elements(type_name) if type_name in kinds() else ()) if one.name == name), None)
    if found is None:
        raise _Misfit("the element has no child of this name")
    return found


def _parts(given: Any) -> list[Json]:
    if not isinstance(given, list) or not all(isinstance(part, dict) for part in given):
        raise _Misfit("the parts of a value are a list of parameters")
    return given


def _made(value: Json | None, element: Element, depth: int = 0) -> tuple[str, Any, Any]:
    """(JSON name, value, its sibling) of a part that holds a value[x], or parts for the children of a backbone element."""
    if value is None:
        raise _Misfit("this operation needs a value")
    if depth > DEPTH:
        raise _Misfit("the value nests too deep")
    if "resource" in value:
        return element.name, value["resource"], None
    if "part" in value:
        made: Json = {}
        for part in _parts(value["part"]):
            child = _element(element.types[0], str(part.get("name", "")))
            _add_to(made, child, _made(part, child, depth + 1))
        return element.name, made, None
    given = next((name for name in value if name.startswith("value")), "") or next(
        (name[1:] for name in value if name.startswith("_value")), ""
    )
    if not given:
        raise _Misfit("this operation needs a value")
    name = given if element.name == "value" and element.choice else element.name
    if element.choice and element.name != "value":
        name = element.name + given[5:]
    return name, value.get(given), value.get(f"_{given}")


def _add_to(owner: Json, element: Element, made: tuple[str, Any, Any], at: int | None = None) -> None:
    name, value, extra = made
    if element.max == 1:
        for type_name in element.types:
            owner.pop(element.member(type_name), None)
            owner.pop(f"_{element.member(type_name)}", None)
        _set(owner, name, value)
        _set(owner, f"_{name}", extra)
        return
    values = owner.setdefault(name, [])
    extras = owner.get(f"_{name}")
    place = len(values) if at is None else at
    if extra is not None or extras is not None:
        extras = owner.setdefault(f"_{name}", [])
        extras += [None] * (len(values) - len(extras))
        extras.insert(place, extra)
    values.insert(place, value)
    for member in (name, f"_{name}"):
        if all(one is None for one in owner.get(member, (0,))):
            del owner[member]


def _set(owner: Json, name: str, value: Any) -> None:
    if value is not None:
        owner[name] = value


def _add(resource: Any, one: Operation, paths: _Paths) -> None:
    node = _single(resource, one, paths)
    if not isinstance(node.data, dict):
        raise _Misfit("nothing can be added to a primitive by its value")
    element = _element(node.type, one.name)
    if element.max == 1 and any(element.member(name) in node.data for name in element.types):
        raise _Misfit("the element is there already and does not repeat")
    _add_to(node.data, element, _made(one.value, element))


def _insert(resource: Any, one: Operation, paths: _Paths) -> None:
    owner, element, name, count = _list(resource, one, paths)
    if not 0 <= one.index <= count:
        raise _Misfit(f"index is not between 0 and {count}")
    _add_to(owner, element, (name, *_made(one.value, element)[1:]), one.index)


def _list(resource: Any, one: Operation, paths: _Paths) -> tuple[Json, Element, str, int]:
    """The one list that a path leads to: its owner, element, JSON name and length."""
    found = _nodes(resource, one, paths)
    if not found or found[0].index < 0:
        raise _Misfit("the path does not lead to a list")
    owner, name = _member(found[0])
    assert found[0].parent is not None
    if any(node.parent is None or node.parent.data is not owner or node.label != found[0].label for node in found):
        raise _Misfit("the path leads to more than one list")
    count = max(len(owner.get(name, ())), len(owner.get(f"_{name}", ())))
    if len(found) != count:
        raise _Misfit("the path does not lead to a whole list")
    return owner, _element(found[0].parent.type, found[0].label), name, count


def _delete(resource: Any, one: Operation, paths: _Paths) -> None:
    found = _nodes(resource, one, paths)
    if len(found) > 1:
        raise _Misfit(f"the path leads to {len(found)} elements, not to one")
    for node in found:
        owner, name = _member(node)
        for member in (name, f"_{name}"):
            _drop(owner, member, node.index)


def _drop(owner: Json, name: str, index: int) -> None:
    held = owner.get(name)
    if index >= 0 and isinstance(held, list):
        del held[index : index + 1]
    if index < 0 or not held or all(one is None for one in held):
        owner.pop(name, None)


def _replace(resource: Any, one: Operation, paths: _Paths) -> None:
    node = _single(resource, one, paths)
    owner, name = _member(node)
    assert node.parent is not None
    element = _element(node.parent.type, node.label)
    made = _made(one.value, element)
    if node.index < 0:
        _add_to(owner, element, made)
        return
    for member in (name, f"_{name}"):
        if node.index < len(owner.get(member, ())):
            del owner[member][node.index]
    _add_to(owner, element, made, node.index)


def _move(resource: Any, one: Operation, paths: _Paths) -> None:
    owner, _, name, count = _list(resource, one, paths)
    if not (0 <= one.source < count and 0 <= one.destination < count):
        raise _Misfit(f"source and destination are places from 0 to {count - 1}")
    for member in (name, f"_{name}"):
        held = owner.get(member)
        if held is not None:
            held += [None] * (count - len(held))
            held.insert(one.destination, held.pop(one.source))


_DO: Mapping[Kind, Callable[[Any, Operation, _Paths], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
