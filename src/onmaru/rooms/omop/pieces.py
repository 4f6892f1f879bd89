"""Small readings of FHIR JSON that several resources share. `body` is a stored body: valid, with its id."""

from __future__ import annotations

from typing import Any

from onmaru.rooms.omop.ids import number


def labels(body: dict[str, Any]) -> str:
    """meta.security as `system|code`, separated by spaces."""
    security = (body.get("meta") or {}).get("security") or []
    return " ".join(f"{one.get('system', '')}|{one['code']}" for one in security if one.get("code"))


def target(value: Any, type_: str) -> str:
    """`Type/id` of a literal reference to a resource of that type in this record, "" for any other."""
    text = value.get("reference", "") if isinstance(value, dict) else ""
    parts = text.partition("/_history/")[0].split("/")
    return text.partition("/_history/")[0] if len(parts) == 2 and parts[0] == type_ and parts[1] else ""


def subject(body: dict[str, Any]) -> str:
    """The Patient's id that the resource is about; "" when it names none."""
    members = ("subject", "patient", "beneficiary")
    return next((name for member in members if (name := target(body.get(member), "Patient"))), "").partition("/")[2]


def visit(body: dict[str, Any]) -> int | None:
    """Number of the Encounter that the resource belongs to."""
    name = target(body.get("encounter") or body.get("context"), "Encounter")
    return number(name) if name else None


def codings(concept: Any) -> list[dict[str, Any]]:
    """The codings of a CodeableConcept that have a code."""
    found = concept.get("coding") if isinstance(concept, dict) else None
    return [one for one in found or [] if one.get("code")]


def first(body: dict[str, Any], *members: str) -> Any:
    """What the first of these members that is there holds; of a list its first item."""
    found = next((body[member] for member in members if body.get(member)), None)
    return found[0] if isinstance(found, list) else found


def referred(value: Any, *types: str) -> int | None:
    """Number of the resource that a reference names, if it is of one of these types."""
    name = next((name for type_ in types if (name := target(value, type_))), "")
    return number(name) if name else None


def source_value(concept: Any) -> str:
    """The first code, else the text."""
    found = codings(concept)
    return str(found[0]["code"] if found else (concept or {}).get("text") or "")


def words(concept: Any) -> str:
    """What a person reads of a CodeableConcept."""
    found = codings(concept)
    first = found[0] if found else {}
    return str((concept or {}).get("text") or first.get("display") or first.get("code") or "")


def decimal(value: Any) -> float | None:
    """A number, None for what is none or not finite."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) != float("inf") else None


def whole(value: Any) -> int | None:
    """A whole number that 63 bits hold; None for what is none."""
    found = decimal(value)
    return int(found) if found is not None and found == int(found) and abs(found) < 2**62 else None
