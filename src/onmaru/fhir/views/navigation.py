"""From an element to those below it: members, choices by type, places, extensions, and keys of resources and references."""

from __future__ import annotations

from onmaru.fhir.columnar import Column, defined
from onmaru.fhir.definitions import RESOURCE_TYPES
from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.fhirpath.node import labels
from onmaru.fhir.fhirpath.types import FHIR, SYSTEM, ancestors, specifier
from onmaru.fhir.primitives import PRIMITIVES
from onmaru.fhir.views.compiler import Compiler
from onmaru.fhir.views.value import NULL, Value, absent, string

_SYSTEM = {
    "Boolean": "boolean",
    "Integer": "integer",
    "Decimal": "decimal",
    "String": "string",
    "Quantity": "Quantity",
} | {
    "Date": "date",
    "DateTime": "dateTime",
    "Time": "time",
}
_KEY = "{type}/[A-Za-z0-9.-]{{1,64}}"
_REFERENCE = "^(?:https?://[^?#]+/)?({key})(?:/_history/[A-Za-z0-9.-]{{1,64}})?$"


def child(compiler: Compiler, given: Value, name: str, at: int) -> Value:
    """The elements called `name` of each item."""
    return compiler.each(given, lambda item: _member(compiler, item, name, at))


def _member(compiler: Compiler, item: Value, name: str, at: int) -> Value:
    if not item.type:
        return absent()
    if item.type in PRIMITIVES:
        return _of_primitive(compiler, item, name, at)
    if item.type == "Resource" or (item.column is not None and item.column.kind == "json"):
        raise semantic("views do not look into contained resources or what nests too deep", at)
    known = labels(item.type).get(name)
    if known is None:
        compiler.warn(f"{item.type} has no element called {name[:64]}")
        return absent()
    found = [_column(compiler, item, member, type_name) for member, type_name in known.members.items()]
    if known.only:
        return found[0]
    present = tuple(value for value in found if not value.absent)
    return Value(NULL, "", choices=present)


def _of_primitive(compiler: Compiler, item: Value, name: str, at: int) -> Value:
    if name == "value":
        return item
    if name not in ("id", "extension"):
        compiler.warn(f"{item.type} has no element called {name[:64]}")
        return absent()
    if item.sibling is None:
        return absent("string") if name == "id" else absent("Extension", many=True)
    return child(compiler, item.sibling, name, at)


def _column(compiler: Compiler, item: Value, member: str, type_name: str) -> Value:
    """The value of a JSON member; absent where the table has no such column."""
    below = item.column.at(member) if item.column is not None else None
    sibling = item.column.at(f"_{member}") if item.column is not None and type_name in PRIMITIVES else None
    many = defined(item.type)[member].many
    beside = _field(compiler, item, f"_{member}", sibling) if sibling else None
    if below is None:
        return Value(NULL, type_name, many, sibling=beside)
    found = _field(compiler, item, member, below)
    if many and sibling is not None:  # a place that only the sibling fills is null
        name = compiler.name()
        found = found.of(compiler.dialect.kept(found.sql, name, f"{name} IS NOT NULL"))
    return Value(found.sql, type_name, many, below, beside)


def _field(compiler: Compiler, item: Value, member: str, column: Column) -> Value:
    sql = f"{item.sql if _plain(item.sql) else f'({item.sql})'}.{compiler.dialect.quoted(member)}"
    if column.many and member[0] == "_":
        name = compiler.name()
        sql = compiler.dialect.kept(sql, name, f"{name} IS NOT NULL")
    return Value(sql, column.type, column.many, column)


def _plain(sql: str) -> bool:
    return sql.replace('"', "").replace("`", "").replace(".", "").replace("_", "").isalnum()


def indexed(compiler: Compiler, given: Value, index: Value, at: int) -> Value:
    """The item at a place of the whole collection, from 0."""
    if given.choices is not None:
        if given.many:
            raise semantic("choose a type with ofType() before a place", at)
        return compiler.joined([indexed(compiler, one, index, at) for one in given.choices])
    place = compiler.single(index)
    if place.kind not in ("integer", ""):
        raise semantic("a place in a list is a whole number", at)
    if given.absent or place.sql == NULL:
        return given.of(NULL, many=False)
    if isinstance(place.literal, int) and place.literal < 0:
        return given.of(NULL, many=False)
    items = given.sql if given.many else compiler.listed(given)
    return given.of(compiler.dialect.at(items, place.sql), many=False)


def narrowed(compiler: Compiler, given: Value, type_name: str, at: int) -> Value:
    """The items of one type, as `ofType` and `as` choose them. Raises PathError for a type that no model has."""
    wanted = specifier(type_name, at)
    name = _SYSTEM.get(wanted.name, "") if wanted.namespace == "System" or wanted.name not in FHIR else wanted.name
    if wanted.name in SYSTEM and not name:
        raise semantic(f"{type_name} is not supported in views", at)
    if given.choices is not None:
        found = [one for one in given.choices if _is(one, name)]
        return found[0] if found else absent(name, many=given.many)
    if not given.type or given.absent:
        return absent(name, many=given.many)
    if given.type == "Resource":
        raise semantic("views do not look into contained resources", at)
    if _is(given, name):
        return given
    return absent(name, many=given.many)


def _is(value: Value, name: str) -> bool:
    if value.type in PRIMITIVES:
        return value.type == name
    return name in ancestors(value.type) or value.type == name


def resource_key(compiler: Compiler, given: Value, at: int) -> Value:
    """`Patient/p1`: what a reference to the resource says. Only of a whole resource."""
    if given.type not in RESOURCE_TYPES or given.many:
        raise semantic("getResourceKey() is asked of a whole resource", at)
    held = child(compiler, given, "id", at)
    if held.absent:
        return absent("string")
    return string(f"({compiler.dialect.text(given.type + '/')} || {held.sql})")


def reference_key(compiler: Compiler, given: Value, type_name: str, at: int) -> Value:
    """The resource key of what each Reference names, none where it is of another type or names nothing of a store."""
    if type_name and type_name not in RESOURCE_TYPES:
        raise semantic("getReferenceKey() takes the name of a resource type", at)
    plain = _KEY.format(type=type_name or "[A-Z][A-Za-z]+")
    pattern = _REFERENCE.format(key=plain)

    def key(item: Value) -> Value:
        if item.type not in ("Reference", ""):
            raise semantic("getReferenceKey() is asked of a Reference", at)
        held = child(compiler, item, "reference", at) if item.type else absent()
        if held.absent:
            return absent("string")
        return string(compiler.bound(held.sql, lambda text: compiler.dialect.key(text, plain, pattern)))

    return compiler.each(given, key)
