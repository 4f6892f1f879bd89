"""An item's second line: dosage, reaction, conclusion, reason or note, in the source's words, 500 characters at most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onmaru.rooms.journey.compartment import at
from onmaru.rooms.journey.concepts import concept
from onmaru.rooms.journey.values import value

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
        for coded in at(body, path):
            yield concept(coded).ko
    for path in _TEXTS:
        for text in at(body, path):
            if isinstance(text, str):
                yield text


def dosage(one: dict[str, Any]) -> str:
    """A Dosage: its text, else dose, rate, route, timing and need put side by side; nothing is computed."""
    if one.get("text"):
        return str(one["text"])
    given = [one, *(one.get("doseAndRate") or [])]
    # Asked for and given alike are one amount: said twice it would read as two
    amounts = dict.fromkeys(_amount(part, name) for part in given for name in _AMOUNTS)
    times = one.get("timing") or {}
    timing = concept(times.get("code")).ko or _repeat(times.get("repeat") or {})
    most = _amount(one, "maxDosePerPeriod")
    parts = (*amounts, concept(one.get("route")).ko, timing, _needed(one), f"(≤ {most})" if most else "")
    return " ".join(part for part in parts if part)


# An amount, then the rate it runs at: what a pump is set to is never left out
_AMOUNTS = ("doseQuantity", "doseRange", "dose", "rateQuantity", "rateRatio", "rateRange")


def _amount(part: dict[str, Any], name: str) -> str:
    """A quantity, a range or a ratio with its units; "" when absent."""
    given = part.get(name)
    if not isinstance(given, dict):
        return ""
    if "numerator" in given or "denominator" in given:
        return " / ".join(filter(None, (_amount(given, side) for side in ("numerator", "denominator"))))
    read = value({"valueRange" if "low" in given or "high" in given else "valueQuantity": given})
    return f"{read.text} {read.unit}".strip()


def _needed(one: dict[str, Any]) -> str:
    """`prn`, and for what, when a Dosage is to be taken only as needed."""
    reason = concept(one.get("asNeededCodeableConcept")).ko
    if one.get("asNeededBoolean") is True or reason:
        return f"prn {reason}".strip()
    return ""


def _repeat(repeat: dict[str, Any]) -> str:
    """`2 × / 1 d`: frequency per period in its unit."""
    if "frequency" not in repeat or "period" not in repeat:
        return ""
    return f"{repeat['frequency']} × / {repeat['period']} {repeat.get('periodUnit', '')}".strip()
