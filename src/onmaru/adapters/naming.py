"""Which dead letters name a person: by the numbers in PID and MRG of a v2 message, by references and identifiers in FHIR."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from onmaru.adapters.letters import CODE, SYSTEM, inputs
from onmaru.fhir import search
from onmaru.kernel.erasure import Letter
from onmaru.kernel.reach import Reach
from onmaru.kernel.record import pages
from onmaru.kernel.room import Hall

# PID-2, 3, 4, 18, 19 and MRG-1, 2, 3, 4: the fields that number a person (HL7 v2.5.1, 3.4.2 and 3.4.10)
_FIELDS: Mapping[bytes, tuple[int, ...]] = {b"PID": (2, 3, 4, 18, 19), b"MRG": (1, 2, 3, 4)}
_SEGMENT = re.compile(rb"(?:^|[\r\n\x0b])(PID|MRG)(.)([^\r\n]*)")
_REFERENCE = re.compile(rb'"(?:[^"\\]*/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[^"\\]*)?"')
_PATIENT = re.compile(rb'"resourceType"\s*:\s*"Patient"')
_VALUE = re.compile(rb'"value"\s*:\s*("(?:[^"\\]|\\.)*")')
_PAGE = "200"


def naming(hall: Hall, person: Reach) -> Iterator[Letter]:
    """The letters, open or replayed, whose bytes name the person; a letter without any number of the person is not found."""
    query = search.parse(("Task",), [("code", f"{SYSTEM}|{CODE}"), ("_count", _PAGE), ("_total", "none")])
    for page in pages(hall.record, query):
        for version in page.matches:
            kept = inputs(msgspec.json.decode(version.body or b"{}"))
            blobs = tuple(kept[name] for name in ("blob", "mended") if name in kept and hall.blobs.has(kept[name]))
            judged = [_judged(_bytes(hall, blob), person) for blob in blobs]
            if any(mine for mine, _ in judged):
                yield Letter(version.id, blobs, any(others for _, others in judged))


def _bytes(hall: Hall, blob: str) -> bytes:
    with hall.blobs.open(blob) as file:
        return file.read()


def _judged(data: bytes, person: Reach) -> tuple[bool, bool]:
    """Whether bytes name the person, and whether they name others."""
    if data.lstrip()[:1] == b"{":
        return _of_fhir(data, person)
    return _of_message(data, {number.encode() for number in person.numbers})


def _of_message(data: bytes, numbers: set[bytes]) -> tuple[bool, bool]:
    found = [_numbers(segment, mark, rest) for segment, mark, rest in _SEGMENT.findall(data)]
    mine = [bool(one & numbers) for one in found if one]
    return any(mine), not all(mine)


def _numbers(segment: bytes, mark: bytes, rest: bytes) -> set[bytes]:
    fields = [b"", *rest.split(mark)]
    values = (fields[number] for number in _FIELDS[segment] if number < len(fields))
    found = {re.split(rb"[\^&]", one)[0] for value in values for one in value.split(b"~")}
    return found - {b""}


def _of_fhir(data: bytes, person: Reach) -> tuple[bool, bool]:
    ids = {id.decode() for id in _REFERENCE.findall(data)}
    values = {_text(value) for value in _VALUE.findall(data)}
    mine = bool(ids & set(person.people)) or bool(values & person.numbers)
    return mine, bool(ids - set(person.people)) or len(_PATIENT.findall(data)) > 1


def _text(token: bytes) -> Any:
    try:
        return msgspec.json.decode(token)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
