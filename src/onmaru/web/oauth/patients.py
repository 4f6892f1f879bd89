"""Whose record an app is opened on: found and read through the person's own Record, so that what is hidden stays hidden."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.search import parse
from onmaru.kernel.login import Standing
from onmaru.kernel.room import Hall
from onmaru.web.doors import Language
from onmaru.web.visit import Visit

MOST = "20"


class Choice(NamedTuple):
    """Patients to choose from: id and what tells one from another. `looked`: whether somebody was looked for."""

    looked: bool
    found: tuple[tuple[str, str], ...]


def choices(visit: Visit, standing: Standing, language: Language, text: str) -> Choice:
    """Patients of that name or number that this person may see, at most 20."""
    hall = _hall(visit, standing, language)
    found: dict[str, str] = {}
    for name in ("name", "identifier"):
        try:
            query = parse(("Patient",), [(name, text.replace(",", "\\,")), ("_count", MOST), ("_total", "none")])
            for version in hall.record.search(query).matches:
                found.setdefault(version.id, _line(version.body or b"{}"))
        except Invalid:
            continue
    return Choice(True, tuple(found.items()))


def may_see(visit: Visit, standing: Standing, language: Language, patient: str) -> bool:
    """Whether this person may see that Patient now."""
    try:
        _hall(visit, standing, language).record.read("Patient", patient)
    except Invalid:
        return False
    return True


def _hall(visit: Visit, standing: Standing, language: Language) -> Hall:
    doors = visit.doors
    return doors.hall(doors.logins.caller(standing, "", visit.id, visit.address), "", language)


def _line(body: bytes) -> str:
    """Name, birth date, sex and numbers of a Patient in one line."""
    patient: dict[str, Any] = msgspec.json.decode(body)
    name: dict[str, Any] = next(iter(patient.get("name", [])), {})
    written = name.get("text") or " ".join([name.get("family", ""), *name.get("given", [])]).strip()
    numbers = [one.get("value", "") for one in patient.get("identifier", [])[:3]]
    return " · ".join(
        part for part in (written, patient.get("birthDate", ""), patient.get("gender", ""), *numbers) if part
    )
