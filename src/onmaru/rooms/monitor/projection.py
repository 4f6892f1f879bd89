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
_DECODER = msgspec.json.Decoder(float_hook=str)
# A moment needs its zone: without one nobody knows which came first
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)


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
    patient, at = _patient(body), moment(body)
    if not patient or at is None or body.get("status") not in STANDING or _home(body):
        return
    for part in (body, *(body.get("component") or [])):
        measure = _measure(part.get("code"))
        value, unit = _value(part, measure) if measure else ("", "")
        if value:
            yield Row(READING.name, patient, labels_of(body), (measure, at, value, unit))


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
    try:
        # A leap second is the last one of its minute, once more
        found = datetime.fromisoformat(f"{minute}{(second or ':00').replace(':60', ':59')}")
    except ValueError:
        return None
    micro = int((fraction or ".0")[1:7].ljust(6, "0"))
    hours, minutes = (int(zone[1:3]), int(zone[4:6])) if zone != "Z" else (0, 0)
    sign = -1 if zone[0] == "-" else 1
    whole = calendar.timegm((found - sign * timedelta(hours=hours, minutes=minutes)).timetuple())
    return whole * 1_000_000 + micro


def _patient(body: Mapping[str, Any]) -> str:
    reference = str((body.get("subject") or {}).get("reference") or "")
    type_, _, id = reference.partition("/")
    return id if type_ == "Patient" and "/" not in id else ""


def _home(body: Mapping[str, Any]) -> bool:
    """Measured at home: held against the limits of the patient's plan (decision 0246), not against a ward's score."""
    codings = [one for concept in body.get("category") or [] for one in concept.get("coding") or []]
    return any(one.get("system") == HOME and one.get("code") == "home" for one in codings)


def _measure(concept: Mapping[str, Any] | None) -> str:
    codings = (concept or {}).get("coding") or []
    known = (by_code().get(f"{coding.get('system', '')}|{coding.get('code', '')}") for coding in codings)
    return next((measure for measure in known if measure), "")


def _value(part: Mapping[str, Any], measure: str) -> tuple[str, str]:
    """Digits and unit, or the letter of an answer; "" for what is no single value: a comparator makes it none."""
    quantity = part.get("valueQuantity") or {}
    if "value" in quantity and not quantity.get("comparator"):
        return str(quantity["value"]), str(quantity.get("code") or quantity.get("unit") or "")
    if "valueInteger" in part:
        return str(part["valueInteger"]), ""
    answers = measures()[measure].answers
    for coding in (part.get("valueCodeableConcept") or {}).get("coding") or []:
        letter = answers.get(f"{coding.get('system', '')}|{coding.get('code', '')}")
        if letter:
            return letter, ""
    return "", ""
