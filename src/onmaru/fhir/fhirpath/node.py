"""An element of a resource as FHIRPath sees it: its JSON, its `_name` sibling, its type and where it stands.

Navigation goes by the structure definitions: `value` finds `valueQuantity`, and nothing is called `valueQuantity`.
JSON is dict, list, str, bool, int and Decimal (`read`), so that a decimal keeps every digit that was written.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from onmaru.fhir.definitions import RESOURCE_TYPES, elements, kinds
from onmaru.fhir.fhirpath.temporal import Date, DateTime, Time
from onmaru.fhir.fhirpath.values import Quantity
from onmaru.fhir.primitives import INTEGERS, PRIMITIVES

UCUM_SYSTEM = "http://unitsofmeasure.org"
CALENDAR_SYSTEM = "http://hl7.org/fhirpath/CodeSystem/calendar-units"
MEASURES = frozenset({"Quantity", "Age", "Count", "Distance", "Duration"})
_TIMES: dict[str, type[Date] | type[DateTime] | type[Time]] = {
    "date": Date,
    "dateTime": DateTime,
    "instant": DateTime,
    "time": Time,
}
MAX_DIGITS = 300
"""Digits and decimal exponent beyond which a number in the data is only text."""
_UNREAD: Any = object()
_KINDS = kinds()

read = msgspec.json.Decoder(float_hook=Decimal).decode
"""JSON bytes to what this package evaluates: decimals exact, all else as Python has it."""


class Labels(msgspec.Struct, frozen=True):
    """How one label of a type is found in its JSON: member → type, more than one for a choice."""

    members: dict[str, str]
    only: str
    type: str


def labels(type_name: str) -> dict[str, Labels]:
    """The children that a type defines; none for a type that R4 does not know."""
    return _labels(type_name) if type_name in _KINDS else {}  # what strangers call a type is not remembered


@cache
def _labels(type_name: str) -> dict[str, Labels]:
    found = {}
    for element in elements(type_name):
        by_member = {element.member(name): name for name in element.types}
        first = next(iter(by_member))
        found[element.name] = Labels(by_member, first if len(by_member) == 1 else "", by_member[first])
    return found


@cache
def _places(type_name: str) -> dict[str, tuple[int, str]]:
    """JSON member, or its `_name` sibling, → the place of its label in the specification's order, and the label."""
    found = {}
    for place, (label, known) in enumerate(_labels(type_name).items()):
        for member in known.members:
            found[member] = found[f"_{member}"] = (place, label)
    return found


class Node:
    """`index`: the place in a repeating element, -1 in one that does not repeat. `type` is "" where none is known."""

    __slots__ = ("_below", "_known", "_value", "data", "extra", "index", "label", "parent", "type")

    def __init__(self, data: Any, type: str, label: str = "", parent: Node | None = None, index: int = -1) -> None:
        self.data = data
        self.extra: Any = None
        self.type = type
        self.parent = parent
        self.label = label
        self.index = index
        self._value = _UNREAD
        self._known: dict[str, list[Any]] | None = None
        self._below: list[Node] | None = None

    @property
    def value(self) -> Any:
        """The System value of a primitive or a Quantity; the node itself for anything else or without a value."""
        if self._value is _UNREAD:
            self._value = _system(self)
        return self._value

    @property
    def path(self) -> str:
        """Where the element stands: `Patient.name[0].given[1]`."""
        if self.parent is None:
            return self.label or self.type
        place = f"[{self.index}]" if self.index >= 0 else ""
        return f"{self.parent.path}.{self.label}{place}"

    @property
    def root(self) -> Node:
        """The outermost resource."""
        node = self
        while node.parent is not None:
            node = node.parent
        return node

    def add(self, label: str, found: list[Any]) -> None:
        """Append the children called `label`. They are made once, because a validator asks for them again and again."""
        if self._known is None:
            self._known = {}
        held = self._known.get(label)
        if held is None:
            held = []
            if isinstance(self.data, dict):
                self._find(label, held)
            else:
                self._add_to_primitive(label, held)
            self._known[label] = held
        found += held

    def _find(self, label: str, found: list[Any]) -> None:
        known = labels(self.type).get(label)
        if known is None:
            if not labels(self.type):
                self._children(label, label, "", found)
        elif known.only:
            self._children(known.only, label, known.type, found)
        else:
            members = known.members
            for name in self.data:
                member = name[1:] if name[:1] == "_" else name
                if member in members and (member is name or member not in self.data):
                    self._children(member, label, members[member], found)

    def _add_to_primitive(self, label: str, found: list[Any]) -> None:
        if label == "value" and self.data is not None:
            found.append(self.value)
        elif isinstance(self.extra, dict) and label in ("id", "extension"):
            inner: list[Any] = []
            Node(self.extra, "Element", self.label, self.parent, self.index).add(label, inner)
            for child in inner:
                child.parent = self
            found += inner

    def _children(self, member: str, label: str, type_name: str, found: list[Any]) -> None:
        data = self.data
        value = data.get(member)
        extra = data.get("_" + member) if type_name in PRIMITIVES or not type_name else None
        if value.__class__ is list or extra.__class__ is list:
            _each(self, label, type_name, (value, extra), found)
        elif value is not None or extra is not None:
            node = Node(value, type_name, label, self)
            if type_name == "Resource":
                node.type = resource_type(value)
            node.extra = extra
            found.append(node)

    def below(self) -> list[Node]:
        """Every descendant, in the order of the document."""
        if self._below is None:
            found: list[Node] = []
            waiting = self.children()[::-1]
            while waiting:
                node = waiting.pop()
                found.append(node)
                waiting += reversed(node.children())
            self._below = found
        return self._below

    def children(self) -> list[Node]:
        """Every child, in the specification's order."""
        found: list[Any] = []
        if isinstance(self.data, dict):
            for label in self._labels():
                self.add(label, found)
        elif isinstance(self.extra, dict):
            self.add("id", found)
            self.add("extension", found)
        return found

    def _labels(self) -> list[str]:
        """The labels that have children, in the specification's order."""
        if self.type not in _KINDS:
            return [name for name in self.data if name[:1] != "_" and name != "resourceType"]
        places = _places(self.type)
        return [label for _, label in sorted({places[name] for name in self.data if name in places})]


def _each(parent: Node, label: str, type_name: str, pair: tuple[Any, Any], found: list[Any]) -> None:
    values = pair[0] if isinstance(pair[0], list) else []
    extras = pair[1] if isinstance(pair[1], list) else []
    if not extras:
        if type_name == "Resource":
            found += [Node(v, resource_type(v), label, parent, i) for i, v in enumerate(values) if v is not None]
        else:
            found += [Node(v, type_name, label, parent, i) for i, v in enumerate(values) if v is not None]
        return
    for index in range(max(len(values), len(extras))):
        value = values[index] if index < len(values) else None
        extra = extras[index] if index < len(extras) else None
        if value is not None or extra is not None:
            node = Node(value, type_name, label, parent, index)
            node.extra = extra
            found.append(node)


def resource_type(data: Any) -> str:
    """What a resource's JSON says that it is, "" where it says nothing."""
    name = data.get("resourceType", "") if isinstance(data, dict) else ""
    return name if isinstance(name, str) else ""


def root(data: Any, type_name: str = "") -> Node:
    """The node of a whole resource, or of any JSON whose FHIR type is named."""
    return Node(data, type_name or resource_type(data))


def is_resource(node: Node) -> bool:
    """Whether the node is a whole resource."""
    return node.type in RESOURCE_TYPES


def _system(node: Node) -> Any:
    data, name = node.data, node.type
    if data is None or isinstance(data, list):
        return node
    if isinstance(data, dict):
        return _quantity(node) if name in MEASURES else node
    if isinstance(data, bool):
        return data
    if name == "decimal" or data.__class__ in (Decimal, float):
        return _decimal(data)
    if name in INTEGERS or data.__class__ is int:
        return _integer(data)
    if name in _TIMES and isinstance(data, str):
        try:
            return _TIMES[name].read(data)
        except ValueError:
            pass
    return str(data)


def _decimal(data: Any) -> Any:
    """A number, or its text where no arithmetic could hold it."""
    try:
        number = Decimal(str(data))
    except ArithmeticError:
        return str(data)
    held = number.is_finite() and len(number.as_tuple().digits) <= MAX_DIGITS and abs(number.adjusted()) <= MAX_DIGITS
    return number if held else str(data)


def _integer(data: Any) -> Any:
    try:
        return int(data)
    except (ValueError, ArithmeticError):
        return str(data)


def _quantity(node: Node) -> Any:
    """A System.Quantity where there is a value and no comparator; the unit is the UCUM code, or else what is written."""
    data = node.data
    number = data.get("value")
    if number is None or isinstance(number, (bool, dict, list)) or data.get("comparator") is not None:
        return node
    value = _decimal(number)
    if not isinstance(value, Decimal):
        return node
    system, code = data.get("system"), data.get("code")
    if system == CALENDAR_SYSTEM and isinstance(code, str):
        return Quantity(value, code, calendar=True)
    if system == UCUM_SYSTEM and isinstance(code, str):
        return Quantity(value, code)
    unit = code or data.get("unit")
    return Quantity(value, unit, ucum=False) if isinstance(unit, str) else Quantity(value)


def value_of(item: Any) -> Any:
    """The System value of an item, or the item itself."""
    return item.value if item.__class__ is Node else item
