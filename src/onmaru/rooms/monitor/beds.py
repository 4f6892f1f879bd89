"""Who lies in which bed, and in which ward the bed stands: one version's rows at a time; the views join them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from onmaru.kernel.projection import Row, Table, labels_of

STAY = Table("monitor_stay", (("encounter", "text"), ("place", "text")), "hot")
PLACE = Table(
    "monitor_place", (("place", "text"), ("name", "text"), ("within", "int"), ("part_of", "text")), "hot", ("place",)
)
# http://hl7.org/fhir/encounter-status: who is here
HERE = frozenset({"arrived", "triaged", "in-progress", "onleave"})
# http://terminology.hl7.org/CodeSystem/location-physical-type: a bed and what stands between it and its ward
WITHIN_WARD = frozenset({"bd", "ro", "lvl", "co", "ca"})


def stays(raw: bytes) -> Iterator[Row]:
    """The bed of an Encounter that is under way; "" where the chart names none. Nothing once it is over."""
    body = msgspec.json.decode(raw)
    patient = _id(body.get("subject"), "Patient")
    if patient and body.get("status") in HERE and "end" not in (body.get("period") or {}):
        here = [one for one in body.get("location") or [] if _now(one)]
        place = _id(here[-1].get("location"), "Location") if here else ""
        yield Row(STAY.name, patient, labels_of(body), (body["id"], place))


def places(raw: bytes) -> Iterator[Row]:
    """One Location: its name, whether it lies within a ward, what it is part of."""
    body = msgspec.json.decode(raw)
    forms = {one.get("code") for one in (body.get("physicalType") or {}).get("coding") or []}
    number = next((str(one["value"]) for one in body.get("identifier") or [] if one.get("value")), "")
    values = (
        body["id"],
        body.get("name") or number,
        int(bool(forms & WITHIN_WARD)),
        _id(body.get("partOf"), "Location"),
    )
    yield Row(PLACE.name, "", labels_of(body), values)


def _now(one: dict[str, Any]) -> bool:
    return one.get("status", "active") == "active" and "end" not in (one.get("period") or {})


def _id(reference: Any, type: str) -> str:
    found, _, id = str((reference or {}).get("reference") or "").partition("/")
    return id if found == type and "/" not in id else ""
