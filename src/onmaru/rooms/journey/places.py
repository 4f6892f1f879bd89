"""Where a patient lies now, and the names of places, people, organisations and drugs that items point at."""

from __future__ import annotations

from typing import Any

from onmaru.rooms.journey import names
from onmaru.rooms.journey.compartment import reference
from onmaru.rooms.journey.concepts import concept
from onmaru.rooms.journey.items import who

# http://hl7.org/fhir/encounter-status: the patient is here, or expected back.
PRESENT = frozenset({"arrived", "triaged", "in-progress", "onleave"})
# http://terminology.hl7.org/CodeSystem/location-physical-type: what stands between a bed and its ward.
WITHIN_WARD = frozenset({"bd", "ro", "lvl", "co", "ca"})
TYPES = frozenset(
    {"Location", "Organization", "Practitioner", "PractitionerRole", "HealthcareService", "Medication", "Device"}
)


def stay(body: dict[str, Any], low: int | None, at: str) -> tuple[Any, ...] | None:
    """The columns of `journey_stay` while the patient is here; None once the Encounter has ended or not begun."""
    if body.get("status") not in PRESENT or "end" in (body.get("period") or {}):
        return None
    place, place_name = _place(body.get("location") or [])
    named = concept(body.get("type") or body.get("serviceType"))
    actor, actor_name = who(body)
    kind = (body.get("class") or {}).get("code") or ""
    reason = concept(body.get("reasonCode")).ko
    return (low, at, body["status"], kind, named.ko, named.en, reason, place, place_name, actor, actor_name)


def _place(locations: list[dict[str, Any]]) -> tuple[str, str]:
    """The last location that is not over: marked active, or without an end."""
    here = [
        one for one in locations if one.get("status", "active") == "active" and "end" not in (one.get("period") or {})
    ]
    if not here:
        return "", ""
    value = here[-1].get("location") or {}
    return reference(value), value.get("display") or ""


def thing(body: dict[str, Any]) -> tuple[str, str, str, int, str]:
    """The columns of `journey_thing`: `Type/id`, name, physical form, whether it lies within a ward, what it is part of."""
    form = concept(body.get("physicalType")).code.rpartition("|")[2]
    return (
        f"{body['resourceType']}/{body['id']}",
        _name(body),
        form,
        1 if form in WITHIN_WARD else 0,
        reference(body.get("partOf")),
    )


def _name(body: dict[str, Any]) -> str:
    """A name, else a code's words, else an identifier: HL7 v2 often names a bed by its number alone."""
    own = body.get("name")
    if isinstance(own, str):
        return own
    if isinstance(own, list):
        people = names.ordered(own)
        return names.shown(people[0]) if people else _identifier(body)
    for member in ("code", "deviceName", "type"):
        named = concept(body.get(member))
        if named.ko:
            return named.ko
    for member in ("practitioner", "organization"):
        if (body.get(member) or {}).get("display"):
            return str(body[member]["display"])
    return str(body.get("description") or _identifier(body))


def _identifier(body: dict[str, Any]) -> str:
    values = [one["value"] for one in body.get("identifier") or [] if one.get("value")]
    return str(values[0]) if values else ""
