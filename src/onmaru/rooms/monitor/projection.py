"""The room's follower: each standing Observation that the scores can use becomes a reading, in the source's own digits;
who lies where becomes a bed.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table, labels_of
from onmaru.rooms.monitor import beds
from onmaru.rooms.monitor.reading import by_code, measures

READING = Table(
    "monitor_reading",
    (("measure", "text"), ("low", "int"), ("value", "text"), ("unit", "text")),
    "hot",
    ("measure", "low"),
)
# http://hl7.org/fhir/observation-status: values that stand
STANDING = frozenset({"final", "amended", "corrected", "preliminary"})
# The system of the category that says where an Observation was measured
HOME = "urn:onmaru:remote"
# A moment needs its zone: without one nobody knows which came first
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)


class _Coding(msgspec.Struct, frozen=True):
    system: str = ""
    code: str = ""


class _Concept(msgspec.Struct, frozen=True):
    coding: tuple[_Coding, ...] = ()


class _Quantity(msgspec.Struct, frozen=True):
    value: msgspec.Raw = msgspec.Raw(b"")
    comparator: str = ""
    code: str = ""
    unit: str = ""


class _Part(msgspec.Struct, frozen=True):
    """Of an Observation or a component what a reading is made of: most Observations are none, and are only glanced at."""

    code: _Concept = _Concept()
    valueQuantity: _Quantity = _Quantity()
    valueInteger: int | None = None
    valueCodeableConcept: _Concept = _Concept()


class _Reference(msgspec.Struct, frozen=True):
    reference: str = ""


class _Observation(_Part, frozen=True):
    status: str = ""
    subject: _Reference = _Reference()
    category: tuple[_Concept, ...] = ()
    component: tuple[_Part, ...] = ()
    effectiveDateTime: str = ""
    effectiveInstant: str = ""
    effectivePeriod: dict[str, Any] = {}
    meta: dict[str, Any] = {}


_DECODER = msgspec.json.Decoder(_Observation)


class Monitor:
    """Projection door (kernel/projection.py)."""

    name = "monitor"
    version = 2
    types: frozenset[str] = frozenset({"Observation", "Encounter", "Location"})
    tables: tuple[Table, ...] = (READING, beds.STAY, beds.PLACE)

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        """Rows of each version; none for a deletion or an erasure."""
        for version in batch:
            if version.type in self.types:
                yield version, tuple(MADE[version.type](version.body)) if version.body is not None else ()


def rows(raw: bytes) -> Iterator[Row]:
    """The readings of one Observation, its own and its components'. `raw` is a stored body: valid, with its id."""
    body = _DECODER.decode(raw)
    parts = [(measure, part) for part in (body, *body.component) if (measure := _measure(part.code))]
    if not parts or body.status not in STANDING or _home(body):
        return
    patient, at = _patient(body.subject.reference), _measured(body)
    if not patient or at is None:
        return
    labels = labels_of({"meta": body.meta})
    for measure, part in parts:
        value, unit = _value(part, measure)
        if value:
            yield Row(READING.name, patient, labels, (measure, at, value, unit))


MADE: Mapping[str, Callable[[bytes], Iterable[Row]]] = {
    "Observation": rows,
    "Encounter": beds.stays,
    "Location": beds.places,
}


def moment(body: Mapping[str, Any]) -> int | None:
    """When it was measured, µs since 1970 UTC: the end of a period; None where it is not known to the minute."""
    period = body.get("effectivePeriod") or {}
    text = (
        body.get("effectiveDateTime") or body.get("effectiveInstant") or period.get("end") or period.get("start") or ""
    )
    match = _MOMENT.match(text)
    if match is None:
        return None
    minute, second, fraction, zone = match.groups()
    hours, minutes = (int(zone[1:3]), int(zone[4:6])) if zone != "Z" else (0, 0)
    sign = -1 if zone[0] == "-" else 1
    try:
        # A leap second is the last one of its minute, once more
        found = datetime.fromisoformat(f"{minute}{(second or ':00').replace(':60', ':59')}")
        found -= sign * timedelta(hours=hours, minutes=minutes)
    except (ValueError, OverflowError):
        # No such time, or one that its zone carries out of the years that there are
        return None
    return calendar.timegm(found.timetuple()) * 1_000_000 + int((fraction or ".0")[1:7].ljust(6, "0"))


def _measured(body: _Observation) -> int | None:
    return moment(
        {
            "effectiveDateTime": body.effectiveDateTime,
            "effectiveInstant": body.effectiveInstant,
            "effectivePeriod": body.effectivePeriod,
        }
    )


def _patient(reference: str) -> str:
    type_, _, id = reference.partition("/")
    return id if type_ == "Patient" and "/" not in id else ""


def _home(body: _Observation) -> bool:
    """Measured at home: held against the limits of the patient's plan (decision 0246), not against a ward's score."""
    return any(one.system == HOME and one.code == "home" for concept in body.category for one in concept.coding)


def _measure(concept: _Concept) -> str:
    known = by_code()
    for coding in concept.coding:
        measure = known.get(f"{coding.system}|{coding.code}")
        if measure:
            return measure
    return ""


def _value(part: _Part, measure: str) -> tuple[str, str]:
    """Digits and unit, or the letter of an answer; "" for what is no single value: a comparator makes it none."""
    quantity = part.valueQuantity
    digits = bytes(quantity.value)
    if digits and not quantity.comparator:
        return digits.decode(), quantity.code or quantity.unit
    if part.valueInteger is not None:
        return str(part.valueInteger), ""
    answers = measures()[measure].answers
    for coding in part.valueCodeableConcept.coding:
        letter = answers.get(f"{coding.system}|{coding.code}")
        if letter:
            return letter, ""
    return "", ""
