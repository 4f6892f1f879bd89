"""One segment into one resource by the rows of a segment table; tells which fields found their place."""

from __future__ import annotations

from functools import cache
from typing import Any

from onmaru.adapters.hl7v2 import paths, places, values
from onmaru.adapters.hl7v2.conditions import Find, compiled
from onmaru.adapters.hl7v2.er7 import SHORT, Repetition, Segment
from onmaru.adapters.hl7v2.node import Node
from onmaru.adapters.hl7v2.tables import Row, by_field, type_of
from onmaru.adapters.hl7v2.values import Sender

CARRIED = "urn:onmaru:v2:"


class _Line:
    """One row of a segment table, ready to be followed. `how` is what the conversion depends on besides the sender."""

    __slots__ = ("constant", "field", "how", "name", "put", "type", "when")

    def __init__(self, row: Row) -> None:
        last = row.steps[-1]
        self.field = row.field
        self.name: str = row.steps[0][0]
        self.when = None if row.condition is None else compiled(row.condition)
        self.constant = None if row.constant is None else _constant(row)
        self.put = paths.compiled(row.steps)
        self.type = last[1:] if isinstance(last, str) else ""
        self.how = (row.kind, row.leaf, row.vocabulary, "" if self.type else last[2])


@cache
def _lines(table: str) -> tuple[tuple[_Line, ...], dict[int, tuple[_Line, ...]]]:
    """The rows that need no field, and the others by field."""
    rows = by_field(table)
    always = tuple(_Line(row) for row in rows.get(0, ()) if row.constant is not None)
    return always, {number: tuple(map(_Line, some)) for number, some in rows.items() if number}


def write(node: Node, table: str, segment: Segment, find: Find, sender: Sender) -> set[int]:
    """Apply the rows of `table` to `node`; give the numbers of the fields that reached it. Nulls mark what to empty."""
    always, fields = _lines(table)
    done: set[int] = set()
    for line in always:
        if line.when is None or line.when(segment, None, find):
            line.put(node, _fresh(line.constant), segment.line, 0)
    for number in segment.populated():
        lines = fields.get(number)
        if lines is None:
            continue
        if segment.null(number):
            node.emptied.update(line.name for line in lines)
            done.add(number)
            continue
        repetitions = segment.repetitions(number)
        for line in lines:
            if _field(node, line, repetitions, segment, find, sender):
                done.add(number)
    return done


def _field(
    node: Node, line: _Line, repetitions: list[Repetition], segment: Segment, find: Find, sender: Sender
) -> bool:
    reached = False
    for at, rep in enumerate(repetitions):
        if not rep or not (line.when is None or line.when(segment, rep, find)):
            continue
        if line.constant is not None:
            line.put(node, _fresh(line.constant), segment.line, at)
            continue
        value = _converted(line, rep, sender)
        if value is not None and line.put(node, value, segment.line, at):
            reached = True
    return reached


def _converted(line: _Line, rep: Repetition, sender: Sender) -> Any:
    """The element that a repetition becomes; what a short one became is remembered with it."""
    if line.type:
        return places.resource(line.type, rep, line.how[0], sender)
    if len(rep.raw) > SHORT:
        return values.convert(rep, *line.how, sender)
    key = (line.how, sender)
    try:
        return _fresh(rep.meant[key])
    except KeyError:
        found = rep.meant[key] = values.convert(rep, *line.how, sender)
        return _fresh(found)


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
