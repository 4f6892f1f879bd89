"""GET live/feed: beds and waveforms for a screen that draws them, in binary frames over one answer that is not ended.

Its law: a screen that comes again is told everything that still stands, so that nothing it shows hangs on what it missed.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.monitor.board import Board
from onmaru.rooms.monitor.traces import Piece
from onmaru.rooms.monitor.wall import ASKED_ANEW, ENDS, NO_STORE, Bed, board_of, here, shown, sources

# Seconds between two looks at the board, and until a sign of life
PACE, SIGN = 0.1, 2.0
# What a frame holds
BEDS, WAVES, CLOCK = 1, 2, 3
# Bytes of waveforms in one frame, so that a screen is never long at one
PART = 64 * 1024


def feed(request: Request, hall: Hall) -> Response:
    """Frames without end (docs/rooms/monitor.md): whole beds first, then those that changed, waveforms, and the time."""
    return Response(200, _frames(request, hall, board_of(hall)), "application/octet-stream", NO_STORE)


async def _frames(request: Request, hall: Hall, board: Board) -> AsyncIterator[bytes]:
    beds: dict[str, Bed] = {}
    began, asked, told = time.monotonic(), -ASKED_ANEW, 0.0
    seq, number = -1, 0
    while not board.ended and time.monotonic() - began < ENDS:
        fresh = beds
        if time.monotonic() - asked > ASKED_ANEW:
            fresh, asked = {one.patient: one for one in here(request, hall)}, time.monotonic()
        whole, beds = fresh != beds or seq < 0, fresh
        changed = [one for one in (beds if whole else board.changed(seq)) if one in beds]
        pieces = [piece for one in beds for piece in board.traces.after(number, one)]
        seq, number, at = board.seq, board.traces.number, time.time_ns() // 1000
        if changed or whole:
            yield _beds([beds[one] for one in changed], board, at, whole=whole)
        for part in _parts(pieces):
            yield _waves(part, at)
        if changed or pieces or whole:
            told = time.monotonic()
        elif time.monotonic() - told > SIGN:
            told = time.monotonic()
            yield framed(CLOCK, msgspec.json.encode({"at": at, **sources(board, board.senders_of(), at)}))
        await asyncio.sleep(PACE)


def framed(kind: int, *parts: bytes) -> bytes:
    """Length of what follows (u32, little endian), kind (u8), the parts."""
    return struct.pack("<IB", 1 + sum(map(len, parts)), kind) + b"".join(parts)


def _beds(some: Sequence[Bed], board: Board, at: int, *, whole: bool) -> bytes:
    senders = board.senders_of()
    told = [_bed(one, shown(one, board, senders, at)) for one in some]
    return framed(BEDS, msgspec.json.encode({"at": at, "whole": whole, "beds": told, **sources(board, senders, at)}))


def _bed(bed: Bed, told: Mapping[str, Any]) -> dict[str, Any]:
    """A bed with its ward and without samples."""
    kept = {name: value for name, value in told.items() if name != "waves"}
    return {**kept, "ward": bed.ward, "wardName": bed.ward_name}


def _waves(pieces: Iterable[Piece], at: int) -> bytes:
    """Length of the head (u32), the head as JSON, then a byte a sample of each piece in the head's order."""
    some = list(pieces)
    rows = [[one.patient, one.code, one.unit, one.hz, one.at, len(one.samples), one.low, one.step] for one in some]
    head = msgspec.json.encode({"at": at, "pieces": rows})
    return framed(WAVES, struct.pack("<I", len(head)), head, *(one.samples for one in some))


def _parts(pieces: Iterable[Piece]) -> Iterable[Sequence[Piece]]:
    part: list[Piece] = []
    size = 0
    for one in pieces:
        part.append(one)
        size += len(one.samples)
        if size >= PART:
            yield part
            part, size = [], 0
    if part:
        yield part


ROUTES = (Route("GET", "/live/feed", "user/Observation.rs", feed),)
