"""Where the fields of a message went, found by leaving each one out and looking at what is missing then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from onmaru.adapters.hl7v2 import emit, mapping, moments
from onmaru.adapters.hl7v2.er7 import Message, Segment
from onmaru.adapters.hl7v2.mapping import Mapped
from onmaru.adapters.hl7v2.refused import Refused

# Fields of identity, diagnosis, allergy, order, result, unit, range, flag, drug, dose, route, frequency and time (HL7 v2.9)
VITAL: dict[str, frozenset[int]] = {
    "PID": frozenset({3, 5, 7, 8, 19}),
    "PV1": frozenset({3, 19, 44, 45}),
    "DG1": frozenset({3, 4, 5, 6}),
    "PRB": frozenset({3, 4, 7, 9, 16}),
    "PR1": frozenset({3, 4, 5}),
    "AL1": frozenset({2, 3, 4, 5, 6}),
    "IAM": frozenset({2, 3, 4, 5, 11, 13}),
    "ORC": frozenset({2, 3, 7, 9}),
    "OBR": frozenset({4, 6, 7, 8, 14, 22, 27}),
    "OBX": frozenset({3, 5, 6, 7, 8, 14, 19}),
    "SPM": frozenset({4, 8, 17, 18}),
    "TQ1": frozenset({2, 3, 4, 7, 8, 13, 14}),
    "RXO": frozenset({1, 2, 3, 4, 5, 7, 11, 12, 13, 17, 18, 19, 21, 22, 23, 24, 25, 26}),
    "RXE": frozenset({1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 19, 22, 23, 24, 25, 26, 31, 33, 34}),
    "RXG": frozenset({3, 4, 5, 6, 7, 8, 14, 15, 16, 17, 18, 23, 24}),
    "RXD": frozenset({2, 3, 4, 5, 6, 12, 16, 17, 18, 19, 25, 28, 29}),
    "RXA": frozenset({3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 16, 23, 24}),
    "RXC": frozenset({2, 3, 4, 5, 6, 7, 8, 9}),
    "RXR": frozenset({1, 2, 4}),
    "SCH": frozenset({11}),
    "TXA": frozenset({4}),
}

ELEMENT, ALIKE, EXTENSION, NOWHERE = "element", "alike", "extension", "nowhere"


class Trace(msgspec.Struct, frozen=True):
    """One populated field: `paths` are the elements that hold nothing, or less, without it; `place` sums them up.

    ALIKE: its mapping says the same as another field's that reached an element. EXTENSION: an extension of ours alone.
    """

    segment: str
    sequence: int
    field: int
    place: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.segment}[{self.sequence}]-{self.field}"


def trace(message: Message, seen: set[tuple[str, str, int]] | None = None) -> Iterator[Trace]:
    """Every populated vital field, but nulls, which delete. A message that is refused has none.

    `seen` remembers what was traced: the same words in the same kind of message are not traced again.
    """
    try:
        mapped = mapping.resources(message)
    except Refused:
        return
    said = leaves(mapped)
    unplaced = {str(field) for field in (*mapped.carried, *mapped.lost)}
    for at, segment in enumerate(message.segments):
        for number in sorted(VITAL.get(segment.name, ())):
            key = (message.type + mapped.structure, segment.said, number)
            if not _says(segment, number) or (seen is not None and key in seen):
                continue
            if seen is not None:
                seen.add(key)
            yield _traced(message, at, number, said, unplaced)


def _says(segment: Segment, number: int) -> bool:
    """Whether the field says something; an amount of 999 in RXA-6 says that it is unknown (table RXA[Immunization])."""
    if (segment.name, number, segment.field(number)) == ("RXA", 6, "999"):
        return False
    return number in segment.populated() and not segment.null(number)


def _traced(message: Message, at: int, number: int, said: Counter[tuple[str, str]], unplaced: set[str]) -> Trace:
    segment = message.segments[at]
    gone = _missing(message, {at}, number, said)
    place = ELEMENT
    if gone is not None and not _standard(gone):
        # a segment that says the same of the same thing hides what this one does
        same = {
            other
            for other, one in enumerate(message.segments)
            if one.name == segment.name and one.field(number) == segment.field(number)
        }
        alike = _missing(message, same, number, said)
        known = alike is None or _standard(alike) or _told(segment, number, {text for _, text in said})
        named = f"{segment.name}[{segment.sequence}]-{number}"
        place = EXTENSION if named in unplaced else ALIKE if known else NOWHERE
    return Trace(segment.name, segment.sequence, number, place, tuple(sorted(gone or ())))


def leaves(mapped: Mapped) -> Counter[tuple[str, str]]:
    """(path, text) of every value of the resources; extensions are named by their URL."""
    found: Counter[tuple[str, str]] = Counter()
    for draft in emit.Emitter(mapped.nodes, "").drafts():
        _flat(draft.data, draft.type, found)
    return found


def _flat(value: Any, path: str, found: Counter[tuple[str, str]]) -> None:
    if isinstance(value, dict):
        path += f"({value['url']})" if path.endswith("xtension") else ""
        for name, one in value.items():
            _flat(one, f"{path}.{name}", found)
    elif isinstance(value, list):
        for one in value:
            _flat(one, path, found)
    else:
        found[(path, str(value))] += 1


def _missing(message: Message, places: set[int], number: int, said: Counter[tuple[str, str]]) -> set[str] | None:
    """Paths that hold less when the field is left out at `places`; None when there is no message without it."""
    segments = [_without(one, number) if at in places else one for at, one in enumerate(message.segments)]
    try:
        mapped = mapping.resources(Message(segments, message.delimiters, message.codec, message.notes))
    except Refused:
        return None
    return {path for path, _ in said - leaves(mapped)}


def _without(segment: Segment, number: int) -> Segment:
    fields = [segment.name] + [
        "" if at == number else segment.field(at) for at in range(1, max(segment.populated()) + 1)
    ]
    return Segment(segment.name, fields, segment.delimiters, segment.line, segment.sequence)


def _standard(paths: set[str]) -> bool:
    """Whether one of them is an element, or an extension of HL7's own."""
    return any("(urn:onmaru:" not in path for path in paths)


def _told(segment: Segment, number: int, texts: set[str]) -> bool:
    """Whether all that the field says stands in an element already, put there by another field."""
    for rep in segment.repetitions(number):
        for at in range(1, len(rep.parts) + 1):
            written = rep.c(at)
            meant = {
                written,
                rep.text,
                moments.dateTime(written, "+09:00"),
                moments.date(written),
                moments.time(written),
            }
            if written and not meant & texts and not _moment_told(written, texts):
                return False
    return True


def _moment_told(written: str, texts: set[str]) -> bool:
    """A time is the same time whatever zone its message is in."""
    made = moments.dateTime(written, "Z")
    return made is not None and any(text.startswith(made.rstrip("Z")) for text in texts)
