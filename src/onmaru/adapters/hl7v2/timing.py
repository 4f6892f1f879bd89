"""When and how much: TQ1 (2.5 on) and the data type TQ (to 2.4) as one FHIR Timing (tables RPT, RI and TQ)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from onmaru.adapters.hl7v2 import moments, values
from onmaru.adapters.hl7v2.er7 import Repetition, Segment
from onmaru.adapters.hl7v2.tables import coded
from onmaru.adapters.hl7v2.values import Sender

UCUM = "http://unitsofmeasure.org"
# Units of time by their names in ISO+, UCUM and words; FHIR's codes are UCUM's
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "wk", "week", "weeks"), "wk"),
    **dict.fromkeys(("mo", "mon", "month", "months", "l"), "mo"),
    **dict.fromkeys(("a", "ann", "y", "yr", "year", "years"), "a"),
}
_MINUTES = {"s": Decimal(1) / 60, "min": Decimal(1), "h": Decimal(60), "d": Decimal(1440), "wk": Decimal(10080)}
# HL7 table 0335: Q<integer>D every <integer> days, H hours, L months (lunar cycle), M minutes, S seconds, W weeks
_EVERY = re.compile(r"Q(\d{1,4})([SMHDWL])\Z")
_LETTERS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk", "L": "mo"}
# The table EventRelatedPeriod's codes that are FHIR's too; the others (between meals) are not
_TIMING_EVENT = "http://terminology.hl7.org/CodeSystem/v3-TimingEvent"
_SPAN = re.compile(r"([SMHDWL])(\d{1,6})\Z")


class Plan(msgspec.Struct):
    """What one TQ1 or TQ says. `placed` are the fields (components of a TQ) that `timing` holds."""

    timing: dict[str, Any]
    placed: set[int]
    quantity: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None
    priority: str = ""
    words: tuple[str, ...] = ()


# Where TQ1 and TQ have the parts that are not in the Timing itself
TQ1 = {"quantity": {2}, "limits": {7, 8}, "priority": {9}, "words": {10, 11}}
TQ = {"quantity": {1}, "limits": {4, 5}, "priority": {6}, "words": {7, 8}}


def span(text: str) -> dict[str, Any] | None:
    """`D5`, `H1`: a duration as TQ.3 and the fields "per time unit" give it, as Quantity in UCUM; None for anything else."""
    match = _SPAN.match(text.strip().upper())
    if not match:
        return None
    unit = _LETTERS[match.group(1)]
    return {"value": Decimal(match.group(2)), "unit": unit, "system": UCUM, "code": unit}


def duration(rep: Repetition) -> dict[str, Any] | None:
    """CQ of time as Quantity in UCUM; None where its unit is no unit of time."""
    amount = values.number(rep.c(1))
    unit = _unit(rep.c(2, 1)) or _unit(rep.c(2, 2))
    if amount is None or not unit or amount < 0:
        return None
    return {"value": amount, "unit": unit, "system": UCUM, "code": unit}


def _unit(written: str) -> str:
    return _UNITS.get(written.lower(), "")


def of_tq1(segment: Segment, sender: Sender) -> Plan:
    """Read a TQ1: fields 2 to 14."""
    repeat: dict[str, Any] = {}
    plan = Plan({}, set(), limits=values.period(segment.c(7), segment.c(8), sender))
    _pattern(plan, segment, repeat)
    _clock(plan, segment, repeat)
    if _long(plan, duration(segment.first(6)), repeat):
        plan.placed.add(6)
    once, count = duration(segment.first(13)), values.integer(segment.first(14), 1)
    if once:
        repeat.update(duration=once["value"], durationUnit=once["code"])
        plan.placed.add(13)
    if count:
        repeat["count"] = count
        plan.placed.add(14)
    if repeat:
        plan.timing["repeat"] = repeat
    plan.quantity = values.quantity(segment.first(2))
    plan.priority = (coded("ExtendedPriorityCodes", segment.c(9)) or [""])[0]
    plan.words = tuple(rep.text for field in (10, 11) for rep in segment.repetitions(field) if rep)
    return plan


def _pattern(plan: Plan, segment: Segment, repeat: dict[str, Any]) -> None:
    """TQ1-3, an RPT: code 1, period 5 and 6, event 8, offset 9 and 10; what of it has no place keeps the field carried."""
    given = [rep for rep in segment.repetitions(3) if rep]
    if not given:
        return
    rep = given[0]
    held = _code(plan, repeat, rep.sub(1))
    period, unit = values.number(rep.c(5)), _unit(rep.c(6)) or _unit(rep.c(6, 2))
    if period is not None and unit and "period" not in repeat:
        repeat.update(period=period, periodUnit=unit)
        held |= {5, 6}
    event = coded("EventRelatedPeriod", rep.c(8))
    if event and event[2] == _TIMING_EVENT and not segment.field(4):  # R4 tim-10: an hour or an event, not both
        repeat["when"] = [event[0]]
        held |= {8} | _offset(rep, repeat)
    said = {number for number, part in enumerate(rep.parts, 1) if part.strip(rep.delimiters.blank)}
    if said <= held and len(given) == 1:
        plan.placed.add(3)


def _code(plan: Plan, repeat: dict[str, Any], code: Repetition) -> set[int]:
    every = _EVERY.match(code.c(1).upper())
    if every:
        repeat.update(frequency=1, period=Decimal(every.group(1)), periodUnit=_LETTERS[every.group(2)])
    concept = values.concept(code, "RepeatPattern") if code else None
    if concept is None:
        return set()
    plan.timing["code"] = concept
    return {1}


def _offset(rep: Repetition, repeat: dict[str, Any]) -> set[int]:
    """Minutes before or after the event; R4 tim-9 allows none at a meal itself."""
    amount, unit = values.number(rep.c(9)), _unit(rep.c(10)) or _unit(rep.c(10, 2))
    if amount is None or amount < 0 or unit not in _MINUTES or repeat["when"][0] in ("C", "CM", "CD", "CV"):
        return set()
    minutes = amount * _MINUTES[unit]
    if round(minutes, 6) != int(minutes):
        return set()
    repeat["offset"] = int(minutes)
    return {9, 10}


def _clock(plan: Plan, segment: Segment, repeat: dict[str, Any]) -> None:
    hours = [moments.time(rep.c(1)) for rep in segment.repetitions(4) if rep]
    if hours and None not in hours:
        repeat["timeOfDay"] = hours
        plan.placed.add(4)


def _long(plan: Plan, long: dict[str, Any] | None, repeat: dict[str, Any]) -> bool:
    """How long it goes on: with a start or an end alone it gives the other one, without either it is the bounds. False
    where that says nothing or something else than start and end."""
    if long is None:
        return False
    limits = plan.limits
    if limits is None:
        repeat["boundsDuration"] = long
        return True
    start, end = limits.get("start"), limits.get("end")
    worked = _after(start, long) if start else _after(end or "", {**long, "value": -long["value"]})
    if worked is None or (start and end and worked != end):
        return False
    limits["end" if start else "start"] = worked
    return True


def _after(moment: str, long: dict[str, Any]) -> str | None:
    """The end of a duration: a moment by the minute; of days, the last day that is still in it."""
    minutes = _MINUTES.get(long["code"])
    if minutes is None:
        return None
    total = long["value"] * minutes
    if "T" in moment:
        return moments.later(moment, float(total))
    days = total / 1440
    if len(moment) != 10 or days != int(days) or not 0 < abs(days) < 100_000:
        return None
    try:
        return (date.fromisoformat(moment) + timedelta(days=int(days) - (1 if days > 0 else -1))).isoformat()
    except OverflowError:
        return None


def of_tq(rep: Repetition, sender: Sender) -> Plan:
    """Read a TQ: quantity 1, interval 2, duration 3, start 4, end 5, priority 6, condition 7, text 8, occurrences 12."""
    repeat: dict[str, Any] = {}
    plan = Plan({}, set(), limits=values.period(rep.c(4), rep.c(5), sender))
    if rep.c(2):
        _code(plan, repeat, rep.sub(2))
        hours = [moments.time(one) for one in rep.c(2, 2).split(",") if one]
        if hours and None not in hours:
            repeat["timeOfDay"] = hours
        if len(hours) == len(repeat.get("timeOfDay", ())):
            plan.placed.add(2)
    count = values.number(rep.c(12))
    if _long(plan, span(rep.c(3)), repeat):
        plan.placed.add(3)
    if count is not None and count == int(count) and 0 < count < 2**31:
        repeat["count"] = int(count)
        plan.placed.add(12)
    if repeat:
        plan.timing["repeat"] = repeat
    plan.quantity = values.quantity(rep.sub(1)) if rep.c(1) else None
    plan.priority = (coded("ExtendedPriorityCodes", rep.c(6)) or [""])[0]
    plan.words = tuple(part for part in (rep.c(7), rep.c(8)) if part)
    return plan
