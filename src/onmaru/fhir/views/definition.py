"""ViewDefinition (SQL on FHIR v2): its JSON read into records, every problem at once, each with its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from onmaru.fhir.definitions import RESOURCE_TYPES
from onmaru.fhir.outcome import Invalid, Issue
from onmaru.fhir.primitives import INTEGERS

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
"""What the invariant sql-name asks of the names of views, columns and constants."""
CONSTANTS = (
    *("base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant", "integer"),
    *("integer64", "oid", "string", "positiveInt", "time", "unsignedInt", "uri", "url", "uuid"),
)
NESTING = 20
"""How deep selects may nest."""
COLUMNS = 1000
"""How many columns a view may have."""
Way = Literal["forEach", "forEachOrNull", "repeat", ""]

_MEMBERS = {f"value{name[0].upper()}{name[1:]}": name for name in CONSTANTS}
_PREFIX = "http://hl7.org/fhir/StructureDefinition/"
_WHOLE = frozenset({*INTEGERS, "integer64"})


class Constant(msgspec.Struct, frozen=True):
    """`value`: str, bool, int, or a decimal's token as it was written."""

    name: str
    type: str
    value: Any


class OutputColumn(msgspec.Struct, frozen=True):
    """A column as it is defined. `type`: FHIR's name without the prefix, "" where none is said."""

    name: str
    path: str
    at: str
    type: str = ""
    collection: bool = False
    sql_type: str = ""


class Select(msgspec.Struct, frozen=True):
    """A selection structure. `way` and `paths`: how it goes through the resource, if it does."""

    at: str
    way: Way = ""
    paths: tuple[str, ...] = ()
    columns: tuple[OutputColumn, ...] = ()
    selects: tuple[Select, ...] = ()
    unions: tuple[Select, ...] = ()


class ViewDefinition(msgspec.Struct, frozen=True):
    """A view of one resource type. `where`: (expression, path in the definition)."""

    name: str
    resource: str
    select: Select
    where: tuple[tuple[str, str], ...] = ()
    constants: tuple[Constant, ...] = ()


def parse(data: Any) -> ViewDefinition:
    """A ViewDefinition from its decoded JSON (decimals as `columnar.read` gives them, or as numbers).

    Raises Invalid (422) with every problem of its structure. Expressions are read by `compile`.
    """
    reader = _Reader()
    view = reader.view(data)
    if reader.issues:
        raise Invalid(reader.issues, 422)
    return view


class _Reader:
    def __init__(self) -> None:
        self.issues: list[Issue] = []

    def _problem(self, at: str, text: str, code: str = "invalid") -> None:
        self.issues.append(Issue(code, text, at))

    def view(self, data: Any) -> ViewDefinition:
        at = "ViewDefinition"
        if not isinstance(data, Mapping):
            self._problem(at, "expected an object")
            return ViewDefinition("", "", Select(at))
        name = self._name(data, at, needed=False)
        resource = self._text(data, "resource", at)
        if resource and resource not in RESOURCE_TYPES:
            self._problem(f"{at}.resource", "no resource type of R4 has this name", "code-invalid")
        where = tuple((self._text(one, "path", path), path) for path, one in self._objects(data, "where", at))
        selects = tuple(self._select(one, path, 1) for path, one in self._objects(data, "select", at))
        if not selects and not self.issues:
            self._problem(f"{at}.select", "at least one select is needed", "required")
        whole = Select(at, selects=selects)
        if selects and not self.issues:
            self._columns(whole)
        return ViewDefinition(name, resource, whole, where, self._constants(data, at))

    def _objects(self, data: Mapping[str, Any], member: str, at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        held = data.get(member)
        if held is None:
            return
        if not isinstance(held, list):
            self._problem(f"{at}.{member}", "expected a list")
            return
        for place, one in enumerate(held):
            path = f"{at}.{member}[{place}]"
            if isinstance(one, Mapping):
                yield path, one
            else:
                self._problem(path, "expected an object")

    def _text(self, data: Mapping[str, Any], member: str, at: str, *, needed: bool = True) -> str:
        held = data.get(member)
        if held is None and not needed:
            return ""
        if isinstance(held, str) and held.strip():
            return held
        said = "is needed" if held is None else "expected text"
        self._problem(f"{at}.{member}", said, "required" if held is None else "invalid")
        return ""

    def _name(self, data: Mapping[str, Any], at: str, *, needed: bool = True) -> str:
        name = self._text(data, "name", at, needed=needed)
        if name and not NAME.fullmatch(name):
            self._problem(f"{at}.name", "a name begins with a letter and has only letters, digits and underscores")
        return name

    def _flag(self, data: Mapping[str, Any], member: str, at: str) -> bool:
        held = data.get(member, False)
        if not isinstance(held, bool):
            self._problem(f"{at}.{member}", "expected a boolean")
        return held is True

    def _select(self, data: Mapping[str, Any], at: str, depth: int) -> Select:
        if depth > NESTING:
            self._problem(at, f"selects nest deeper than {NESTING}", "too-costly")
            return Select(at)
        way, paths = self._way(data, at)
        return Select(
            at,
            way,
            paths,
            tuple(self._column(one, path) for path, one in self._objects(data, "column", at)),
            tuple(self._select(one, path, depth + 1) for path, one in self._objects(data, "select", at)),
            tuple(self._select(one, path, depth + 1) for path, one in self._objects(data, "unionAll", at)),
        )

    def _way(self, data: Mapping[str, Any], at: str) -> tuple[Way, tuple[str, ...]]:
        ways: list[Way] = [way for way in ("forEach", "forEachOrNull", "repeat") if data.get(way) is not None]
        if len(ways) > 1:
            self._problem(at, "only one of forEach, forEachOrNull and repeat may be there")
        if not ways:
            return "", ()
        if ways[0] != "repeat":
            return ways[0], (self._text(data, ways[0], at),)
        held = data["repeat"]
        if not isinstance(held, list) or not held or not all(isinstance(one, str) and one.strip() for one in held):
            self._problem(f"{at}.repeat", "expected a list of expressions")
            return "repeat", ()
        return "repeat", tuple(held)

    def _column(self, data: Mapping[str, Any], at: str) -> OutputColumn:
        kind = self._text(data, "type", at, needed=False).removeprefix(_PREFIX)
        tags = {self._text(one, "name", path): (path, one) for path, one in self._objects(data, "tag", at)}
        sql_type = ""
        if "ansi/type" in tags:
            path, one = tags["ansi/type"]
            sql_type = self._text(one, "value", path)
        return OutputColumn(
            self._name(data, at),
            self._text(data, "path", at),
            at,
            kind,
            self._flag(data, "collection", at),
            sql_type,
        )

    def _columns(self, select: Select) -> tuple[str, ...]:
        """The names of a select's columns in their order; problems where they are none, too many, repeated or not alike."""
        names = _named(select, self)
        seen: set[str] = set()
        for name in names:
            if name.casefold() in seen:  # SQL's names do not tell case apart
                self._problem(select.at, f"more than one column is called {name}")
            seen.add(name.casefold())
        if not names:
            self._problem(select.at, "no columns are selected", "required")
        if len(names) > COLUMNS:
            self._problem(select.at, f"more than {COLUMNS} columns", "too-costly")
        return names

    def union_columns(self, select: Select) -> tuple[str, ...]:
        """The columns of a select's unionAll, which every branch must have alike."""
        found = [_named(branch, self) for branch in select.unions]
        for branch, names in zip(select.unions, found, strict=True):
            if names != found[0]:
                self._problem(branch.at, "the selects of a unionAll need the same columns in the same order")
        return found[0] if found else ()

    def _constants(self, data: Mapping[str, Any], at: str) -> tuple[Constant, ...]:
        found: dict[str, Constant] = {}
        for path, one in self._objects(data, "constant", at):
            name = self._name(one, path)
            if name in found:
                self._problem(f"{path}.name", "another constant has this name")
            found[name] = self._constant(one, name, path)
        return tuple(found.values())

    def _constant(self, data: Mapping[str, Any], name: str, at: str) -> Constant:
        members = [member for member in data if member.startswith("value")]
        if len(members) != 1 or members[0] not in _MEMBERS:
            self._problem(at, "exactly one value[x] of a primitive type is needed", "required")
            return Constant(name, "string", "")
        kind, value = _MEMBERS[members[0]], data[members[0]]
        if kind == "decimal" and isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        wanted = {"boolean": bool, **dict.fromkeys(_WHOLE, int)}.get(kind, str)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            self._problem(f"{at}.{members[0]}", f"expected a value of type {kind}")
        return Constant(name, kind, value)


def _named(select: Select, reader: _Reader) -> tuple[str, ...]:
    """Column names as the specification orders them: own columns, nested selects, unionAll."""
    return (
        *(column.name for column in select.columns),
        *(name for inner in select.selects for name in _named(inner, reader)),
        *reader.union_columns(select),
    )
