"""The work of an export: choose positions and list them; and its files, which are read from the log when asked for."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import BinaryIO

import msgspec
from pyroaring import BitMap

from onmaru.app.bulk.board import File, Outcome
from onmaru.app.bulk.extract import Chosen, Reading, chosen, may_export
from onmaru.app.bulk.run import Run
from onmaru.fhir.outcome import invalid, outcome
from onmaru.fhir.subset import subset
from onmaru.kernel.audit import access
from onmaru.kernel.caller import Caller
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.export import Asked

WIDTH = 4
# Resources of a file, so that a client can fetch several at a time and begin again with one
PER_FILE = 250_000
# Positions looked at, and about the bytes given, in one part of a file
PAGE = 2_000
PART = 1 << 20
# Positions of a list that are held at a time
LISTED = 20_000
Read = tuple[int, list[bytes]]


class Pinned(msgspec.Struct, frozen=True):
    """What an export asks, the position it is true at, and when that was recorded (µs since 1970 UTC)."""

    asked: Asked
    t: int
    time: int


def files(found: Sequence[Chosen]) -> list[File]:
    """The files that the chosen make, in the order of the list."""
    made: list[File] = []
    start = 0
    for one in found:
        for first in range(0, len(one.positions), PER_FILE):
            count = min(PER_FILE, len(one.positions) - first)
            made.append(File(one.type, count, start))
            start += count
    return made


def listed(found: Sequence[Chosen]) -> Iterator[bytes]:
    """The list: the positions of each type in order, 4 bytes each, the lowest first."""
    for one in found:
        for first in range(0, len(one.positions), LISTED):
            yield packed(one.positions[first : first + LISTED])


def packed(positions: BitMap) -> bytes:
    """Positions as a list keeps them."""
    found = array("I", positions)
    if found.itemsize != WIDTH:
        raise RuntimeError("this machine's integers have another width")
    return found.tobytes()


def unpacked(data: bytes) -> BitMap:
    """The positions of a part of a list."""
    found = array("I")
    found.frombytes(data)
    return BitMap(found)


class Exporting:
    """See `app/bulk/desk.py` for what a work is."""

    kind = "export"

    def pinned(self, tenant: Tenant, caller: Caller, asked: bytes) -> bytes:
        """What is asked, at the durable head; `Invalid` 403 or 404 at once where it would be refused later."""
        wanted = msgspec.json.decode(asked, type=Asked)
        refusal = may_export(tenant, caller, wanted)
        if refusal:
            tenant.trail.add(access(caller, "execute", "$export", tenant.now(), denied=refusal))
            raise invalid("forbidden", f"not permitted: {refusal}", status=403)
        t = tenant.log.head()
        if wanted.group:
            Chart(tenant, caller, t).read("Group", wanted.group)
        time = tenant.index.touched(t - 1, t)[0].at if t else tenant.now()
        return msgspec.json.encode(Pinned(wanted, t, time))

    async def run(self, run: Run) -> tuple[Outcome, Sequence[str]]:
        """Choose, in slices between other answers; whoever asked is asked for again before each."""
        pinned = msgspec.json.decode(run.ticket.asked, type=Pinned)
        steps = chosen(run.tenant, run.caller, pinned.asked, pinned.t)
        try:
            while True:
                run.told(next(steps))
                await asyncio.sleep(0)
        except StopIteration as end:
            found: Sequence[Chosen] = end.value
        made = files(found)
        problems = pinned.asked.told()
        list = await run.keep(listed(found)) if made else ""
        if problems:
            blob = await run.keep(outcome([one]) + b"\n" for one in problems)
            made.append(File("OperationOutcome", len(problems), blob=blob, of="error"))
        named = [one for one in (list, *(file.blob for file in made)) if one]
        return Outcome(pinned.time, 0, pinned.t, list, made), named


class Parts:
    """One file of an export, part by part, as whoever asks may see it by then."""

    def __init__(self, tenant: Tenant, caller: Callable[[], Caller], reading: Reading, trim: tuple[str, ...]) -> None:
        self._tenant = tenant
        self._caller = caller
        self._reading = reading
        self._trim = trim

    async def read(self, listed: BinaryIO, file: File) -> AsyncIterator[bytes]:
        """NDJSON, about a MiB a part. `listed`: the list of the export.

        While a part is sent the next is read ahead; it leaves only where the gate, asked in its turn, shows the same.
        """
        listed.seek(file.start * WIDTH)
        left, rest = file.count, BitMap()
        asked: BitMap | None = None
        ahead: asyncio.Future[Read] | None = None
        while left or rest:
            if len(rest) < PAGE:
                some = unpacked(listed.read(min(left, LISTED) * WIDTH))
                left = left - len(some) if some else 0
                rest |= some
            caller = self._caller()
            rest = self._reading.shown(caller, rest)
            page = rest[:PAGE]
            if not page:
                continue
            if ahead is None or asked != page:
                ahead = self._begin(page)
            done, bodies = await ahead
            given, rest = page[:done], rest[done:]
            asked = rest[:PAGE]
            ahead = self._begin(asked) if asked else None
            if bodies:
                self._reading.disclosed(caller, given)
                yield await asyncio.to_thread(joined, bodies, self._trim) if self._trim else joined(bodies, ())

    def _begin(self, page: BitMap) -> asyncio.Future[Read]:
        return asyncio.ensure_future(asyncio.to_thread(self._tenant.log.bodies, list(page), PART))


def joined(bodies: Sequence[bytes], trim: tuple[str, ...]) -> bytes:
    """NDJSON: bodies leave as they are stored, unless they are trimmed to some elements."""
    if trim:
        bodies = [subset(body, elements=trim) for body in bodies]
    return b"\n".join([*bodies, b""])
