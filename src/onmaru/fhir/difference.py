"""What makes one resource into another, as a FHIRPath Patch (R4 fhirpatch.html): `fhirpath_patch.patched` carries it out.

Its one law: the patch of a difference, made on the first, gives the second, but for what the server sets itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from onmaru.fhir.definitions import Element, elements, kinds, members
from onmaru.fhir.primitives import PRIMITIVES

Json = dict[str, Any]
# (value, its `_name` sibling): a primitive may have either or both
Pair = tuple[Any, Any]
NOTHING: Pair = (None, None)
# Members of the server's own, by type
APART = {"Meta": frozenset({"versionId", "lastUpdated"})}
# Words of FHIRPath's grammar that are names of elements too
WORDS = frozenset({"and", "as", "contains", "div", "implies", "in", "is", "mod", "or", "xor"})


def difference(old: Json, new: Json) -> list[Json]:
    """The operations that make `old` into `new`, two resources of one type as `fhirpath.read` gives them."""
    name = old["resourceType"]
    return [_operation(one) for one in _inside(old, new, name, name)]


def _operation(parts: Json) -> Json:
    """One parameter: `type` and `path` always, `name`, `index` and `value` where the type needs them."""
    told: list[Json] = [{"name": "type", "valueCode": parts["type"]}, {"name": "path", "valueString": parts["path"]}]
    told += [{"name": "name", "valueString": parts["name"]}] if "name" in parts else []
    told += [{"name": "index", "valueInteger": parts["index"]}] if "index" in parts else []
    told += [{"name": "value", **parts["value"]}] if "value" in parts else []
    return {"name": "operation", "part": told}


def _inside(old: Json, new: Json, type_name: str, path: str) -> Iterator[Json]:
    apart = APART.get(type_name, frozenset()) | ({"id"} if kinds().get(type_name) == "resource" else frozenset())
    for element in elements(type_name):
        if element.name in apart:
            continue
        step = f"{path}.`{element.name}`" if element.name in WORDS else f"{path}.{element.name}"
        if element.max == 1:
            yield from _single(_found(old, element), _found(new, element), element, (path, step))
        else:
            before, after = _items(old, element), _items(new, element)
            yield from _list(before, after, element, (path, step))


def _found(owner: Json, element: Element) -> tuple[str, Pair]:
    """(type, value) of an element that does not repeat; ("", NOTHING) where it is not there."""
    for type_name in element.types:
        name = element.member(type_name)
        pair = (owner.get(name), owner.get(f"_{name}"))
        if pair != NOTHING:
            return type_name, pair
    return "", NOTHING


def _items(owner: Json, element: Element) -> list[Pair]:
    values, extras = owner.get(element.name) or [], owner.get(f"_{element.name}") or []
    count = max(len(values), len(extras))
    values, extras = ([*one, *[None] * (count - len(one))] for one in (values, extras))
    return list(zip(values, extras, strict=True))


def _single(old: tuple[str, Pair], new: tuple[str, Pair], element: Element, places: tuple[str, str]) -> Iterator[Json]:
    (old_type, before), (new_type, after) = old, new
    path, step = places
    if not _differ(before, after) and old_type == new_type:
        return
    if after == NOTHING:
        yield {"type": "delete", "path": step}
    elif before == NOTHING:
        yield {"type": "add", "path": path, "name": element.name, "value": _value(after, new_type)}
    elif old_type == new_type and _alike(before[0], after[0], new_type):
        yield from _inside(before[0], after[0], new_type, step)
    else:
        yield {"type": "replace", "path": step, "value": _value(after, new_type)}


def _list(before: Sequence[Pair], after: Sequence[Pair], element: Element, places: tuple[str, str]) -> Iterator[Json]:
    """What stands in the middle, between what both begin and end with, is changed in place, then cut or filled up."""
    (path, step), type_name = places, element.types[0]
    first, last = _ends(before, after)
    old, new = before[first : len(before) - last], after[first : len(after) - last]
    both = min(len(old), len(new))
    for number in range(both):
        yield from _item(old[number], new[number], type_name, f"{step}[{first + number}]")
    for number in reversed(range(both, len(old))):
        yield {"type": "delete", "path": f"{step}[{first + number}]"}
    for number in range(both, len(new)):
        value = _value(new[number], type_name)
        if last:
            yield {"type": "insert", "path": step, "index": first + number, "value": value}
        else:
            yield {"type": "add", "path": path, "name": element.name, "value": value}


def _ends(before: Sequence[Pair], after: Sequence[Pair]) -> tuple[int, int]:
    """How many items both lists begin with, and end with."""
    first, most = 0, min(len(before), len(after))
    while first < most and not _differ(before[first], after[first]):
        first += 1
    last = 0
    while last < most - first and not _differ(before[-1 - last], after[-1 - last]):
        last += 1
    return first, last


def _item(old: Pair, new: Pair, type_name: str, place: str) -> Iterator[Json]:
    if not _differ(old, new):
        return
    if _alike(old[0], new[0], type_name):
        yield from _inside(old[0], new[0], type_name, place)
    else:
        yield {"type": "replace", "path": place, "value": _value(new, type_name)}


def _alike(old: Any, new: Any, type_name: str) -> bool:
    """Whether it is worth telling what changed inside: two objects of a type with elements that have something in common."""
    if type_name in PRIMITIVES or kinds().get(type_name) not in ("complex", "backbone"):
        return False
    shared = [name for name in old.keys() & new.keys() if not _differ(old[name], new[name])]
    return bool(shared) or old.keys() == new.keys()


def _differ(old: Any, new: Any) -> bool:
    """As JSON differs: 1 is not true, and 1.0 is not 1.00."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() != new.keys() or any(_differ(old[name], new[name]) for name in old)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) != len(new) or any(map(_differ, old, new))
    return type(old) is not type(new) or str(old) != str(new)


def _value(pair: Pair, type_name: str) -> Json:
    """The part that holds a value: `value[x]` for what Parameters can hold, a resource, or parts for its elements."""
    value, extra = pair
    member = f"value{type_name[0].upper()}{type_name[1:]}"
    if type_name == "Resource" or kinds().get(type_name) == "resource":
        return {"resource": value}
    if member not in members("Parameters.parameter"):
        if type_name not in kinds():
            return {"valueString": value}  # xhtml
        return {"part": list(_parts(value, type_name))}
    return ({} if value is None else {member: value}) | ({} if extra is None else {f"_{member}": extra})


def _parts(owner: Json, type_name: str) -> Iterator[Json]:
    for element in elements(type_name):
        if element.max == 1:
            found, pair = _found(owner, element)
            pairs = [(found, pair)] if found else []
        else:
            pairs = [(element.types[0], one) for one in _items(owner, element)]
        for found, pair in pairs:
            yield {"name": element.name, **_value(pair, found)}
