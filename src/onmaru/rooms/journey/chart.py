"""One person's chart: the patient, the records merged into it, the survivor of a merge, and namesakes beside them."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall
from onmaru.rooms.journey import views
from onmaru.rooms.journey.asking import rows

MOST_MERGED = 50


class Chart(NamedTuple):
    """`ids`: the patient and every record merged into it. `survivor` is set when the patient itself was merged away."""

    ids: tuple[str, ...]
    survivor: dict[str, str] | None
    merged: tuple[dict[str, str], ...]
    see_also: tuple[dict[str, str], ...]


def chart(hall: Hall, patient: str) -> Chart:
    """Follow links from the patient to the records that it replaces, each once; 404 when there is no such patient."""
    if not rows(hall, views.PATIENT, {"patient": patient}):
        raise invalid("not-found", "no such patient", status=404)
    first = rows(hall, views.LINKS, {"patient": patient})
    ids, merged, waiting = [patient], [], [(patient, first)]
    while waiting and len(ids) < MOST_MERGED:
        survivor, links = waiting.pop()
        for link in links:
            gone = link["gone"]
            if link["relation"] != "merged" or link["survivor"] != survivor or gone in ids:
                continue
            ids.append(gone)
            merged.append({"id": gone, "name": link["gone_name"] or "", "number": link["gone_number"] or ""})
            waiting.append((gone, rows(hall, views.LINKS, {"patient": gone})))
    return Chart(tuple(ids), _survivor(patient, first), tuple(merged), tuple(_see_also(patient, first)))


def _survivor(patient: str, links: list[dict[str, Any]]) -> dict[str, str] | None:
    for link in links:
        if link["relation"] == "merged" and link["gone"] == patient:
            return {
                "id": link["survivor"],
                "name": link["survivor_name"] or "",
                "number": link["survivor_number"] or "",
            }
    return None


def _see_also(patient: str, links: list[dict[str, Any]]) -> list[dict[str, str]]:
    found = {}
    for link in links:
        if link["relation"] == "seealso":
            side = "gone" if link["survivor"] == patient else "survivor"
            found[link[side]] = {
                "id": link[side],
                "name": link[f"{side}_name"] or "",
                "number": link[f"{side}_number"] or "",
            }
    return list(found.values())


def person(row: dict[str, Any]) -> dict[str, Any]:
    """What always stands together of a patient: name, number, birth date and sex."""
    return {
        "id": row["patient"],
        "name": row["name"],
        "otherNames": row["other_names"],
        "birthDate": row["birth"],
        "gender": row["sex"],
        "identifier": row["number"],
    }


def identity(hall: Hall, patient: str) -> dict[str, Any]:
    """Who this is, for the header and the print; 404 when there is no such patient."""
    found = rows(hall, views.PATIENT, {"patient": patient})
    if not found:
        raise invalid("not-found", "no such patient", status=404)
    row = found[0]
    return {
        **person(row),
        "identifiers": msgspec.json.decode(row["shown"]),
        "deceased": row["deceased"],
        "active": bool(row["active"]),
    }


def stays(hall: Hall, patients: list[str]) -> dict[str, dict[str, Any]]:
    """The current stay of each patient: an inpatient one before others, then the latest."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(patients), views.PAGE):
        for row in rows(hall, views.STAYS_OF, views.named(patients[start : start + views.PAGE])):
            held = found.get(row["patient"])
            if held is None or (row["class"] in _LYING and held["class"] not in _LYING):
                found[row["patient"]] = row
    return found


# http://terminology.hl7.org/CodeSystem/v3-ActCode, ActEncounterCode: classes with a bed.
_LYING = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC", "EMER", "SS"})


def namesakes(hall: Hall, patients: list[str]) -> dict[str, list[dict[str, str]]]:
    """For each patient the others of the same name on the same ward."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows(hall, views.NAMESAKES, views.named(patients)):
        other = {
            "id": row["patient"],
            "name": row["name"],
            "identifier": row["number"],
            "birthDate": row["birth"],
            "gender": row["sex"],
            "ward": row["ward_name"],
            "bed": place(row),
        }
        found.setdefault(row["subject"], []).append(other)
    return found


def place(row: dict[str, Any]) -> str:
    """Room and bed in words; where the hospital names neither, what the Encounter itself says."""
    inside = " ".join(part for part in (row.get("room"), row.get("bed")) if part)
    spot = row.get("place_name") or row.get("spot") or ""
    return inside or ("" if spot == row.get("ward_name") else spot)
