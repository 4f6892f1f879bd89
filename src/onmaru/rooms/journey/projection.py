"""The journey's follower: each version alone decides its rows, so any batch size and any order give the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table, labels_of
from onmaru.rooms.journey import compartment, places
from onmaru.rooms.journey.concepts import codes
from onmaru.rooms.journey.current import current, readings
from onmaru.rooms.journey.items import Item, item
from onmaru.rooms.journey.person import links, person
from onmaru.rooms.journey.tables import CURRENT, ITEM, LINK, PATIENT, READING, STAY, TABLES, THING

# Codes of the house's own work: what is done about an alert or a hand-over is no part of a chart, nor the patient's to read
OURS, TOLD = "urn:onmaru:", "urn:onmaru:monitor"
# Decimals stay text: 72.50 is shown as 72.50.
_DECODER = msgspec.json.Decoder(float_hook=str)


class Journey:
    """Projection door (kernel/projection.py)."""

    name = "journey"
    version = 4
    types: frozenset[str] = frozenset(compartment.PATHS) | places.TYPES | {"Patient"}
    tables: tuple[Table, ...] = TABLES

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        """Rows of each version; none for a deletion or an erasure."""
        for version in batch:
            if version.type in self.types:
                yield version, tuple(rows(version.body)) if version.body is not None else ()


def rows(raw: bytes) -> Iterator[Row]:
    """All rows that one resource stands for. `raw` is a stored body: valid, with its id."""
    body = _DECODER.decode(raw)
    labels = labels_of(body)
    type_ = body["resourceType"]
    if type_ == "Patient":
        yield from _patient(body, labels)
    elif type_ == "RiskAssessment" and body.get("status") == "registered":
        return  # http://hl7.org/fhir/observation-status: it has no result that a chart could show
    elif _ours(body):
        return
    elif type_ in places.TYPES:
        yield Row(THING.name, "", labels, places.thing(body))
    else:
        yield from _chart(body, labels)


def _ours(body: dict[str, Any]) -> bool:
    """Whether it is a Task of the house's own, or tells somebody of an alert."""
    if body["resourceType"] == "Task":
        return any(system.startswith(OURS) for system, _ in codes(body.get("code")))
    return body["resourceType"] == "Communication" and any(system == TOLD for system, _ in codes(body.get("category")))


def _patient(body: dict[str, Any], labels: str) -> Iterator[Row]:
    yield Row(PATIENT.name, body["id"], labels, (body["id"], *person(body)))
    for link in links(body):
        yield Row(LINK.name, body["id"], labels, link)


def _chart(body: dict[str, Any], labels: str) -> Iterator[Row]:
    patients = compartment.patients(body)
    if not patients:
        return
    line = item(body)
    own = body["resourceType"] == "Encounter"
    stay = places.stay(body, line.when.low, line.when.text) if own else None
    now = current(body, line)
    numbers = tuple(readings(body, line))
    covered = " ".join(patients)
    for patient in patients:  # each chart shows it, and the consent of all covers it
        others = [other for other in patients if other != patient]
        yield Row(ITEM.name, " ".join((patient, *others)), labels, _columns(line))
    if not compartment.is_subject(body, patients[0]):
        return  # header and readings are of the subject alone: who asserted or performed is not who has it
    if stay is not None:
        yield Row(STAY.name, covered, labels, stay)
    if now is not None:
        yield Row(CURRENT.name, covered, labels, now)
    for reading in numbers:
        yield Row(READING.name, covered, labels, reading)


def _columns(line: Item) -> tuple[Any, ...]:
    when, what, said = line.when, line.what, line.value
    return (
        when.low,
        line.kind,
        when.high,
        when.text,
        what.code,
        what.ko,
        what.en,
        said.text,
        said.unit,
        line.flag,
        line.status,
        line.detail,
        line.encounter,
        line.actor,
        line.actor_name,
        line.about,
    )
