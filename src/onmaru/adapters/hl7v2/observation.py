"""OBX to Observation: the value by OBX-2 with its unit, range, sub-id and repeats (table OBX[Observation])."""

from __future__ import annotations

import re
from typing import Any

from onmaru.adapters.hl7v2 import attachments, moments, values
from onmaru.adapters.hl7v2.er7 import Repetition, Segment
from onmaru.adapters.hl7v2.node import Node
from onmaru.adapters.hl7v2.values import Sender

_RANGE = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?:-|~|–|to)\s*(-?\d+(?:\.\d+)?)\s*\Z")
_BOUND = re.compile(r"\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*\Z")
_COMPARATOR = re.compile(r"\s*(<=|>=|<|>)?\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\Z")
_ATTACHMENT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value"
_ANALYSED = "http://hl7.org/fhir/StructureDefinition/observation-analysis-date-time"
_SUB_ID = "http://hl7.org/fhir/StructureDefinition/observation-v2-subid"
DOUBTFUL = ("OBX-14",)
"""Slot of a result whose own time is none: its report's time is not its time."""
_CODED = {"CE", "CWE", "CNE", "CF", "IS", "ID"}


def fill(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """Write OBX-4, 5, 6, 7 and absence into the Observation; give the fields that found their place."""
    done: set[int] = {2}
    given = [rep for rep in segment.repetitions(5) if rep]
    kind = segment.c(2) or "ST"
    whole = len(given) > 1 and kind in ("TX", "FT", "ST")
    if whole:
        node.data["valueString"] = "\n".join(rep.text for rep in given)
        done.add(5)
    elif len(given) == 1:
        node.data.update(_value(given[0], kind, segment, sender))
        done.add(5)
    elif given:
        _components(node, given, kind, segment, sender)
        done.add(5)
    elif segment.c(11) in ("N", "X", "") or segment.null(5):
        _absent(node, segment)
    _status(node, segment, done)
    _unit_alone(node, segment, done)
    _range(node, segment, done)
    if segment.field(14) and "effectiveDateTime" not in node.data:
        node.slots[DOUBTFUL] = True
    analysed = moments.dateTime(segment.c(19), sender.zone) if segment.c(19) else None
    if analysed:
        node.data.setdefault("extension", []).append({"url": _ANALYSED, "valueDateTime": analysed})
        done.add(19)
    if segment.field(4):
        extension = {
            "url": _SUB_ID,
            "extension": [{"url": "original-sub-identifier", "valueString": segment.first(4).text}],
        }
        node.data.setdefault("extension", []).append(extension)
        done.add(4)
    return done


# HL7 table 0085 where the vocabulary ObservationResultStatusCodesInterpretation has no row: I results pending, R not
# verified, S partial, U final without retransmission, V verified; the others say nothing about a result
_MORE = {"I": "registered", "R": "preliminary", "S": "preliminary", "U": "final", "V": "final"}


def _status(node: Node, segment: Segment, done: set[int]) -> None:
    more = _MORE.get(segment.c(11), "unknown")
    if "status" not in node.data and segment.c(11):
        node.data["status"] = more
        if more != "unknown":
            done.add(11)


def _absent(node: Node, segment: Segment) -> None:
    reason = "not-asked" if segment.c(11) == "N" else "unknown"
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    if segment.c(11) in ("N", "X"):
        node.data["dataAbsentReason"] = {"coding": [{"system": system, "code": reason}]}


def _components(node: Node, given: list[Repetition], kind: str, segment: Segment, sender: Sender) -> None:
    code = values.concept(segment.first(3), "") or {"text": "value"}
    node.data["component"] = [{"code": code, **_value(rep, kind, segment, sender)} for rep in given]
    for part in node.data["component"]:
        part.pop("extension", None)


def _value(rep: Repetition, kind: str, segment: Segment, sender: Sender) -> dict[str, Any]:
    """The value element of one repetition; whatever does not fit its declared type is kept as text."""
    made: dict[str, Any] | None = None
    if kind in ("ST", "TX", "FT") and segment.field(6):
        made = _measured(rep, segment)
    elif kind in ("NM", "SN", "CQ", "MO", "CP", "NA", "NR"):
        made = _numeric(rep, kind, segment)
    elif kind in _CODED:
        made = _keyed("valueCodeableConcept", values.concept(rep, ""))
    elif kind in ("DT", "DTM", "TS", "TM", "DR"):
        made = _moment(rep, kind, sender)
    elif kind in ("ED", "RP"):
        made = _attached(attachments.attachment(rep) if kind == "ED" else attachments.pointer(rep))
    elif kind in ("CX", "EI", "XCN", "XPN", "XAD", "XTN", "XON", "PL", "HD"):
        made = {"valueString": " ".join(part for at in range(1, 12) if (part := rep.c(at)))}
    return made or {"valueString": rep.text}


def _keyed(name: str, value: Any) -> dict[str, Any] | None:
    return {name: value} if value is not None else None


def _attached(one: dict[str, Any] | None) -> dict[str, Any] | None:
    return {"extension": [{"url": _ATTACHMENT, "valueAttachment": one}]} if one else None


def _moment(rep: Repetition, kind: str, sender: Sender) -> dict[str, Any] | None:
    if kind == "TM":
        return _keyed("valueTime", moments.time(rep.c(1)))
    if kind == "DR":
        return _keyed("valuePeriod", values.period(rep.c(1), rep.c(2), sender))
    return _keyed("valueDateTime", moments.dateTime(rep.c(1), sender.zone))


def _unit(segment: Segment) -> dict[str, Any]:
    return values.unit(segment.first(6)) or {}


def _numeric(rep: Repetition, kind: str, segment: Segment) -> dict[str, Any] | None:
    if kind == "SN":
        return _structured(rep, segment)
    if kind == "NR":
        return _keyed("valueRange", _bounds(rep.c(1), rep.c(2), _unit(segment)))
    if kind in ("CQ", "MO", "CP"):
        found = values.quantity(rep)
        return {"valueQuantity": {**_unit(segment), **found}} if found else None
    if kind == "NA":
        numbers = " ".join(part for part in rep.parts if part.strip())
        return {"valueString": numbers} if numbers else None
    match = _COMPARATOR.match(rep.text)
    amount = values.number(match.group(2)) if match else None
    if match is None or amount is None:
        return None
    found = {"value": amount, **_unit(segment)}
    if match.group(1):
        found = {"value": amount, "comparator": match.group(1), **_unit(segment)}
    return {"valueQuantity": found}


def _measured(rep: Repetition, segment: Segment) -> dict[str, Any] | None:
    """A text with a unit (OBX-6) that is a number or a range is a measurement, whatever OBX-2 calls it."""
    limits = _RANGE.match(rep.text)
    if limits:
        return _keyed("valueRange", _bounds(limits.group(1), limits.group(2), _unit(segment)))
    return _numeric(rep, "NM", segment)


def _structured(rep: Repetition, segment: Segment) -> dict[str, Any] | None:
    """SN: comparator, number, separator, number."""
    sign, first, separator, second = rep.c(1), values.number(rep.c(2)), rep.c(3), values.number(rep.c(4))
    joined = {"valueString": " ".join(part for part in (rep.c(1), rep.c(2), rep.c(3), rep.c(4)) if part)}
    unit = _unit(segment)
    if first is None or sign == "<>" or (separator and sign not in ("", "=")):
        return joined
    if separator in (":", "/") and second is not None:
        return {"valueRatio": {"numerator": {"value": first, **unit}, "denominator": {"value": second, **unit}}}
    if separator == "-" and second is not None:
        return {"valueRange": {"low": {"value": first, **unit}, "high": {"value": second, **unit}}}
    if separator:
        return joined
    found: dict[str, Any] = {"value": first}
    if sign in ("<", "<=", ">", ">="):
        found["comparator"] = sign
    elif sign not in ("", "="):
        return joined
    return {"valueQuantity": {**found, **unit}}


def _bounds(low: str, high: str, unit: dict[str, Any]) -> dict[str, Any] | None:
    found = {}
    for name, raw in (("low", low), ("high", high)):
        amount = values.number(raw)
        if amount is not None:
            found[name] = {"value": amount, **unit}
    return found or None


def _unit_alone(node: Node, segment: Segment, done: set[int]) -> None:
    """A unit beside a value that is no quantity stays with the Observation as an extension (the caller adds it)."""
    if segment.field(6) and any(
        name in node.data for name in ("valueQuantity", "valueRange", "valueRatio", "component")
    ):
        done.add(6)


def _range(node: Node, segment: Segment, done: set[int]) -> None:
    said = segment.first(7).text
    if not said:
        return
    done.add(7)
    one: dict[str, Any] = {}
    unit = _unit(segment)
    match, bound = _RANGE.match(said), _BOUND.match(said)
    if match:
        one.update(_bounds(match.group(1), match.group(2), unit) or {})
    elif bound and bound.group(1) in ("<", "<="):
        one.update(_bounds("", bound.group(2), unit) or {})
    elif bound:
        one.update(_bounds(bound.group(2), "", unit) or {})
    one["text"] = said
    node.data["referenceRange"] = [one]
