"""The process that carries out errands: reads them from standard input, writes what came of each to standard output.

A frame is its length in LENGTH bytes and MessagePack. It keeps nothing, opens no file and ends when the input does.
"""

from __future__ import annotations

import os
import signal
import sys

import msgspec

from onmaru.fhir.outcome import Invalid, Issue
from onmaru.kernel.errand import Admit, Admitted, Open, Opened, Refused, Relink, Relinked

LENGTH = 8
Task = Admit | Open | Relink
Reply = Admitted | Opened | Relinked | Refused


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
    while head := source.read(LENGTH):
        reply = encode(done(decode(source.read(int.from_bytes(head, "big")))))
        sink.write(len(reply).to_bytes(LENGTH, "big"))
        sink.write(reply)
        sink.flush()


if __name__ == "__main__":
    run()
