"""Makes a FHIR file's entries ready before their turn: a pure function of the bytes and the names known so far.

Whoever writes the file takes what was told only where it would have come to the same: same ids, same names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from onmaru.adapters.packing import detect, unpacked
from onmaru.adapters.pieces import Piece, kept_as, pieces
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.errand import Admit, Admitted, conditional_references
from onmaru.kernel.record import Change

# Larger files are told no more of than their ids: their bodies would stand in memory twice.
LARGE = 64 << 20


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A plain piece: neither refused nor conditional. `body` is "" where `ready` has it."""

    op: str
    type: str
    id: str
    place: str
    name: str
    body: bytes
    ready: Admitted | None


class Told(msgspec.Struct, array_like=True):
    """A file's digest and, for each entry, the id that it gets if it is made. `entries` is empty when one is not plain."""

    digest: str
    ids: list[str]
    entries: list[Entry]

    def pieces(self) -> list[Piece]:
        """The entries as the file has them."""
        return [_piece(entry) for entry in self.entries]


def tell(data: bytes, links: dict[str, str], new_id: Callable[[], str]) -> Told | None:
    """What can be said of a file; None of one that is no FHIR file. `links` learns the names it promises."""
    plain = unpacked(data)
    if detect(plain) != "fhir":
        return None
    try:
        found = list(pieces(plain))
    except Invalid:
        return None
    ids = [new_id() for _ in found]
    promise(found, ids, links)
    digest = hashlib.sha256(plain).hexdigest()
    if len(plain) > LARGE or not all(_plain(piece) for piece in found):
        return Told(digest, ids, [])
    return Told(digest, ids, [_entry(piece, id, links) for piece, id in zip(found, ids, strict=True)])


def tell_line(line: bytes, number: int, type: str) -> Piece:
    """One line of NDJSON made ready, or refused; `type`: what it has to be, "" for anything."""
    place = f"line {number}"
    piece = kept_as(line, place)
    if type and piece.change.type != type:
        return refused_line(place, type, invalid("value", "not of the type that the manifest says"))
    try:
        made = Admit(piece.change.type, line, piece.compacted, {}).done()
    except Invalid as error:
        return refused_line(place, type, error)
    change = msgspec.structs.replace(piece.change, body=made.body, ready=made)
    return msgspec.structs.replace(piece, body=made.body, change=change, compacted=True)


def refused_line(place: str, type: str, error: Invalid) -> Piece:
    """A line that will not be taken, and why."""
    return Piece(b"", place, Change("create", type), refused=error)


def promise(found: list[Piece], ids: list[str], links: dict[str, str]) -> None:
    """Tell `links` where the names of entries that will be made lead; the first to promise a name keeps it."""
    for piece, id in zip(found, ids, strict=True):
        if piece.promised and piece.name.startswith("urn:"):
            links.setdefault(piece.name, f"{piece.change.type}/{id}")


def _plain(piece: Piece) -> bool:
    change = piece.change
    named_otherwise = bool(piece.name) and not piece.promised
    conditional = bool(piece.condition) or change.condition is not None or change.if_match is not None or change.absent
    return not (named_otherwise or conditional or piece.refused or change.op not in ("create", "update"))


def _entry(piece: Piece, id: str, links: dict[str, str]) -> Entry:
    change = piece.change
    made: Admitted | None = None
    if piece.condition is None or not conditional_references(piece.body):
        known = links if b'"urn:' in piece.body else {}
        try:
            made = Admit(change.type, change.body, piece.compacted, known).done()
        except Invalid:
            made = None
    return Entry(change.op, change.type, change.id, piece.place, piece.name, b"" if made else piece.body, made)


def _piece(entry: Entry) -> Piece:
    made = entry.ready
    body = made.body if made is not None else entry.body
    change = Change(entry.op, entry.type, entry.id, body, ready=made)  # type: ignore[arg-type]  # told by ourselves
    return Piece(body, entry.place, change, entry.name, compacted=made is not None)
