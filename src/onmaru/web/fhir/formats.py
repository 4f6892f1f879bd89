"""How an answer on /fhir leaves and a body comes in: JSON as stored or pretty, or XML (R4 http.html, 3.1.0.1.11).

The record speaks JSON; XML is made of it, and turned into it, at this edge alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from onmaru.fhir.fhirpath.results import encode
from onmaru.fhir.xml_form import to_json
from onmaru.fhir.xml_writing import to_xml
from onmaru.kernel.room import Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.negotiation import JSON_TYPES, XML_TYPES

FHIR_XML = "application/fhir+xml; charset=utf-8"
# Bytes of a body that are turned into another form on the loop; more of them in a thread
SMALL = 32_768


def special(headers: Mapping[str, str], query: str) -> bool:
    """Whether another form than compact JSON may be asked for; nearly always not."""
    return ("_" in query and ("_format=" in query or "_pretty=" in query)) or _names_xml(headers.get("accept", ""))


def wants_xml(headers: Mapping[str, str], query: str) -> bool:
    """Whether XML is asked for: by `_format`, which goes before Accept, or as the first known kind that Accept names."""
    if "_format=" in query:
        return "xml" in query.partition("_format=")[2].partition("&")[0].lower()
    accept = headers.get("accept", "")
    return _names_xml(accept) and _first(accept) in XML_TYPES


def _first(accept: str) -> str:
    """The kind wanted most among those that are given, "" for none."""
    best, most = "", 0.0
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((_weight(one[2:]) for one in parameters if one.startswith("q=")), 1.0)
        if weight > most and (kind in XML_TYPES or kind in JSON_TYPES):
            best, most = kind, weight
    return best


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _names_xml(text: str) -> bool:
    """A media type is the same in capitals (RFC 9110, 8.3.1)."""
    return "xml" in text or "xml" in text.lower()


async def shown(response: Response, headers: Mapping[str, str], query: str) -> Response:
    """The answer in the form that was asked for; `Invalid` 406 for what has no XML form. JSON unchanged when no other is."""
    if response.type != FHIR or not isinstance(response.body, bytes) or not response.body:
        return response
    pretty = "_pretty=true" in query
    if wants_xml(headers, query):
        body = await _made(partial(to_xml, response.body, pretty=pretty), len(response.body))
        return msgspec.structs.replace(response, body=body, type=FHIR_XML)
    if pretty:
        compact: bytes = response.body
        body = await _made(lambda: msgspec.json.format(compact, indent=2), len(compact))
        return msgspec.structs.replace(response, body=body)
    return response


async def heard(body: bytes, headers: Mapping[str, str]) -> bytes:
    """A body that is said to be XML as JSON, any other as it came. Raises Invalid 400 for what is no XML of FHIR."""
    kind = headers.get("content-type", "")
    if not _names_xml(kind) or kind.partition(";")[0].strip().lower() not in XML_TYPES:
        return body
    return await _made(lambda: encode(to_json(body)), len(body))


async def _made(make: Callable[[], bytes], size: int) -> bytes:
    return await asyncio.to_thread(make) if size > SMALL else make()
