"""Long NDJSON files into the record: two stretches of lines in memory at most, made ready in another process."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from pathlib import Path

import msgspec

from onmaru.adapters.ahead import refused_line
from onmaru.adapters.door import Door
from onmaru.adapters.fhirfile import Progress
from onmaru.adapters.lines import PART, Line, lines, plain
from onmaru.adapters.packing import MAX_UNPACKED, detect
from onmaru.adapters.pieces import Piece
from onmaru.adapters.receipt import Receipt, Source
from onmaru.app.errands import Lines, Readied
from onmaru.app.house import House, system
from onmaru.fhir.outcome import Invalid, invalid

# Bytes from which a file is streamed, gzipped or not: below, it is taken whole, which is faster
LONG, LONG_PACKED = 32 << 20, 2 << 20
STRETCH, BYTES = 1000, 8 << 20
WAL = 64 << 20


def long(file: Path) -> bool:
    """Whether a file is too long to be taken whole, or its archive may be."""
    with file.open("rb") as opened:
        packed = opened.read(2) == b"\x1f\x8b"
    return file.stat().st_size > (LONG_PACKED if packed else LONG)


def streamed(house: House, tenant: str, file: Path, door: Door) -> Receipt:
    """Take a long file; what is no NDJSON is handed to its door whole, up to 128 MiB of it."""
    hall, home = house.hall(system(tenant, "load")), house.seat(tenant).home
    try:
        if not _lined(file):
            return _whole(house, tenant, file, door)
        digest = hashlib.sha256()
        for part in plain(_parts(file)):
            digest.update(part)
        done, receipt = door.done(hall, digest.hexdigest()), Receipt()
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            for some, ready in _ready(pool, file, done):
                done += len(some)
                came = {f"line {one.number}": one.data or b"" for one in some}
                receipt.add(door.stretch(hall, ready, Progress(digest.hexdigest(), done, []), came))
                receipt.created.clear()
                home.wait(home.tip())
                home.tidy(WAL)
    except Invalid as error:
        return Receipt(ack="AE", rejected=1, reason=error.issues[0].text)
    return receipt


def _whole(house: House, tenant: str, file: Path, door: Door) -> Receipt:
    home = house.seat(tenant).home
    with file.open("rb") as opened:
        format = detect(opened.read(4096))
    if file.stat().st_size > MAX_UNPACKED and format != "hl7v2":
        raise invalid("too-long", "the file is longer than 128 MiB and is no NDJSON", status=413)
    receipt = door.take(
        house.hall(system(tenant, "load")),
        file.read_bytes(),
        Source("file", file.name, settle=lambda: home.wait(home.tip())),
    )
    home.wait(home.tip())
    return receipt


def _lined(file: Path) -> bool:
    """Whether a line stands after the first, which is a JSON object for itself."""
    first = list(islice(lines(plain(_parts(file))), 2))
    try:
        return len(first) == 2 and isinstance(msgspec.json.decode(first[0].data or b""), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _parts(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while part := opened.read(PART):
            yield part


def stretches(found: Iterator[Line], most: int, size: int) -> Iterator[list[Line]]:
    """Lines, at most so many and about so many bytes at a time."""
    held: list[Line] = []
    weight = 0
    for line in found:
        held.append(line)
        weight += len(line.data or b"")
        if len(held) >= most or weight >= size:
            yield held
            held, weight = [], 0
    if held:
        yield held


def readied(some: Sequence[Line], type: str) -> Lines | None:
    """The errand of making lines ready; None where all of them are too long."""
    known = [line for line in some if line.data is not None]
    return (
        Lines(b"\n".join(line.data or b"" for line in known), [line.number for line in known], type) if known else None
    )


def pieces(some: Sequence[Line], reply: Readied | None, type: str) -> list[Piece]:
    """The lines as they were made ready; those that are too long are refused."""
    numbers = [line.number for line in some if line.data is not None]
    made = {n: one.piece(n) for n, one in zip(numbers, reply.lines, strict=True)} if reply is not None else {}
    too_long = invalid("too-long", "the line is longer than can be taken")
    return [made.get(one.number) or refused_line(f"line {one.number}", type, too_long) for one in some]


def _ready(pool: ProcessPoolExecutor, file: Path, done: int) -> Iterator[tuple[list[Line], list[Piece]]]:
    """The lines behind the first `done`, one stretch ahead of the one that is written."""
    waiting: tuple[list[Line], Future[bytes] | None] | None = None
    for some in stretches(islice(lines(plain(_parts(file))), done, None), STRETCH, BYTES):
        errand = readied(some, "")
        following = some, pool.submit(_told, msgspec.msgpack.encode(errand)) if errand is not None else None
        if waiting is not None:
            yield waiting[0], _pieces(*waiting)
        waiting = following
    if waiting is not None:
        yield waiting[0], _pieces(*waiting)


def _pieces(some: list[Line], told: Future[bytes] | None) -> list[Piece]:
    reply = None if told is None else msgspec.msgpack.decode(told.result(), type=Readied)
    return pieces(some, reply, "")


def _told(errand: bytes) -> bytes:
    """In the other process."""
    return msgspec.msgpack.encode(msgspec.msgpack.decode(errand, type=Lines).done())
