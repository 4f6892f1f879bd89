"""Narrative.div: well-formed XHTML, only formatting, nothing that acts (R4 narrative.html, invariant txt-1).

An empty div passes: HL7's own examples have them, and it harms nobody (txt-2 is left to profile validation).
"""

from __future__ import annotations

import re
from functools import cache
from xml.parsers import expat

from onmaru.fhir.definitions import narrative_lists

XHTML = "http://www.w3.org/1999/xhtml"
XML = "http://www.w3.org/XML/1998/namespace"
# txt-1 in words admits chapters 7-11 (without 9.4) and 15 of HTML 4.0; its XPath, the list in the package, forgets these.
_MORE_TAGS = frozenset({"address", "bdo", "kbd", "s", "strike", "u", "font", "center"})
_MORE_ATTRIBUTES = frozenset({f"{XML} lang", f"{XML} space", "clear", "color", "face", "size", "noshade"})
_ACTIVE = re.compile(r"javascript:|vbscript:|data:(?!image/(?:png|jpe?g|gif|webp|bmp)[;,])", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+")


@cache
def _lists() -> tuple[frozenset[str], frozenset[str]]:
    tags, attributes = narrative_lists()
    return tags | _MORE_TAGS, attributes | _MORE_ATTRIBUTES


class _Refused(Exception):
    """Ends the parse with a reason."""


class _Reader:
    """Looks at each start tag while expat reads."""

    def __init__(self) -> None:
        self.root = True

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, tag = name.rpartition(" ")
        if namespace != XHTML or (self.root and tag != "div"):
            raise _Refused("does not begin with a div in the XHTML namespace" if self.root else "has a foreign element")
        self.root = False
        tags, names = _lists()
        if tag not in tags:
            raise _Refused("has an element that a narrative may not have")
        for attribute, value in attributes.items():
            if attribute not in names:
                raise _Refused("has an attribute that a narrative may not have")
            if attribute in ("href", "src", "cite", "longdesc") and _ACTIVE.match(_INVISIBLE.sub("", value)):
                raise _Refused("has a link that would run")


def _refuse(*_: object) -> None:
    raise _Refused("has a document type, entity or processing instruction")


def div_reason(text: str) -> str:
    """Why `text` is no narrative; "" when it is one."""
    if not text:
        return "is empty"
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = _Reader().start
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    parser.XmlDeclHandler = _refuse
    try:
        parser.Parse(text.encode(), True)
    except _Refused as refusal:
        return str(refusal)
    except (expat.ExpatError, UnicodeEncodeError):
        return "is not well-formed XHTML"
    return ""
