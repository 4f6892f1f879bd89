"""Times that cannot be: a field that should hold a moment and holds none is named, never guessed at and never dropped."""

from __future__ import annotations

from functools import cache

from onmaru.adapters.hl7v2 import moments
from onmaru.adapters.hl7v2.er7 import Repetition, Segment
from onmaru.adapters.hl7v2.tables import tables

# Components of a data type that are times (HL7 v2.9 chapter 2A)
_TIMES = {"DTM": (1,), "TS": (1,), "DT": (1,), "TM": (1,), "DR": (1, 2), "TQ": (4, 5)}


@cache
def _fields(segment: str) -> tuple[tuple[int, str], ...]:
    """(field, data type) of a segment's fields that hold times."""
    kinds = tables().types.get(segment, {})
    return tuple((int(number), kind) for number, kind in kinds.items() if kind in _TIMES)


def times(segment: Segment, zone: str) -> list[int]:
    """Numbers of the fields of `segment` whose time is no time: 13th month, 30 February, letters, an offset beyond 14 h."""
    wrong = [
        number
        for number, kind in _fields(segment.name)
        if segment.field(number) and any(_wrong(rep, kind, zone) for rep in segment.repetitions(number) if rep)
    ]
    if segment.name == "OBX" and segment.field(2) in _TIMES:
        kind = segment.field(2)
        if any(_wrong(rep, kind, zone) for rep in segment.repetitions(5) if rep):
            wrong.append(5)
    return wrong


def _wrong(rep: Repetition, kind: str, zone: str) -> bool:
    read = moments.time if kind == "TM" else lambda text: moments.dateTime(text, zone)
    return any(text and read(text) is None for text in map(rep.c, _TIMES[kind]))
