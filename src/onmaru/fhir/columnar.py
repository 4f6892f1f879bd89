"""Resources as typed nested tables: what column each element has, and which of them a set of resources fills.

The tree follows R4's definitions and the JSON names, so that a path of FHIRPath is a path of columns. A table holds only
the columns that its resources fill: whatever is absent is NULL, and two trees of one type always join (decision 0184).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Literal

import msgspec

from onmaru.fhir.definitions import members
from onmaru.fhir.primitives import INTEGERS, PRIMITIVES

Kind = Literal["group", "text", "boolean", "integer", "decimal", "json"]
"""How a value lies in a table. decimal: text as it was written, so that 1.0 and 1.00 stay two precisions of one number;
json: the JSON of a whole subtree, for what has no columns; group: a struct of further columns."""

DEPTH = 24
"""How many groups nest; what lies deeper (an Extension in an Extension …) is one json column."""

_KINDS: Mapping[str, Kind] = {"boolean": "boolean", "decimal": "decimal", **dict.fromkeys(INTEGERS, "integer")}


class Written(str):
    """A decimal's token."""

    __slots__ = ()


read = msgspec.json.Decoder(float_hook=Written).decode
"""JSON bytes to what `filled` and `row` take: decimals as they were written."""


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column. `type`: its FHIR type, or a backbone's path; `many`: a list of such values.

    `columns`: a group's own columns by JSON name, in the order of the definitions; a primitive `x` has its ids and
    extensions in the group `_x` beside it. A whole table is the group of its resource type. Encodes to JSON and back.
    """

    type: str
    kind: Kind
    many: bool = False
    columns: dict[str, Column] = {}

    def at(self, *names: str) -> Column | None:
        """The column below at this path of JSON names; None where the tree has none."""
        found: Column | None = self
        for name in names:
            found = found.columns.get(name) if found else None
        return found

    def leaves(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Column]]:
        """(path, column) of every column that holds values itself."""
        if self.kind != "group":
            yield path, self
        for name, column in self.columns.items():
            yield from column.leaves((*path, name))


def table(type_name: str) -> Column:
    """The empty table of a resource type, or the empty group of any type."""
    return Column(type_name, "group")


@cache
def defined(type_name: str) -> dict[str, Column]:
    """Every column that a type may have, one level deep, by JSON name: `name`, `_birthDate`, `valueQuantity`.

    `resourceType` is none: a table says it. Raises KeyError for a type that R4 does not define.
    """
    found = {}
    for name, member in members(type_name).items():
        many = member.element.max != 1
        held = "Element" if member.sibling else member.type
        found[name] = Column(held, "group" if member.sibling else _kind(held), many)
    return found


def _kind(type_name: str) -> Kind:
    if type_name in PRIMITIVES:
        return _KINDS.get(type_name, "text")
    return "json" if type_name == "Resource" else "group"


def filled(type_name: str, resources: Iterable[Mapping[str, Any]]) -> Column:
    """The table of one type with exactly the columns that these resources fill.

    `resources`: decoded JSON. Members that R4 does not define have no column.
    """
    grown = _Growing(type_name, "group", False)
    for resource in resources:
        grown.take(resource, 1)
    return grown.column()


class _Growing:
    """A column while resources are looked at: for speed it is changed in place."""

    __slots__ = ("below", "kind", "many", "type")

    def __init__(self, type_name: str, kind: Kind, many: bool) -> None:
        self.type = type_name
        self.kind: Kind = kind
        self.many = many
        self.below: dict[str, _Growing] = {}

    def take(self, group: Mapping[str, Any], depth: int) -> None:
        below = self.below
        for name, value in group.items():
            held = below.get(name)
            if held is None:
                known = defined(self.type).get(name)
                if known is None or value is None:
                    continue
                kind: Kind = "json" if known.kind == "group" and depth >= DEPTH else known.kind
                held = below[name] = _Growing(known.type, kind, known.many)
            if held.kind == "group":
                for one in value if isinstance(value, list) else (value,):
                    if isinstance(one, dict):
                        held.take(one, depth + 1)

    def column(self) -> Column:
        if self.kind != "group":
            return Column(self.type, self.kind, self.many)
        made = {name: self.below[name].column() for name in _ordered(self.type, self.below)}
        # A group that nothing fills would be a struct without fields, which Parquet cannot hold
        below = {name: column for name, column in made.items() if column.kind != "group" or column.columns}
        return Column(self.type, self.kind, self.many, below)


def _ordered(type_name: str, names: Iterable[str]) -> list[str]:
    """Names in the order of the definitions: how a tree grew shows nowhere."""
    return sorted(names, key=_places(type_name).__getitem__)


@cache
def _places(type_name: str) -> dict[str, int]:
    return {name: place for place, name in enumerate(defined(type_name))}


def union(one: Column, other: Column) -> Column:
    """The columns of both. Associative and commutative, so a table's tree is the union of its files' trees."""
    if one == other or not other.columns:
        return one
    if not one.columns:
        return other
    both = {}
    for name in _ordered(one.type, {**one.columns, **other.columns}):
        mine, theirs = one.columns.get(name), other.columns.get(name)
        both[name] = union(mine, theirs) if mine and theirs else (mine or theirs)
    return Column(one.type, one.kind, one.many, both)  # type: ignore[arg-type]  # one of the two has the name


def row(tree: Column, resource: Mapping[str, Any]) -> dict[str, Any]:
    """One resource as a row of plain Python values: dict, list, str, bool and int, with None where nothing is held.

    `resource`: what `read` gives. Columns that the tree has not are left out. Raises ValueError with the path where a value
    is not of its column's kind.
    """
    return _group(tree, resource, tree.type)


def _group(column: Column, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{path}: expected an object")
    return {
        name: None if (held := value.get(name)) is None else _held(below, held, f"{path}.{name}")
        for name, below in column.columns.items()
    }


def _held(column: Column, value: Any, path: str) -> Any:
    if not column.many:
        return _one(column, value, path)
    if not isinstance(value, list):
        raise ValueError(f"{path}: expected a list")
    return [None if one is None else _one(column, one, path) for one in value]


def _one(column: Column, value: Any, path: str) -> Any:
    kind = column.kind
    if kind == "group":
        return _group(column, value, path)
    if kind == "json":
        return msgspec.json.encode(_verbatim(value)).decode()
    if value.__class__ not in _PYTHON[kind]:
        raise ValueError(f"{path}: expected {kind}")
    return str(value) if kind == "decimal" else value


_PYTHON: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "decimal": (Written, int),
}


def _verbatim(value: Any) -> Any:
    """A subtree that encodes to the tokens that were read."""
    if isinstance(value, dict):
        return {name: _verbatim(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_verbatim(held) for held in value]
    return msgspec.Raw(value.encode()) if isinstance(value, Written) else value
