"""Items as FHIR shows them: a named value of Parameters.parameter, and one JSON value for a command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from onmaru.fhir.definitions import members
from onmaru.fhir.fhirpath.node import CALENDAR_SYSTEM, UCUM_SYSTEM, Node, is_resource
from onmaru.fhir.fhirpath.types import TypeInfo
from onmaru.fhir.fhirpath.values import Long, Quantity, kind, text
from onmaru.fhir.primitives import PRIMITIVES, reason

JSON_VALUE = "http://fhir.forms-lab.com/StructureDefinition/json-value"
RESOURCE_PATH = "http://fhir.forms-lab.com/StructureDefinition/resource-path"
_NAMES: Mapping[str, str] = {
    "Boolean": "boolean",
    "Integer": "integer",
    "Decimal": "decimal",
    "String": "string",
    "Date": "date",
    "DateTime": "dateTime",
    "Time": "time",
    "Quantity": "Quantity",
}
encode = msgspec.json.Encoder(decimal_format="number").encode


def type_name(item: Any) -> str:
    """What the item is: a FHIR type, a backbone's path with `#` (`Patient#contact`), or a System type in FHIR's spelling."""
    if isinstance(item, Node):
        return item.type.replace(".", "#", 1) or "unknown"
    if isinstance(item, TypeInfo):
        return "TypeInfo"
    named = kind(item)
    return _NAMES.get(named, named)


def plain_json(item: Any) -> Any:
    """One JSON value: a complex element as its JSON, a date as its text, a Quantity as FHIR's."""
    if isinstance(item, Node):
        return item.data
    if isinstance(item, TypeInfo):
        return msgspec.structs.asdict(item)
    if isinstance(item, Quantity):
        return _quantity(item)
    if isinstance(item, Long):
        return int(item)
    return item if kind(item) in ("Boolean", "Integer", "Decimal", "String") else text(item)


def _quantity(quantity: Quantity) -> dict[str, Any]:
    found: dict[str, Any] = {"value": quantity.value, "unit": quantity.unit}
    if quantity.calendar:
        return {**found, "system": CALENDAR_SYSTEM, "code": quantity.unit}
    return {**found, "system": UCUM_SYSTEM, "code": quantity.unit} if quantity.ucum else found


def part(item: Any) -> dict[str, Any]:
    """A part of Parameters: its type as name, its value, and where in the resource it stands."""
    named = type_name(item)
    found: dict[str, Any] = {"name": named}
    extensions = []
    if isinstance(item, Node) and not item.path.startswith("%"):  # a variable's value stands nowhere in the resource
        extensions.append({"url": RESOURCE_PATH, "valueString": item.path})
    if item == "" or (isinstance(item, Node) and item.data == ""):
        return {"extension": extensions, "name": "empty-string"} if extensions else {"name": "empty-string"}
    value = _value(item, named)
    if value is None:
        extensions.append({"url": JSON_VALUE, "valueString": encode(plain_json(item)).decode()})
    return ({"extension": extensions} if extensions else {}) | found | (value or {})


def _value(item: Any, named: str) -> dict[str, Any] | None:
    """The member that holds the value, None where Parameters has none for its type."""
    if isinstance(item, Node):
        if is_resource(item):
            return {"resource": item.data}
        member = f"value{named[:1].upper()}{named[1:]}"
        if member not in members("Parameters.parameter"):
            return None
        held = {} if item.data is None else {member: item.data}
        return held | ({f"_{member}": item.extra} if item.extra is not None else {})
    if named not in _NAMES.values():
        return None
    value = plain_json(item)
    if named in PRIMITIVES and isinstance(value, str) and reason(named, value):
        return None  # such as a DateTime of minutes, which FHIR's dateTime cannot hold
    return {f"value{named[0].upper()}{named[1:]}": value}


def line(item: Any) -> str:
    """One line for a person to read."""
    if isinstance(item, Node) and not isinstance(item.data, (dict, list)) and item.data is not None:
        return item.data if isinstance(item.data, str) else text(item.value)
    value = plain_json(item)
    return value if isinstance(value, str) else text(item) if kind(item) else encode(value).decode()
