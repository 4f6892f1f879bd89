"""What a FHIR file is made of: entries of a Bundle, lines of NDJSON, or one resource, each as the Change it asks for."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import msgspec

from onmaru.fhir import structure, verbatim
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.entry import ID, Item, criteria_of, item, pairs_of
from onmaru.kernel.record import Change

_TYPE = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]+)"')


class Piece(msgspec.Struct, frozen=True):
    """One entry: its body, the name others refer to it by, its place, and the Change it asks for or why there is none.

    `condition` is what a conditional creation asks for (`Type?criteria`), "" for other entries of a transaction or batch.
    """

    body: bytes
    place: str
    change: Change
    name: str = ""
    refused: Invalid | None = None
    compacted: bool = False
    condition: str | None = None

    @property
    def promised(self) -> bool:
        """Whether the entry gets a new id that others can be told before it is written."""
        return self.change.op == "create" and self.change.if_none_exist is None


def pieces(data: bytes) -> Iterator[Piece]:
    """Entries of a Bundle, lines of NDJSON, or one resource. Raises Invalid (400) when it is none of them.

    Entries of a transaction or batch do what they ask for. A resource that comes without a request keeps its id, for the
    files around it refer to it by that.
    """
    head = data.lstrip()[:1]
    if head != b"{":
        raise invalid("structure", "not a JSON object")
    first, more, _ = data.partition(b"\n")
    if more and _is_object(first):
        for number, line in enumerate(data.split(b"\n"), 1):
            if line.strip():
                yield kept_as(line.strip(), f"line {number}")
        return
    if _type(data) == "Bundle":
        yield from _entries(data)
        return
    yield kept_as(data, "")


def kept_as(body: bytes, place: str, name: str = "") -> Piece:
    """A resource under its own id, or under a new one when it has none."""
    type, id = _type(body), ""
    # The strict decode says what is wrong
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        id = str(_name(body).id)
    change = Change("update" if ID.fullmatch(id) else "create", type, id, body)
    return Piece(body, place, change, name)


class _Name(msgspec.Struct):
    id: str = ""


_name = msgspec.json.Decoder(_Name).decode


def _is_object(line: bytes) -> bool:
    """NDJSON when the first line alone is a JSON object."""
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _opened(data: bytes) -> tuple[str, list[verbatim.Entry]]:
    """A Bundle's type and compact entries; `Invalid` with every problem of what is around its resources."""
    try:
        small = msgspec.json.format(data, indent=-1)
        kind, found = verbatim.entries(small)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Invalid):
        structure.admit(data, "Bundle", deep=False)
        raise
    structure.envelope(small, (entry.resource for entry in found))
    return kind, found


def _entries(data: bytes) -> Iterator[Piece]:
    kind, found = _opened(data)
    if kind not in ("transaction", "batch", "collection", "searchset", "document", "message"):
        raise invalid("value", "a Bundle of this type is not loaded", "Bundle.type")
    for number, entry in enumerate(found):
        place, body = f"Bundle.entry[{number}]", bytes(entry.resource or b"")
        if kind not in ("transaction", "batch"):
            if body:
                yield kept_as(body, place, entry.full_url)
            continue
        try:
            asked = item(number, entry, update_create=True, base="")
        except Invalid as error:
            yield Piece(body, place, Change("create", _type(body)), refused=error)
            continue
        if asked.change is not None:
            change = _conditional(asked, asked.change)
            condition = f"{change.type}?{asked.if_none_exist}" if asked.if_none_exist else ""
            yield Piece(body, place, change, entry.full_url, compacted=True, condition=condition)


def _conditional(asked: Item, change: Change) -> Change:
    if not asked.if_none_exist:
        return change
    condition = criteria_of(change.type, pairs_of(asked.if_none_exist))
    return msgspec.structs.replace(change, if_none_exist=condition)


def _type(body: bytes) -> str:
    """The resourceType, found fast; the strict decode at the write has the last word."""
    try:
        return structure.type_of(body)
    except Invalid:
        match = _TYPE.search(body)
        return match.group(1).decode() if match else ""
