"""A resource's JSON form to FHIR's XML form (R4 xml.html), by the structure definitions: `xml_form.to_json` undoes it.

Its one law: every value's characters are kept, `72.50` and 1e3 as they stand; elements come in the definition's order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from typing import Any

from onmaru.fhir.definitions import RESOURCE_TYPES, elements
from onmaru.fhir.outcome import invalid
from onmaru.fhir.primitives import PRIMITIVES
from onmaru.fhir.xml_form import NAMESPACE

# What an attribute's value would lose or end at, and what XML 1.0 cannot hold at all
_SPECIAL = re.compile('[&<>"\t\n\r\ufffe\uffff]')
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}
Json = Mapping[str, Any]


def to_xml(raw: bytes, *, pretty: bool = False) -> bytes:
    """JSON bytes of one resource → XML in UTF-8; `pretty` puts each element outside a narrative on a line of its own.

    Raises Invalid 406 for what is no resource of R4, which has no XML form.
    """
    resource = json.loads(raw, parse_float=str, parse_int=str)
    writer = _Writer("\n" if pretty else "")
    writer.resource(resource, 0, f' xmlns="{NAMESPACE}"')
    return b'<?xml version="1.0" encoding="UTF-8"?>' + "".join(writer.parts).encode() + (b"\n" if pretty else b"")


class _Writer:
    """Gathers the text of a document, tag by tag."""

    def __init__(self, line: str) -> None:
        self.parts: list[str] = []
        self._line = line

    def resource(self, resource: Json, depth: int, namespace: str = "") -> None:
        name = resource.get("resourceType", "")
        if name not in RESOURCE_TYPES:
            raise invalid("not-supported", "only a resource of FHIR R4 has an XML form", status=406)
        self._begin(name, namespace, depth)
        for member in _order(name):
            self._member(member, resource, depth + 1)
        self._end(name, depth)

    def _member(self, member: tuple[str, str], owner: Json, depth: int) -> None:
        name, type_name = member
        values, extras = _many(owner.get(name)), _many(owner.get(f"_{name}"))
        for value, extra in zip_longest(values, extras):
            self._element(name, type_name, value, extra or {}, depth)

    def _element(self, name: str, type_name: str, value: Any, extra: Json, depth: int) -> None:
        if type_name == "Resource":
            self._begin(name, "", depth)
            self.resource(value, depth + 1)
            self._end(name, depth)
        elif name == "div":
            self.parts.append(f"{self._indent(depth)}{value}")
        elif type_name in PRIMITIVES:
            written = "" if value is None else f' value="{_text(value)}"'
            self._object(name, "Element", extra, depth, written)
        else:
            self._object(name, type_name, value or {}, depth)

    def _object(self, name: str, type_name: str, value: Json, depth: int, written: str = "") -> None:
        attributes = "".join(f' {one}="{_text(value[one])}"' for one in _attributes(type_name) if one in value)
        children = [member for member in _order(type_name) if member[0] in value or f"_{member[0]}" in value]
        if not children:
            self.parts.append(f"{self._indent(depth)}<{name}{attributes}{written}/>")
            return
        self._begin(name, attributes + written, depth)
        for member in children:
            self._member(member, value, depth + 1)
        self._end(name, depth)

    def _begin(self, name: str, attributes: str, depth: int) -> None:
        self.parts.append(f"{self._indent(depth)}<{name}{attributes}>")

    def _end(self, name: str, depth: int) -> None:
        self.parts.append(f"{self._indent(depth)}</{name}>")

    def _indent(self, depth: int) -> str:
        return self._line + "  " * depth if self._line else ""


@cache
def _order(type_name: str) -> Sequence[tuple[str, str]]:
    """(JSON name, type) of the child elements of a type, in the definition's order; attributes are none."""
    own = _attributes(type_name)
    return [
        (element.member(name), name)
        for element in elements(type_name)
        for name in element.types
        if element.name not in own
    ]


@cache
def _attributes(type_name: str) -> Sequence[str]:
    """Which of a type's elements XML writes as attributes: the id of what is no resource, and an extension's url."""
    if type_name in RESOURCE_TYPES:
        return ()
    return ("id", "url") if type_name == "Extension" else ("id",)


def _many(value: Any) -> Iterator[Any]:
    if value is not None:
        yield from value if isinstance(value, list) else (value,)


def _text(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    return _SPECIAL.sub(lambda found: _ESCAPED.get(found[0], "\ufffd"), value)
