"""A second process that hears HL7 v2 messages while the home loop writes those before them. It keeps nothing that counts.

It also makes the rows of what was written for the hot tables. `python -m onmaru.app.hearing` talks over the socket on its
standard input: a frame is its length in 4 bytes and MessagePack. After an empty frame when it is ready it answers each
frame with one, in order; an empty one tells nothing. The first message starts it: a house that hears none pays nothing.
When it ends, however it ends, messages are read on the home loop until another stands ready; when the home process ends,
the socket closes and it ends too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import cast

import msgspec

from onmaru.adapters.hl7v2.evidence import INLINE
from onmaru.adapters.hl7v2.heard import Heard
from onmaru.adapters.hl7v2.hearing import Hearing
from onmaru.app.calm import calm
from onmaru.app.fresh import new_id
from onmaru.app.rooms import all_rooms
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Projection, Row

# Seconds without an answer after which the process is given up, and after which another one is started
PATIENCE = 10.0
PAUSE = 1.0
_LENGTH = struct.Struct("<I")
_encode = msgspec.msgpack.Encoder().encode
_heard = msgspec.msgpack.Decoder(Heard).decode
_rows = msgspec.msgpack.Decoder(list[tuple[int, list[Row]]]).decode
Turn = tuple["asyncio.Future[bytes]", bool]


class Hear(msgspec.Struct, tag=True, array_like=True):
    """One message; `zone` is that of times without one."""

    zone: str
    data: bytes


class Follow(msgspec.Struct, tag=True, array_like=True):
    """The rows of these versions in a projection of the house's own rooms."""

    projection: str
    versions: Sequence[Version]


_asked = msgspec.msgpack.Decoder(Hear | Follow).decode


class Ear(asyncio.Protocol):
    """The process, seen from the home loop. Whoever asks is answered in the order of asking, also where nothing is told."""

    def __init__(self) -> None:
        self._waiting: deque[Turn] = deque()
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._kept = b""
        self._ready = asyncio.Event()
        self._closed = False
        self._answers = 0
        self._watch: asyncio.TimerHandle | None = None
        self._again: asyncio.Task[None] | None = None

    @property
    def process(self) -> int:
        """The process's id, 0 when there is none."""
        return self._process.pid if self._process is not None and self._ready.is_set() else 0

    async def start(self) -> None:
        """Start the process; it is asked as soon as it is ready."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "onmaru.app.hearing"], stdin=theirs.fileno(), stdout=subprocess.DEVNULL
            )
        ours.setblocking(False)
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)

    async def ready(self) -> None:
        """Return once the process can be asked."""
        await self._ready.wait()

    async def hear(self, data: bytes, zone: str) -> Heard | None:
        """What is told of a message once its turn has come; None where it has to be read here.

        Who hears the first message of all starts the process, and waits for nobody.
        """
        if self._process is None and self._again is None and not self._closed:
            self._again = asyncio.ensure_future(self.start())
        asked = self._ready.is_set() and len(data) <= INLINE
        if not (asked or self._waiting):
            return None
        answer = await self._turn(Hear(zone, data) if asked else None)
        return _heard(answer) if answer else None

    async def rows(self, projection: str, versions: Sequence[Version]) -> Mapping[int, Sequence[Row]]:
        """The rows of versions, by position; none where they have to be made here."""
        answer = await self._turn(Follow(projection, versions)) if self._ready.is_set() else b""
        return dict(_rows(answer)) if answer else {}

    async def _turn(self, ask: Hear | Follow | None) -> bytes:
        """The answer, b"" where there is none; None only waits for its turn."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bytes] = loop.create_future()
        self._waiting.append((turn, ask is not None))
        if ask is not None and self._transport is not None:
            frame = _encode(ask)
            self._transport.write(_LENGTH.pack(len(frame)) + frame)
            if self._watch is None:
                self._watch = loop.call_later(PATIENCE, self._look, self._answers)
        return await turn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Answers, whole or in part."""
        self._kept, frames = _cut(self._kept + data)
        for frame in frames:
            if not self._ready.is_set():
                self._ready.set()
                continue
            self._answers += 1
            self._pass_over()
            if self._waiting:
                _tell(self._waiting.popleft(), frame)
        self._pass_over()

    def _pass_over(self) -> None:
        """Those whose turn it is and who did not ask."""
        while self._waiting and not self._waiting[0][1]:
            _tell(self._waiting.popleft(), b"")

    def _look(self, answers: int) -> None:
        """Give the process up when it has not answered at all for so long."""
        self._watch = None
        if not self._waiting:
            return
        if self._answers == answers:
            self._end()
        else:
            self._watch = asyncio.get_running_loop().call_later(PATIENCE, self._look, self._answers)

    def connection_lost(self, error: Exception | None) -> None:
        """The process has ended: whoever waits is told nothing, and another one is started."""
        self._ready.clear()
        self._transport, self._kept = None, b""
        while self._waiting:
            _tell(self._waiting.popleft(), b"")
        self._end()
        if not self._closed:
            self._again = asyncio.ensure_future(self._restart())

    async def _restart(self) -> None:
        await asyncio.sleep(PAUSE)
        await self.start()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """End the process with all that it remembers of messages; another one is started."""
        if self._ready.is_set():
            self._end()

    async def close(self) -> None:
        """End the process for good."""
        self._closed = True
        if self._again is not None:
            self._again.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await self._again
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)
        self._end()


def worth() -> bool:
    """Whether there is another core for a second process."""
    return len(os.sched_getaffinity(0)) > 1


def _tell(turn: Turn, frame: bytes) -> None:
    if not turn[0].done():
        turn[0].set_result(frame)


def _cut(kept: bytes) -> tuple[bytes, list[bytes]]:
    """Whole frames off the front of what came, and the rest."""
    frames, at = [], 0
    while len(kept) - at >= _LENGTH.size:
        end = at + _LENGTH.size + _LENGTH.unpack_from(kept, at)[0]
        if end > len(kept):
            break
        frames.append(kept[at + _LENGTH.size : end])
        at = end
    return kept[at:], frames


def _frames(line: socket.socket) -> Iterator[bytes]:
    """Frames until the other end closes."""
    kept = b""
    while part := line.recv(1 << 18):
        kept, frames = _cut(kept + part)
        yield from frames


def told(hearing: Hearing, frame: bytes) -> bytes:
    """The answer to one frame; a defect of ours tells nothing, so that the home loop finds and reports it."""
    ask = _asked(frame)
    try:
        if isinstance(ask, Follow):
            return _encode(_followed(ask))
        heard = hearing.hear(ask.data, ask.zone)
    except Exception:  # noqa: BLE001 - nothing of what was asked may be told but to the home loop
        heard = None
    return b"" if heard is None else _encode(heard)


@cache
def _projections() -> Mapping[str, Projection]:
    return {projection.name: projection for room in all_rooms() for projection in room.projections}


def _followed(ask: Follow) -> list[tuple[int, Sequence[Row]]]:
    made = _projections()[ask.projection].apply(ask.versions)
    return [(version.t, rows) for version, rows in made]


def main() -> None:
    """Hear each message that comes on standard input; end as soon as that is closed."""
    # Ctrl-C reaches this process too: the home process ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = socket.socket(fileno=0)
    hearing = Hearing(new_id)
    calm()
    with contextlib.suppress(ConnectionError):
        line.sendall(_LENGTH.pack(0))
        for frame in _frames(line):
            answer = told(hearing, frame)
            line.sendall(_LENGTH.pack(len(answer)) + answer)
    os._exit(0)


if __name__ == "__main__":
    main()
