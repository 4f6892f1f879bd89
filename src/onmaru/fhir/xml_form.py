"""A resource in FHIR's XML form to its JSON form, by the structure definitions: the same elements, values and extensions.

Pure XML only: a document type declaration is refused, so no entity can be defined, and nothing outside is ever fetched.
What has no place in JSON (text beside elements, attributes that FHIR has not) is refused too, never left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.parsers import expat

import msgspec

from onmaru.fhir.definitions import RESOURCE_TYPES, Member, members
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.primitives import INTEGERS, PRIMITIVES
from onmaru.fhir.syntax import DEPTH

NAMESPACE = "http://hl7.org/fhir"
MOST = 500_000
"""Elements of one document: each takes its place in memory, an empty one as much as a full one."""
XHTML = "http://www.w3.org/1999/xhtml"
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})
# R4 datatypes.html: how numbers are written; longer integers are out of every range
_INTEGER = re.compile(r"0|[-+]?[1-9][0-9]{0,10}")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class Element(msgspec.Struct):
    """One element in FHIR's namespace, by its local name; `markup` is the source of a narrative's div."""

    name: str
    attributes: dict[str, str]
    children: list[Element]
    markup: str = ""


class Reader:
    """Builds elements from expat's events. Elements of XHTML are not built; their source is kept."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        # The encoding is given: what a document declares is never looked up as a codec
        self._parser = expat.ParserCreate("UTF-8", namespace_separator="|")
        self._parser.XmlDeclHandler = self._declared
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.CharacterDataHandler = self._text
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._open: list[Element] = []
        self._markup_depth = 0
        self._markup_at = 0
        self._markup_empty = True
        self._count = 0
        self.root: Element | None = None

    def read(self) -> Element:
        try:
            self._raw.decode("utf-8-sig")
            self._parser.Parse(self._raw, True)
        except (expat.ExpatError, UnicodeDecodeError):
            raise _not_utf_8() from None
        if self.root is None:
            raise invalid("structure", "The root element is not a resource type of FHIR R4.")
        return self.root

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _UTF_8:
            raise _not_utf_8()

    def _refuse(self, *_: object) -> None:
        raise invalid("structure", "The content has a document type declaration, which FHIR forbids.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition("|")
        if self._markup_depth or namespace == XHTML:
            self._start_markup(local)
            return
        if namespace != NAMESPACE:
            raise invalid("structure", "An element is not in FHIR's namespace.")
        self._count += 1
        if self._count > MOST:
            raise invalid("too-costly", f"The content has more than {MOST} elements.", status=413)
        element = Element(local, attributes, [])
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = self.root or element
        self._open.append(element)
        self._check_depth(len(self._open))

    def _start_markup(self, local: str) -> None:
        if not self._markup_depth:
            if local != "div":
                raise invalid("structure", "A narrative is one div.")
            self._markup_at = self._parser.CurrentByteIndex
        self._markup_empty = not self._markup_depth
        self._markup_depth += 1
        self._check_depth(self._markup_depth)

    def _text(self, text: str) -> None:
        if self._markup_depth:
            self._markup_empty = False
        elif text.strip(" \t\r\n"):
            where = ".".join(one.name for one in self._open)
            raise invalid("structure", "There is text here: FHIR writes values as attributes.", where)

    def _check_depth(self, depth: int) -> None:
        if depth > DEPTH:
            raise invalid("too-costly", f"The content nests deeper than {DEPTH} levels.")

    def _end(self, name: str) -> None:
        if not self._markup_depth:
            self._open.pop()
            return
        self._markup_depth -= 1
        if not self._markup_depth and self._open:
            end = self._parser.CurrentByteIndex
            if not (self._markup_empty and self._raw[end - 2 : end] == b"/>"):
                end = self._raw.find(b">", end) + 1
            markup = self._raw[self._markup_at : end].decode()
            self._open[-1].children.append(Element("div", {}, [], markup))


def _not_utf_8() -> Invalid:
    return invalid("structure", "The content is not XML in UTF-8.")


def to_json(raw: bytes) -> dict[str, Any]:
    """XML bytes of one resource → its JSON: dict, list, str, bool, int and Decimal (a decimal keeps its digits).

    Raises Invalid 400 for what is no XML or no resource, and for an element that its type has not.
    """
    return resource(Reader(raw).read())


def resource(element: Element) -> dict[str, Any]:
    """The JSON of a root element that a Reader read. Errors are `to_json`'s."""
    return _resource(element)


def _resource(element: Element) -> dict[str, Any]:
    if element.name not in RESOURCE_TYPES:
        raise invalid("structure", "The root element is not a resource type of FHIR R4.")
    _check_attributes(element, (), element.name)
    return {"resourceType": element.name, **_object(element, element.name, element.name)}


def _object(element: Element, type_name: str, path: str) -> dict[str, Any]:
    known = members(type_name)
    if type_name not in RESOURCE_TYPES:
        _check_attributes(element, ("id", "url") if type_name == "Extension" else ("id",), path)
    found: dict[str, Any] = {name: element.attributes[name] for name in ("id", "url") if name in element.attributes}
    for child in element.children:
        member = known.get(child.name)
        if member is None or member.sibling:
            raise invalid("structure", "There is no such element here.", path)
        if member.element.max == 1 and (child.name in found or f"_{child.name}" in found):
            raise invalid("structure", "This element does not repeat.", f"{path}.{child.name}")
        value, extra = _value(child, member, f"{path}.{child.name}")
        _put(found, child.name, (value, extra), member.element.max != 1)
    return {name: value for name, value in found.items() if not _empty(value)}


def _check_attributes(element: Element, allowed: tuple[str, ...], path: str) -> None:
    """Those of other namespaces (`xsi:schemaLocation`) say nothing of the resource."""
    if any(name not in allowed and "|" not in name for name in element.attributes):
        raise invalid("structure", "There is no such attribute here.", path)


def _empty(value: Any) -> bool:
    """A list in which no element has a value; what each has instead stands in the sibling's list."""
    return isinstance(value, list) and all(one is None for one in value)


def _put(found: dict[str, Any], name: str, pair: tuple[Any, Any], many: bool) -> None:
    value, extra = pair
    if not many:
        if value is not None:
            found[name] = value
        if extra:
            found[f"_{name}"] = extra
        return
    values, extras = found.setdefault(name, []), found.get(f"_{name}", [])
    if extra:
        extras += [None] * (len(values) - len(extras)) + [extra]
        found[f"_{name}"] = extras
    values.append(value)


def _value(child: Element, member: Member, path: str) -> tuple[Any, dict[str, Any] | None]:
    """An element's JSON value, and what stands in its `_name` sibling."""
    if child.markup:
        return child.markup, None
    if member.type == "Resource":
        if len(child.children) != 1:
            raise invalid("structure", "One resource is wanted here.", path)
        return _resource(child.children[0]), None
    if member.type not in PRIMITIVES:
        return _object(child, member.type, path), None
    attributes: Mapping[str, str] = child.attributes
    inner = _object(Element("", {k: v for k, v in attributes.items() if k != "value"}, child.children), "Element", path)
    written = attributes.get("value")
    return (None if written is None else _primitive(written, member.type, path)), inner or None


def _primitive(written: str, type_name: str, path: str) -> Any:
    try:
        if type_name == "boolean":
            return {"true": True, "false": False}[written]
        if type_name == "decimal" and _DECIMAL.fullmatch(written):
            return Decimal(written)
        if type_name in INTEGERS and _INTEGER.fullmatch(written):
            return int(written)
        if type_name != "decimal" and type_name not in INTEGERS:
            return written
        raise ValueError
    except (KeyError, ValueError, InvalidOperation):
        raise invalid("value", f"This is not a valid {type_name}.", path) from None
