"""The process that carries out errands: reads them from standard input, writes what came of each to standard output.

It keeps nothing, opens no file and ends when its input does.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import repeat

import msgspec
from msgspec.structs import replace

from onmaru.adapters.ahead import refused_line, tell_line
from onmaru.adapters.pieces import Piece
from onmaru.app.rooms import all_rooms
from onmaru.fhir.outcome import Invalid, Issue
from onmaru.kernel.errand import Admit, Admitted, Open, Opened, Refused, Relink, Relinked
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row
from onmaru.kernel.record import Change

LENGTH = 8


class Project(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    """The rows of one version, whose body is `raw`, in the named projection."""

    raw: bytes
    projection: str
    version: Version

    def done(self) -> Projected:
        """LookupError for a projection that is not of the house's own rooms."""
        found = next((one for room in all_rooms() for one in room.projections if one.name == self.projection), None)
        if found is None:
            raise LookupError(self.projection)
        return Projected([row for _, rows in found.apply([replace(self.version, body=self.raw)]) for row in rows])


class Projected(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    rows: list[Row]
    body: bytes = b""


class Lines(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    """Make lines of NDJSON ready: `raw` has them with a line feed after each, `numbers` tells where they stand."""

    raw: bytes
    numbers: list[int]
    type: str

    def done(self) -> Readied:
        pieces = map(tell_line, self.raw.split(b"\n"), self.numbers, repeat(self.type))
        return Readied([Ready.of(piece) for piece in pieces])


class Ready(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line as the Change it asks for, or why there is none."""

    op: str
    id: str
    type: str
    made: Admitted | None
    issues: list[Issue]
    status: int

    @classmethod
    def of(cls, piece: Piece) -> Ready:
        change, why = piece.change, piece.refused
        issues, status = (list(why.issues), why.status) if why is not None else ([], 0)
        return cls(change.op, change.id, change.type, change.ready, issues, status)

    def piece(self, number: int) -> Piece:
        """The line again."""
        place = f"line {number}"
        if self.made is None:
            return refused_line(place, self.type, Invalid(self.issues, self.status))
        body = self.made.body
        change = Change(self.op, self.type, self.id, body, ready=self.made)  # type: ignore[arg-type]  # told by ourselves
        return Piece(body, place, change, compacted=True)


class Readied(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    lines: list[Ready]
    body: bytes = b""


Task = Lines | Admit | Open | Relink | Project
Reply = Readied | Admitted | Opened | Relinked | Projected | Refused


def done(task: Task) -> Reply:
    """Carry out one; a refusal is a result too, and so is a defect of ours: nothing of the input is told."""
    try:
        return task.done()
    except Invalid as error:
        return Refused(list(error.issues), error.status)
    except Exception:  # noqa: BLE001 - whoever asked must have an answer
        return Refused([Issue("exception", "the server failed on this content")], 500)


def run() -> None:
    """Serve until the input ends. It stands back behind the server, which answers everybody else."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    decode, encode = msgspec.msgpack.Decoder(Task).decode, msgspec.msgpack.Encoder().encode
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while sizes := source.read(2 * LENGTH):
        head, large = (int.from_bytes(sizes[start : start + LENGTH], "big") for start in (0, LENGTH))
        task = decode(source.read(head))
        reply = done(replace(task, raw=source.read(large)))
        for part in frame(encode(replace(reply, body=b"")), reply.body):
            sink.write(part)
        sink.flush()


def frame(head: bytes, large: bytes) -> tuple[bytes, bytes, bytes]:
    """The lengths, what is in MessagePack, and the large bytes beside it, which nobody needs to copy into it."""
    return len(head).to_bytes(LENGTH, "big") + len(large).to_bytes(LENGTH, "big"), head, large


if __name__ == "__main__":
    run()
