"""What of a stream becomes the chart: an Observation a patient and minute, and a document for the raw messages of a while.

Its law: a summary is a value that was measured: the middle one of what may be scored, never a mean that nobody read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from onmaru.rooms.monitor.live import SECOND, Streamed
from onmaru.rooms.monitor.reading import by_code, decimal, measures

MINUTE = 60 * SECOND
SYSTEM = "urn:onmaru:stream"
# R4, profile vitalspanel
PANEL = {"system": "http://loinc.org", "code": "85353-1"}
CATEGORY = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
MESSAGES = "application/vnd.onmaru.stream+zstd"


class Minutes:
    """Readings by patient and minute until the minute is over for `late` µs; `closed` says what came too late for that."""

    def __init__(self, late: int = 15 * SECOND) -> None:
        self._late = late
        self._open: dict[int, dict[str, dict[str, list[str]]]] = {}
        self.until = 0

    def add(self, readings: Sequence[Streamed]) -> int:
        """Count readings in; how many came after their minute was closed. They are kept raw."""
        tardy = 0
        whose, mine = ("", 0), dict[str, list[str]]()
        for one in readings:
            minute = one.at // MINUTE
            if one.flag or not one.value:
                continue
            if minute < self.until:
                tardy += 1
                continue
            # Those of one message are one patient's and of one time
            if whose != (one.patient, minute):
                whose, mine = (one.patient, minute), self._open.setdefault(minute, {}).setdefault(one.patient, {})
            mine.setdefault(one.measure, []).append(one.value)
        return tardy

    def due(self, now: int) -> Sequence[tuple[str, int, Mapping[str, Sequence[str]]]]:
        """(patient, minute, values by measure) of every minute that is over; it is then closed."""
        until = (now - self._late) // MINUTE
        over = sorted(minute for minute in self._open if minute < until)
        self.until = max(self.until, until)
        return [(patient, minute, values) for minute in over for patient, values in self._open.pop(minute).items()]

    def forget(self, patient: str) -> None:
        """Drop what is not yet summarised of a patient."""
        for people in self._open.values():
            people.pop(patient, None)


def observation(patient: str, minute: int, values: Mapping[str, Sequence[str]]) -> tuple[str, bytes]:
    """The identifier and the body of one minute's Observation."""
    name = f"{patient}/{minute}"
    parts = [_component(measure, middle(found)) for measure, found in sorted(values.items())]
    body = {
        "resourceType": "Observation",
        "identifier": [{"system": SYSTEM, "value": name}],
        "status": "final",
        "category": [{"coding": [CATEGORY]}],
        "code": {"coding": [PANEL]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectivePeriod": {"start": instant(minute * MINUTE), "end": instant((minute + 1) * MINUTE)},
        "component": parts,
    }
    return name, msgspec.json.encode(body)


def document(patient: str, name: str, blob: str, low: int, high: int) -> bytes:
    """The DocumentReference of one patient's raw messages, kept in a blob; `name` identifies it."""
    body: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "identifier": [{"system": SYSTEM, "value": name}],
        "status": "current",
        "type": {"coding": [{"system": SYSTEM, "code": "messages"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"contentType": MESSAGES, "url": f"urn:onmaru:blob:{blob}"}}],
        "context": {"period": {"start": instant(low), "end": instant(high)}},
    }
    return msgspec.json.encode(body)


def middle(values: Sequence[str]) -> str:
    """The median that was measured: of an even number of values the lower of the two in the middle."""
    return sorted(values, key=lambda one: decimal(one) or 0)[(len(values) - 1) // 2]


def instant(at: int) -> str:
    """µs since 1970 UTC as FHIR writes it."""
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def _codes() -> Mapping[str, tuple[str, str]]:
    """The first code of each measure: what readers of the chart know it by."""
    found: dict[str, tuple[str, str]] = {}
    for code, measure in by_code().items():
        system, _, value = code.rpartition("|")
        found.setdefault(measure, (system, value))
    return found


def _component(measure: str, value: str) -> Mapping[str, Any]:
    system, code = _codes()[measure]
    unit = measures()[measure].unit
    quantity = {"value": msgspec.Raw(value.encode()), "system": "http://unitsofmeasure.org", "code": unit, "unit": unit}
    return {"code": {"coding": [{"system": system, "code": code}]}, "valueQuantity": quantity}
