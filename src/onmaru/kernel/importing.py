"""What a bulk import asks for: a manifest of NDJSON files, as plain JSON or as Parameters (SMART Bulk Data Import)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir import structure
from onmaru.fhir.outcome import invalid
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.export import FORMATS

INPUTS = 1000
_BINARY = re.compile(r"(?:(.*)/)?Binary/([A-Za-z0-9\-.]{1,64})")


class Input(msgspec.Struct, frozen=True):
    """One file: lines of one type, at an address that the tenant may be sent to, or a Binary of this record."""

    type: str
    url: str

    def binary(self, base: str) -> str:
        """The id of the Binary that is meant, "" where the file lies elsewhere."""
        found = _BINARY.fullmatch(self.url)
        return found[2] if found is not None and (found[1] or base) == base else ""


class Wanted(msgspec.Struct, frozen=True):
    """A manifest. `source` says where it comes from; it is told and not used."""

    input: Sequence[Input]
    source: str = ""


class _Manifest(msgspec.Struct):
    inputFormat: str = "application/fhir+ndjson"
    inputSource: str = ""
    input: list[Input] = []


def read(body: bytes) -> Wanted:
    """Read a manifest in either form; `Invalid` 400 or 422 names what is wrong with it."""
    if structure_of(body) == "Parameters":
        return _judged(_parameters(body))
    try:
        return _judged(msgspec.json.decode(body, type=_Manifest))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(
            "structure", "a manifest has inputFormat, inputSource and input, a list of type and url"
        ) from error


def structure_of(body: bytes) -> str:
    """The resourceType of a body, "" where it has none."""
    try:
        return str(msgspec.json.decode(body, type=_Typed).resourceType)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


class _Typed(msgspec.Struct):
    resourceType: str = ""


def _parameters(body: bytes) -> _Manifest:
    _, parameters = structure.admit(body, "Parameters")
    found = _Manifest()
    for number, one in enumerate(parameters.parameter or ()):
        where = f"Parameters.parameter[{number}]"
        if one.name == "inputFormat":
            found.inputFormat = _text(one, where)
        elif one.name == "inputSource":
            found.inputSource = _text(one, where)
        elif one.name == "input":
            parts: Mapping[str, Any] = {part.name: part for part in one.part or ()}
            if not {"type", "url"} <= parts.keys():
                raise invalid("required", "an input has the parts type and url", where)
            found.input.append(Input(_text(parts["type"], where), _text(parts["url"], where)))
        elif one.name != "storageDetail":
            raise invalid("not-supported", "known are inputFormat, inputSource, storageDetail and input", where)
    return found


def _text(parameter: Any, where: str) -> str:
    names = ("valueCode", "valueUri", "valueUrl", "valueString")
    value = next((value for name in names if (value := getattr(parameter, name, None)) is not None), None)
    if value is None:
        raise invalid("value", "a code, url or string", where)
    return str(value)


def _judged(found: _Manifest) -> Wanted:
    if found.inputFormat not in FORMATS:
        raise invalid("not-supported", "the only format read is application/fhir+ndjson", "inputFormat")
    if not 0 < len(found.input) <= INPUTS:
        raise invalid("value", f"1 to {INPUTS} inputs", "input")
    for number, one in enumerate(found.input):
        if one.type not in RESOURCE_TYPES:
            raise invalid("value", "not a resource type of FHIR R4", f"input[{number}].type")
        if not 0 < len(one.url) <= 2000:
            raise invalid("value", "not an address", f"input[{number}].url")
    return Wanted(tuple(found.input), found.inputSource)
