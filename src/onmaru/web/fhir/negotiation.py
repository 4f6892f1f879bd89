"""What a client sends and wants: formats, preferences, entity tags (FHIR R4 http.html; RFC 9110; RFC 7240)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Literal, get_args

import msgspec

from onmaru.fhir.outcome import invalid

JSON_TYPES = frozenset({"application/fhir+json", "application/json", "text/json"})
XML_TYPES = frozenset({"application/fhir+xml", "application/xml", "text/xml"})
_WANTED = JSON_TYPES | XML_TYPES | {"*/*", "application/*", ""}
_SHORT = frozenset({"json", "xml"})
_FORMATS = "the formats given are JSON (application/fhir+json) and XML (application/fhir+xml) of FHIR 4.0"
_VERSIONS = frozenset({"4.0", "4.0.1"})
# Not criteria: they speak of the answer's form and are taken off before a search is parsed.
FORM = frozenset({"_format", "_pretty", "_cursor"})


def form_of(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of a query asks for a form: links bear it, since it holds for the next page too."""
    return [pair for pair in pairs if pair[0] in ("_format", "_pretty")]


Answer = Literal["minimal", "representation", "OperationOutcome"]
_ANSWERS: Mapping[str, Answer] = {one: one for one in get_args(Answer)}


class Preference(msgspec.Struct, frozen=True):
    """The parts of the Prefer header that are understood."""

    answer: Answer = "representation"
    lenient: bool = False
    later: bool = False


PLAIN = Preference()


def prefer(headers: Mapping[str, str]) -> Preference:
    """Read Prefer, on however many lines; what is not understood is ignored, what is said twice holds as it was said first.

    RFC 7240, section 2.
    """
    text = headers.get("prefer")
    if not text:
        return PLAIN
    # The server's own headers know of further lines of one name; those of a test are plain
    lines = headers.get_all("prefer") if hasattr(headers, "get_all") else [text]
    said: dict[str, str] = {}
    for part in ",".join(lines).replace(";", ",").split(","):
        name, _, value = part.partition("=")
        said.setdefault(name.strip().lower(), value.strip().strip('"'))
    answer = _ANSWERS.get(said.get("return", ""), PLAIN.answer)
    return Preference(answer, said.get("handling") == "lenient", "respond-async" in said)


def check_accept(headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> None:
    """`Invalid` 406 when the client takes neither JSON nor XML; `_format` goes before Accept."""
    asked = next((value for name, value in query if name == "_format"), None) if query else None
    if asked is not None:
        # An unescaped + in a query means a space
        kind = asked.split(";")[0].strip().replace(" ", "+").lower()
        if kind in _SHORT or kind in JSON_TYPES or kind in XML_TYPES:
            return
        raise invalid("not-supported", _FORMATS, "_format", 406)
    accept = headers.get("accept", "")
    if accept in _WANTED:
        return
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if kind in _WANTED and "q=0" not in parameters and _ours(parameters):
            return
    raise invalid("not-supported", _FORMATS, "Accept", 406)


def _ours(parameters: Sequence[str]) -> bool:
    """Whether a media type names no other version of FHIR (R4 http.html, 3.1.0.1.12)."""
    named = (one.partition("=")[2].strip('"') for one in parameters if one.startswith("fhirversion="))
    return all(one in _VERSIONS for one in named)


def check_content(headers: Mapping[str, str]) -> None:
    """`Invalid` 415 when the body says it is something else than JSON or XML in UTF-8; XML is JSON by now."""
    kind, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    if kind and kind not in JSON_TYPES and kind not in XML_TYPES:
        taken = "the formats taken are JSON (application/fhir+json) and XML (application/fhir+xml)"
        raise invalid("not-supported", taken, "Content-Type", 415)
    if not _ours(parameters):
        raise invalid("not-supported", "the version taken is FHIR 4.0", "Content-Type", 415)
    for parameter in parameters:
        if parameter.startswith("charset=") and parameter[8:].strip('"') not in ("utf-8", "utf8", "us-ascii"):
            raise invalid("not-supported", "the only charset taken is UTF-8", "Content-Type", 415)


def unchanged(headers: Mapping[str, str], version: int, at: int) -> bool:
    """Whether If-None-Match or, without it, If-Modified-Since lets a read answer 304. `at` is µs since 1970 UTC."""
    tags = headers.get("if-none-match")
    if tags is not None:
        return any(tag.strip().removeprefix("W/") in (f'"{version}"', "*") for tag in tags.split(","))
    since = headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return at // 1_000_000 <= int(parsedate_to_datetime(since).timestamp())
    except (ValueError, OverflowError):
        return False
