"""One segment into one resource by the rows of a segment table; tells which fields found their place."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from onmaru.adapters.hl7v2 import places, values
from onmaru.adapters.hl7v2.conditions import Find, holds
from onmaru.adapters.hl7v2.er7 import Repetition, Segment
from onmaru.adapters.hl7v2.node import Node
from onmaru.adapters.hl7v2.tables import Row, by_field, type_of
from onmaru.adapters.hl7v2.values import Sender

CARRIED = "urn:onmaru:v2:"
SHORT = 200
"""Characters up to which a converted field is remembered; longer ones are documents and seldom come twice."""


def write(node: Node, table: str, segment: Segment, find: Find, sender: Sender) -> set[int]:
    """Apply the rows of `table` to `node`; give the numbers of the fields that reached it. Nulls mark what to empty."""
    rows = by_field(table)
    done: set[int] = set()
    for row in rows.get(0, ()):
        if row.constant is not None and (row.condition is None or holds(row.condition, segment, None, find)):
            node.put(row.steps, _constant(row), (segment.line,), 0)
    for number in segment.populated():
        for row in rows.get(number, ()):
            if segment.null(number):
                node.emptied.add(row.steps[0][0])
                done.add(number)
            elif _field(node, row, segment, find, sender):
                done.add(number)
    return done


def _field(node: Node, row: Row, segment: Segment, find: Find, sender: Sender) -> bool:
    reached = False
    for at, rep in enumerate(segment.repetitions(row.field)):
        if not rep or not (row.condition is None or holds(row.condition, segment, rep, find)):
            continue
        value = _constant(row) if row.constant is not None else _converted(row, rep, sender)
        if value is None:
            continue
        kept = node.put(row.steps, value, (segment.line,), at)
        reached = reached or (kept and row.constant is None)
    return reached


def _converted(row: Row, rep: Repetition, sender: Sender) -> Any:
    last = row.steps[-1]
    if isinstance(last, str):
        return places.resource(last[1:], rep, row.kind, sender)
    if len(rep.raw) > SHORT:
        return values.convert(rep, row.kind, row.leaf, row.vocabulary, last[2], sender)
    return _fresh(_remembered(rep, row.kind, row.leaf, row.vocabulary, last[2], sender))


@lru_cache(maxsize=16_384)
def _remembered(rep: Repetition, *how: Any) -> Any:
    """Messages repeat themselves: the same text of the same type from the same sender has one meaning."""
    return values.convert(rep, *how)


def _fresh(value: Any) -> Any:
    """A copy of what is remembered, since a resource goes on to fill in its groups."""
    kind = type(value)
    if kind is dict:
        return {name: one if type(one) is str else _fresh(one) for name, one in value.items()}
    return [_fresh(one) for one in value] if kind is list else value


def _constant(row: Row) -> Any:
    said = row.constant
    if row.leaf == "boolean":
        return said == "true"
    if row.leaf == "decimal":
        return values.number(said or "")
    if row.leaf == "CodeableConcept":
        return {"text": said}
    return said


def carry(node: Node, segment: Segment, fields: list[int], sender: Sender) -> None:
    """Keep fields that no table places: one extension a segment, one part a field, typed where the type is known."""
    parts: list[dict[str, Any]] = []
    for number in fields:
        kind = type_of(segment.name, number)
        for rep in segment.repetitions(number):
            if rep:
                parts.append({"url": str(number), **_typed(rep, kind, sender)})
    if parts:
        node.data.setdefault("extension", []).append({"url": CARRIED + segment.name, "extension": parts})


_TYPED = {
    "CWE": ("valueCodeableConcept", "CodeableConcept"),
    "CE": ("valueCodeableConcept", "CodeableConcept"),
    "CNE": ("valueCodeableConcept", "CodeableConcept"),
    "IS": ("valueCodeableConcept", "CodeableConcept"),
    "DTM": ("valueDateTime", "dateTime"),
    "TS": ("valueDateTime", "dateTime"),
    "DT": ("valueDateTime", "dateTime"),
    "XAD": ("valueAddress", "Address"),
    "XPN": ("valueHumanName", "HumanName"),
    "XTN": ("valueContactPoint", "ContactPoint"),
    "CX": ("valueIdentifier", "Identifier"),
    "EI": ("valueIdentifier", "Identifier"),
    "NM": ("valueDecimal", "decimal"),
    "CQ": ("valueQuantity", "Quantity"),
    "CP": ("valueMoney", "Money"),
}


def _typed(rep: Repetition, kind: str, sender: Sender) -> dict[str, Any]:
    name, leaf = _TYPED.get(kind, ("", ""))
    value = values.convert(rep, kind, leaf, "", "", sender) if name else None
    if value is not None:
        return {name: value}
    return {"valueString": rep.text}
