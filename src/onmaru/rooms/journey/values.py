"""What an Observation says: value[x] with every digit as written, its unit, and the flag that the source itself gives.

A flag comes from `interpretation` or from the resource's own `referenceRange`, never from any table of ours.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from onmaru.rooms.journey.concepts import codes, concept

# Codes of http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation (hl7.fhir.r4.core 4.0.1); HL7 v2 table 0078
# uses the same letters. The worst of several codes wins, in this order.
FLAGS = {
    "HH": "HH",
    "LL": "LL",
    "AA": "AA",
    "H>": "HH",
    "HU": "HH",
    "L<": "LL",
    "LU": "LL",
    ">": "H",
    "<": "L",
    "H": "H",
    "HX": "H",
    "L": "L",
    "LX": "L",
    "A": "A",
}
NORMAL_RANGE = "http://terminology.hl7.org/CodeSystem/referencerange-meaning"


class Value(NamedTuple):
    """`text` keeps the source's digits; `number` is None unless the value is numeric."""

    text: str
    unit: str
    number: float | None


EMPTY = Value("", "", None)


def quantity(value: dict[str, Any]) -> Value:
    """A Quantity with its comparator."""
    if "value" not in value:
        return Value("", value.get("unit") or value.get("code") or "", None)
    digits = str(value["value"])
    return Value(
        f"{value.get('comparator', '')}{digits}", value.get("unit") or value.get("code") or "", _float(value["value"])
    )


def _float(digits: Any) -> float | None:
    try:
        number = float(digits)
    except (TypeError, ValueError):
        return None
    return number if abs(number) != float("inf") else None


def value(body: dict[str, Any]) -> Value:
    """value[x] of an Observation or a component; a dataAbsentReason stands for the value when there is none."""
    for member, read in _READERS:
        if member in body:
            return read(body[member])
    absent = concept(body.get("dataAbsentReason"))
    return Value(f"({absent.en})", "", None) if absent.en else EMPTY


def _plain(value: Any) -> Value:
    return Value(str(value).lower() if isinstance(value, bool) else str(value), "", None)


def _integer(value: Any) -> Value:
    return Value(str(value), "", _float(value))


def _coded(value: Any) -> Value:
    named = concept(value)
    return Value(named.ko or named.en, "", None)


def _range(value: dict[str, Any]) -> Value:
    low, high = quantity(value.get("low") or {}), quantity(value.get("high") or {})
    return Value(f"{low.text}–{high.text}", low.unit or high.unit, None)


def _ratio(value: dict[str, Any]) -> Value:
    over, under = quantity(value.get("numerator") or {}), quantity(value.get("denominator") or {})
    return Value(":".join(f"{part.text} {part.unit}".strip() for part in (over, under)), "", None)


def _period(value: dict[str, Any]) -> Value:
    return Value(f"{value.get('start', '')}/{value.get('end', '')}", "", None)


def _sampled(value: dict[str, Any]) -> Value:
    return Value("∿", (value.get("origin") or {}).get("unit") or "", None)


_READERS = (
    ("valueQuantity", quantity),
    ("valueCodeableConcept", _coded),
    ("valueString", _plain),
    ("valueInteger", _integer),
    ("valueBoolean", _plain),
    ("valueRange", _range),
    ("valueRatio", _ratio),
    ("valueDateTime", _plain),
    ("valueTime", _plain),
    ("valuePeriod", _period),
    ("valueSampledData", _sampled),
)


def flag(body: dict[str, Any]) -> str:
    """HH, LL, AA, H, L, A or "": what the source says; when it says nothing, what its one normal range says."""
    said = {code for _, code in codes(body.get("interpretation"))}
    if said:
        return next((flag for code, flag in FLAGS.items() if code in said), "")
    low, high = bounds(body)
    amount = body.get("valueQuantity") or {}
    return _against(amount, low, high) if "value" in amount else ""


def bounds(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The low and high Quantity of the only normal range; two ranges (by age, by sex …) are not ours to choose from."""
    ranges = [one for one in body.get("referenceRange") or [] if _normal(one)]
    if len(ranges) != 1:
        return {}, {}
    return ranges[0].get("low") or {}, ranges[0].get("high") or {}


def _normal(one: dict[str, Any]) -> bool:
    meant = codes(one.get("type"))
    return not one.get("appliesTo") and (not meant or (NORMAL_RANGE, "normal") in meant)


def _against(amount: dict[str, Any], low: dict[str, Any], high: dict[str, Any]) -> str:
    number = _decimal(amount["value"])
    comparator = amount.get("comparator", "")
    floor, ceiling = _limit(amount, low), _limit(amount, high)
    if number is None:
        return ""
    if (
        floor is not None
        and (number < floor or (number == floor and comparator == "<"))
        and comparator in ("", "<", "<=")
    ):
        return "L"
    if (
        ceiling is not None
        and (number > ceiling or (number == ceiling and comparator == ">"))
        and comparator in ("", ">", ">=")
    ):
        return "H"
    return ""


def _limit(amount: dict[str, Any], limit: dict[str, Any]) -> Decimal | None:
    """The limit's number when it is in the value's own unit or names none."""
    if "value" not in limit:
        return None
    for member in ("code", "unit"):
        if limit.get(member) and amount.get(member):
            return _decimal(limit["value"]) if limit[member] == amount[member] else None
    return _decimal(limit["value"]) if not limit.get("unit") and not limit.get("code") else None


def _decimal(digits: Any) -> Decimal | None:
    try:
        return Decimal(str(digits))
    except InvalidOperation:
        return None
