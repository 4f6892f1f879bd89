"""An item's second line: dosage, reaction, conclusion, reason or note, in the source's words, 500 characters at most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onmaru.rooms.journey.compartment import at
from onmaru.rooms.journey.concepts import concept
from onmaru.rooms.journey.values import quantity

LONGEST = 500
_TEXTS = ("conclusion", "summary", "comment", "patientInstruction", "disposition", "payload.contentString", "note.text")
_CODED = ("reaction.manifestation", "severity", "reasonCode", "dosage.route", "bodySite", "conclusionCode", "outcome")


def detail(body: dict[str, Any]) -> str:
    """Parts joined by ` · `; "" when the resource says no more."""
    parts = dict.fromkeys(part.strip() for part in _parts(body) if part.strip())
    whole = " · ".join(parts)
    return whole if len(whole) <= LONGEST else whole[: LONGEST - 1] + "…"


def _parts(body: dict[str, Any]) -> Iterator[str]:
    instructions = body.get("dosageInstruction") or []
    yield from (dosage(one) for one in instructions)
    given = body.get("dosage")
    yield from (dosage(one) for one in given) if isinstance(given, list) else [dosage(given)] if given else []
    for path in _CODED:
        for value in at(body, path):
            yield concept(value).ko
    for path in _TEXTS:
        for value in at(body, path):
            if isinstance(value, str):
                yield value


def dosage(one: dict[str, Any]) -> str:
    """A Dosage: its text, else dose, route and timing put side by side; nothing is computed."""
    if one.get("text"):
        return str(one["text"])
    doses = [rate.get("doseQuantity") or {} for rate in one.get("doseAndRate") or []]
    if isinstance(one.get("dose"), dict):
        doses.append(one["dose"])
    # Asked for and given alike are one amount: said twice it would read as two
    amounts = list(dict.fromkeys(f"{quantity(dose).text} {quantity(dose).unit}".strip() for dose in doses if dose))
    times = one.get("timing") or {}
    timing = concept(times.get("code")).ko or _repeat(times.get("repeat") or {})
    return " ".join(part for part in (*amounts, concept(one.get("route")).ko, timing) if part)


def _repeat(repeat: dict[str, Any]) -> str:
    """`2 × / 1 d`: frequency per period in its unit."""
    if "frequency" not in repeat or "period" not in repeat:
        return ""
    return f"{repeat['frequency']} × / {repeat['period']} {repeat.get('periodUnit', '')}".strip()
