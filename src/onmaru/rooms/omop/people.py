"""Patients and their Encounters: persons, visits, and where a person lives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onmaru.kernel.projection import Row
from onmaru.rooms.omop.codes import Codes
from onmaru.rooms.omop.ids import number
from onmaru.rooms.omop.moments import NEVER, moment, period
from onmaru.rooms.omop.pieces import codings, first, referred, source_value, target
from onmaru.rooms.omop.places import address
from onmaru.rooms.omop.row import EHR, TYPE, dropped, made, own
from onmaru.rooms.omop.tables import PERSON, PLACE, VISIT

# The field that an episode's event is a key of, which the vocabulary CDM names
EVENT = ({"code": "visit_occurrence_id", "display": "visit_occurrence.visit_occurrence_id"},)
_RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


def person(body: dict[str, Any]) -> Iterator[Row]:
    """A Patient's rows."""
    patient, codes = body["id"], Codes()
    written = str(body.get("birthDate") or "")
    if moment(written).day is None:
        yield dropped(body, patient, "no-birth-date")
        return
    year, month, day = (int(part) for part in (*written.split("-"), "0", "0")[:3])
    replaced = (link for link in body.get("link") or [] if link.get("type") == "replaced-by")
    survivor = next((name for link in replaced if (name := target(link.get("other"), "Patient"))), "")
    died = moment(body.get("deceasedDateTime"))
    gender, place = body.get("gender") or "", address(first(body, "address"))
    columns: dict[str, Any] = {
        "id": own(body),
        "name": f"Patient/{patient}",
        "year": year,
        "month": month or None,
        "day": day or None,
        "birth": (moment(written).day or 0) * 86_400_000_000 if day else None,
        "gender": gender,
        "survivor": number(survivor) if survivor else None,
        "gender_key": codes.key([{"code": gender, "display": gender}] if gender else [], "Gender"),
        "place": own(body) if place else None,
        "provider": referred(first(body, "generalPractitioner"), "Practitioner"),
        "site": referred(body.get("managingOrganization"), "Organization"),
        "died_date": died.day,
        "died_time": died.at,
        "kind": codes.key(EHR, TYPE),
    }
    for role, found in _categories(body):
        columns[f"{role}_key"] = codes.key(found, role.capitalize())
        columns[role] = str(found[0]["code"]) if found else ""
    yield made(PERSON, body, patient, columns, codes)
    if place:
        yield made(PLACE, body, patient, {"id": own(body), **place}, Codes())


def _categories(body: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """US Core's race and ethnicity."""
    for extension in body.get("extension") or []:
        role = str(extension.get("url", "")).removeprefix(_RACE)
        if role in ("race", "ethnicity"):
            inner = extension.get("extension") or []
            yield role, [one["valueCoding"] for one in inner if (one.get("valueCoding") or {}).get("code")]


def encounter(body: dict[str, Any], patient: str) -> Iterator[Row]:
    """An Encounter's row: a visit, or a detail of the one that it is part of."""
    start, end = period(body.get("period"))
    if start.day is None:
        yield dropped(body, patient, "no-date")
        return
    codes, stay = Codes(), body.get("hospitalization") or {}
    group = str((body.get("class") or {}).get("code") or "")
    admit, discharge = stay.get("admitSource"), stay.get("dischargeDisposition")
    columns: dict[str, Any] = {
        "id": own(body),
        "person": number(f"Patient/{patient}"),
        "whole": referred(body.get("partOf"), "Encounter"),
        "class": group,
        "source_value": f"Encounter/{body['id']}",
        "class_key": codes.key([{"code": group, "display": group}] if group else [], "Visit"),
        "admit_key": codes.key(codings(admit), "", words_only(admit)),
        "admit": source_value(admit),
        "discharge_key": codes.key(codings(discharge), "", words_only(discharge)),
        "discharge": source_value(discharge),
        "provider": _staff(body),
        "site": referred(body.get("serviceProvider"), "Organization"),
        "episode": referred(first(body, "episodeOfCare"), "EpisodeOfCare"),
        "episode_key": codes.key(EVENT, "Metadata"),
        "kind": codes.key(EHR, TYPE),
        **times(start, end),
    }
    yield made(VISIT, body, patient, columns, codes)


def times(start: Any, end: Any = NEVER) -> dict[str, Any]:
    """Two moments as columns."""
    return {"start_date": start.day, "start_time": start.at, "end_date": end.day, "end_time": end.at}


def words_only(concept: Any) -> str:
    """The text of a CodeableConcept without codings."""
    return "" if codings(concept) else str((concept or {}).get("text") or "")


def _staff(body: dict[str, Any]) -> int | None:
    """The first practitioner who took part."""
    taking = (referred(one.get("individual"), "Practitioner") for one in body.get("participant") or [])
    return next((found for found in taking if found is not None), None)
