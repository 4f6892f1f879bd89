"""The room's follower: each version alone decides its rows, in the source's own words, so no vocabulary is asked here."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table
from onmaru.rooms.omop.facts import READ, Happening, parts
from onmaru.rooms.omop.ids import number
from onmaru.rooms.omop.moments import moment, period
from onmaru.rooms.omop.pieces import coded, codings, labels, source_value, subject, target, visit
from onmaru.rooms.omop.said import limits, said
from onmaru.rooms.omop.tables import DROPPED, FACT, PERSON, TABLES, VISIT

_RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


class Omop:
    """Projection door (kernel/projection.py)."""

    name = "omop"
    version = 1
    types: frozenset[str] = frozenset(READ) | {"Patient", "Encounter", "Medication"}
    tables: tuple[Table, ...] = TABLES

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        """Rows of each version; none for a deletion or an erasure."""
        for version in batch:
            if version.type in self.types:
                yield version, tuple(rows(version.body)) if version.body is not None else ()


def rows(raw: bytes) -> Iterator[Row]:
    """All rows that one resource stands for. `raw` is a stored body: valid, with its id."""
    body = msgspec.json.decode(raw)
    kind = body["resourceType"]
    if kind == "Medication":
        yield from coded(_own(body), "code", codings(body.get("code")), "", labels(body))
    elif kind == "Patient":
        yield from _person(body)
    else:
        yield from _of_patient(body)


def _own(body: dict[str, Any]) -> int:
    return number(f"{body['resourceType']}/{body['id']}")


@cache
def statuses() -> Mapping[str, Mapping[str, str]]:
    """Type → status → reason, from data/statuses.toml."""
    text = (files(__package__) / "data" / "statuses.toml").read_text("utf-8")
    return tomllib.loads(text)


def _dropped(body: dict[str, Any], patient: str, reason: str) -> Row:
    return Row(DROPPED.name, patient, labels(body), (body["resourceType"], reason))


def _person(body: dict[str, Any]) -> Iterator[Row]:
    patient, security, own = body["id"], labels(body), _own(body)
    written = str(body.get("birthDate") or "")
    if moment(written).day is None:
        yield _dropped(body, patient, "no-birth-date")
        return
    year, month, day = (int(part) for part in (*written.split("-"), "0", "0")[:3])
    replaced = (link for link in body.get("link") or [] if link.get("type") == "replaced-by")
    survivor = next((name for link in replaced if (name := target(link.get("other"), "Patient"))), "")
    born = (moment(written).day or 0) * 86_400_000_000 if day else None
    values = (own, f"Patient/{patient}", year, month or None, day or None, born, body.get("gender") or "")
    yield Row(PERSON.name, patient, security, (*values, number(survivor) if survivor else None))
    for extension in body.get("extension") or []:
        role = str(extension.get("url", "")).removeprefix(_RACE)
        if role in ("race", "ethnicity"):
            inner = extension.get("extension") or []
            found = [one["valueCoding"] for one in inner if (one.get("valueCoding") or {}).get("code")]
            yield from coded(own, role, found, patient, security)


def _of_patient(body: dict[str, Any]) -> Iterator[Row]:
    kind, patient = body["resourceType"], subject(body)
    concept = body.get("verificationStatus")
    status = source_value(concept) if kind in ("Condition", "AllergyIntolerance") else str(body.get("status") or "")
    reason = statuses().get(kind, {}).get(status, "") or ("" if patient else "no-patient")
    if reason:
        yield _dropped(body, patient, reason)
    elif kind == "Encounter":
        yield from _visit(body, patient)
    else:
        yield from _facts(body, patient)


def _visit(body: dict[str, Any], patient: str) -> Iterator[Row]:
    start, end = period(body.get("period"))
    if start.day is None:
        yield _dropped(body, patient, "no-date")
        return
    name = f"Encounter/{body['id']}"
    group = str((body.get("class") or {}).get("code") or "")
    times = (start.day, start.at, end.day, end.at)
    yield Row(VISIT.name, patient, labels(body), (number(name), number(f"Patient/{patient}"), group, *times, name))


def _facts(body: dict[str, Any], patient: str) -> Iterator[Row]:
    happening = READ[body["resourceType"]](body)
    if happening.start.day is None:
        yield _dropped(body, patient, "no-date")
        return
    for part, inner in parts(body):
        yield from _fact(body, part, inner, happening)


def _fact(body: dict[str, Any], part: str, inner: dict[str, Any], happening: Happening) -> Iterator[Row]:
    patient, security, kind = subject(body), labels(body), body["resourceType"]
    own = number(f"{kind}/{body['id']}", part)
    concept = inner.get("code") if part else happening.concept
    value = said(inner) if kind == "Observation" else said({})
    low, high = limits(inner)
    columns: dict[str, Any] = {
        "id": own,
        "part": part,
        "type": kind,
        "usual": happening.usual,
        "person": number(f"Patient/{patient}"),
        "visit": visit(body),
        "thing": number(happening.thing) if happening.thing else None,
        "start_date": happening.start.day,
        "start_time": happening.start.at,
        "end_date": happening.end.day,
        "end_time": happening.end.at,
        "clock": happening.start.clock,
        "source_value": source_value(concept),
        "operator": value.operator,
        "number": value.number,
        "said": value.text,
        "unit": value.unit,
        "low": low,
        "high": high,
        **happening.more,
    }
    yield Row(FACT.name, patient, security, tuple(columns.get(name) for name, _ in FACT.columns))
    codes = {"code": codings(concept), "value": list(value.coded), "unit": list(value.unit_coded), **happening.coded}
    for role, found in codes.items():
        yield from coded(own, role, found, patient, security)
