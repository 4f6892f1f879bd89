"""The room's follower: each version alone decides its rows, in the source's own words, so no vocabulary is asked here."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table
from onmaru.rooms.omop.codes import Codes
from onmaru.rooms.omop.facts import READ, Happening, parts
from onmaru.rooms.omop.ids import number
from onmaru.rooms.omop.maps import concept_map
from onmaru.rooms.omop.papers import PAPERS
from onmaru.rooms.omop.people import encounter, person, times, words_only
from onmaru.rooms.omop.pieces import codings, labels, referred, source_value, subject, visit
from onmaru.rooms.omop.places import HOUSE
from onmaru.rooms.omop.row import EHR, TYPE, dropped, made
from onmaru.rooms.omop.said import limits, said
from onmaru.rooms.omop.tables import APART, FACT, TABLES

# How a fact and its specimen are related, as codes of our own: what they are in the CDM a site decides as of any local code
RELATED = {
    "specimen": {"system": "urn:onmaru:relationship", "code": "specimen", "display": "Measured in the specimen"},
    "measured": {"system": "urn:onmaru:relationship", "code": "measured", "display": "Specimen of the measurement"},
}


class Omop:
    """Projection door (kernel/projection.py)."""

    name = "omop"
    version = 4
    types: frozenset[str] = RESOURCE_TYPES
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
    if kind in HOUSE:
        yield from HOUSE[kind](body)
    elif kind == "Patient":
        yield from person(body)
    elif kind == "ConceptMap":
        yield from concept_map(body)
    elif kind == "Encounter" or kind in READ or kind in PAPERS:
        yield from _of_patient(body)
    else:
        yield Row(APART.name, subject(body), labels(body), (kind,))


@cache
def statuses() -> Mapping[str, Mapping[str, str]]:
    """Type → status → reason, from data/statuses.toml."""
    text = (files(__package__) / "data" / "statuses.toml").read_text("utf-8")
    return tomllib.loads(text)


def _of_patient(body: dict[str, Any]) -> Iterator[Row]:
    kind, patient = body["resourceType"], subject(body)
    concept = body.get("verificationStatus")
    status = source_value(concept) if kind in ("Condition", "AllergyIntolerance") else str(body.get("status") or "")
    reason = statuses().get(kind, {}).get(status, "") or ("" if patient else "no-patient")
    if reason:
        yield dropped(body, patient, reason)
    elif kind == "Encounter":
        yield from encounter(body, patient)
    elif kind in PAPERS:
        yield from PAPERS[kind](body, patient)
    else:
        yield from _facts(body, patient)


def _facts(body: dict[str, Any], patient: str) -> Iterator[Row]:
    happening = READ[body["resourceType"]](body)
    if happening.start.day is None:
        yield dropped(body, patient, "no-date")
        return
    for part, inner in parts(body):
        yield _fact(body, part, inner, happening, patient)


def _fact(body: dict[str, Any], part: str, inner: dict[str, Any], happening: Happening, patient: str) -> Row:
    kind, codes = body["resourceType"], Codes()
    concept = inner.get("code") if part else happening.concept
    value = said(inner) if kind == "Observation" else said({})
    low, high = limits(inner)
    found = codings(concept)
    columns: dict[str, Any] = {
        "id": number(f"{kind}/{body['id']}", part),
        "part": part,
        "type": kind,
        "usual": happening.usual,
        "person": number(f"Patient/{patient}"),
        "visit": visit(body),
        "thing": number(happening.thing) if happening.thing else None,
        **times(happening.start, happening.end),
        "clock": happening.start.clock,
        "source_value": source_value(concept),
        "system": str(found[0].get("system") or "") if found else "",
        "operator": value.operator,
        "number": value.number,
        "said": value.text,
        "unit": value.unit,
        "low": low,
        "high": high,
        "code": codes.key(found, "", words_only(concept)),
        "value": codes.key(value.coded),
        "unit_key": codes.key(value.unit_coded),
        "operator_key": codes.key(
            [{"code": value.operator, "display": value.operator}] if value.operator else [], "Meas Value Operator"
        ),
        "kind": codes.key(EHR, TYPE),
        **happening.more,
    }
    specimen = referred(body.get("specimen"), "Specimen")
    if specimen is not None:
        columns |= {"specimen": specimen, **{f"{role}_key": codes.key([coded]) for role, coded in RELATED.items()}}
    for role, coded in happening.coded.items():
        columns[f"{role}_key"] = codes.key(coded)
    return made(FACT, body, patient, columns, codes)
