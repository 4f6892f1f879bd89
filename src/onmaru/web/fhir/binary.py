"""`GET Binary/id` as the bytes themselves, where Accept asks for their own type (R4 binary.html, 2.35.4).

Its one law: what is given so is a file to keep, never a page of this house.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

import msgspec

from onmaru.kernel.room import Response
from onmaru.web.fhir.negotiation import JSON_TYPES, XML_TYPES

FHIR_TYPES = JSON_TYPES | XML_TYPES
# A read or vread of a Binary
READ = re.compile(r"Binary/[A-Za-z0-9\-.]{1,64}(?:/_history/[0-9]+)?")
# RFC 6838, 4.2: nothing else goes into a header
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+\-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+\-]{0,126}", re.ASCII)


class _Binary(msgspec.Struct):
    contentType: str = ""
    data: msgspec.Raw = msgspec.Raw(b'""')


def native(headers: Mapping[str, str], body: bytes, tags: tuple[tuple[str, str], ...]) -> Response | None:
    """The content of a stored Binary, None where Accept does not name its type; FHIR's own types mean the resource."""
    accept = headers.get("accept", "").lower()
    if not accept:
        return None
    held = msgspec.json.decode(body, type=_Binary)
    kind = held.contentType.partition(";")[0].strip().lower()
    if kind in FHIR_TYPES or not _TYPE.fullmatch(kind):
        return None
    asked = {part.partition(";")[0].strip() for part in accept.split(",")}
    wide = f"{kind.partition('/')[0]}/*"
    if asked & FHIR_TYPES or asked.isdisjoint({kind, wide} - {"application/*"}):
        return None
    return Response(200, lambda: _content(held.data), kind, (*tags, ("content-disposition", "attachment")))


def _content(data: msgspec.Raw) -> bytes:
    """In a worker thread, since it may be large."""
    return base64.b64decode(msgspec.json.decode(data, type=str))
