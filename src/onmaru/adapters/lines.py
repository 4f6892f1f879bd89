"""NDJSON line by line out of bytes of any length, also gzipped. What is held is one part and one line, which are bounded."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from onmaru.fhir.outcome import invalid

# The longest line that is taken: as long as the body of a request may be by default
LINE = 16 << 20
PART = 1 << 20
# Unpacked bytes of one file; whoever sends more has made an archive that is meant to do harm
WHOLE = 1 << 40


class Line(NamedTuple):
    """One line that is not blank, by its number from 1; `data` None: it is longer than LINE."""

    number: int
    data: bytes | None


def plain(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes taken out of gzip where they are gzipped; `Invalid` 400 for a broken archive, 413 beyond WHOLE."""
    source = iter(parts)
    head = b""
    while len(head) < 2 and (part := next(source, b"")):
        head += part
    if head[:2] != b"\x1f\x8b":
        yield head
        yield from source
        return
    size = 0
    for part in _opened(_after(head, source)):
        size += len(part)
        if size > WHOLE:
            raise invalid("too-long", "the file unpacks to more than can be meant", status=413)
        yield part


def _after(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _opened(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Members of a gzip file, one after the other."""
    opener = zlib.decompressobj(wbits=31)
    try:
        for part in parts:
            rest = part
            while rest:
                if opener.eof:
                    opener = zlib.decompressobj(wbits=31)
                if out := opener.decompress(rest, PART):
                    yield out
                rest = opener.unused_data if opener.eof else opener.unconsumed_tail
    except zlib.error as error:
        raise invalid("structure", "the gzip archive is broken") from error
    if not opener.eof:
        raise invalid("structure", "the gzip archive is broken")


def lines(parts: Iterable[bytes]) -> Iterator[Line]:
    """The lines that are not blank. A mark of byte order at the beginning is left aside."""
    number, held, long = 1, bytearray(), False
    for part in parts:
        start = 0
        while (end := part.find(b"\n", start)) >= 0:
            if not long:
                held += part[start:end]
            if found := _line(number, held, long):
                yield found
            held.clear()
            start, number, long = end + 1, number + 1, False
        if not long:
            held += part[start:]
            if len(held) > LINE:
                long = True
                held.clear()
    if found := _line(number, held, long):
        yield found


def _line(number: int, held: bytearray, long: bool) -> Line | None:
    if long or len(held) > LINE:
        return Line(number, None)
    data = bytes(held).strip()
    if number == 1:
        data = data.removeprefix(b"\xef\xbb\xbf")
    return Line(number, data) if data else None
