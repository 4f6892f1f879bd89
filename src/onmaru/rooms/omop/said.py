"""What an Observation says: value[x] as OMOP's number, text, coded value, unit and limits."""

from __future__ import annotations

from typing import Any, NamedTuple

from onmaru.rooms.omop.pieces import codings, decimal, words

UCUM = "http://unitsofmeasure.org"


class Said(NamedTuple):
    """`text` is the value as the source words it; `coded` and `unit_coded` are codings for the vocabulary."""

    text: str = ""
    number: float | None = None
    operator: str = ""
    unit: str = ""
    coded: tuple[dict[str, Any], ...] = ()
    unit_coded: tuple[dict[str, Any], ...] = ()


def said(body: dict[str, Any]) -> Said:
    """The value of an Observation or of one of its components."""
    if "valueQuantity" in body:
        return _quantity(body["valueQuantity"])
    if "valueCodeableConcept" in body:
        concept = body["valueCodeableConcept"]
        return Said(words(concept), coded=tuple(codings(concept)))
    for member in ("valueString", "valueInteger", "valueDateTime", "valueTime"):
        if member in body:
            number = decimal(body[member]) if member == "valueInteger" else None
            return Said(str(body[member]), number)
    if "valueBoolean" in body:
        return Said("true" if body["valueBoolean"] else "false")
    return _compound(body)


def _quantity(value: dict[str, Any]) -> Said:
    code, system = value.get("code"), value.get("system")
    # A unit without a code counts where it is written as UCUM writes it
    written = code or value.get("unit")
    unit_coded = ({"system": system or UCUM, "code": written},) if written and (system or not code) else ()
    text = f"{value.get('comparator', '')}{value.get('value', '')}"
    unit = str(code or value.get("unit") or "")
    return Said(text, decimal(value.get("value")), value.get("comparator", ""), unit, (), unit_coded)


def _compound(body: dict[str, Any]) -> Said:
    for member, first, second, between in (
        ("valueRange", "low", "high", "–"),
        ("valueRatio", "numerator", "denominator", ":"),
    ):
        if member in body:
            sides = (_quantity(body[member].get(side) or {}) for side in (first, second))
            return Said(between.join(f"{side.text} {side.unit}".strip() for side in sides))
    if "valuePeriod" in body:
        return Said(f"{body['valuePeriod'].get('start', '')}/{body['valuePeriod'].get('end', '')}")
    return Said()


def limits(body: dict[str, Any]) -> tuple[float | None, float | None]:
    """The one reference range's bounds; of two ranges (by age, by sex) none is ours to choose."""
    ranges = body.get("referenceRange") or []
    if len(ranges) != 1:
        return None, None
    return decimal((ranges[0].get("low") or {}).get("value")), decimal((ranges[0].get("high") or {}).get("value"))
