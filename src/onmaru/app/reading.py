"""A second process that makes files ready while the loader writes those before them. It keeps nothing and writes nowhere.

`python -m onmaru.app.reading` takes one frame (links, paths) and answers with a frame a file, in order; an empty one tells
nothing of its file. A frame is its length in 8 bytes and MessagePack. When the process ends early the loader goes on alone;
when the loader ends, however it ends, its pipe closes and the process ends too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec

from onmaru.adapters.ahead import Told, tell
from onmaru.app.calm import calm
from onmaru.app.fresh import new_id
from onmaru.fhir.outcome import Invalid

AHEAD = 2
PIPE = 1 << 20
# Below this many bytes the second process is not up before the first has done the work itself.
WORTH = 2 << 20
_LENGTH = struct.Struct("<Q")
_told = msgspec.msgpack.Decoder(Told)


class _Task(msgspec.Struct, array_like=True):
    links: dict[str, str]
    paths: list[str]


class Reading:
    """What is told of each of `files`, in their order; at most a few files ahead, so that memory stays bounded."""

    def __init__(self, files: Sequence[Path], links: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "onmaru.app.reading"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        given, taken = self._process.stdin, self._process.stdout
        if given is None or taken is None:
            raise RuntimeError("a process without pipes")
        self._given, self._taken = given, taken
        self._frames: queue.Queue[bytes | None] = queue.Queue(AHEAD)
        self._over = threading.Event()
        task = msgspec.msgpack.encode(_Task(links, [str(file) for file in files]))
        self._thread = threading.Thread(target=self._drain, args=(task,), daemon=True)
        self._thread.start()

    def told(self) -> Told | None:
        """What is told of the next file; None when nothing is."""
        if self._over.is_set():
            return None
        frame = self._frames.get()
        if frame is None:
            self._over.set()
        return _told.decode(frame) if frame else None

    def close(self) -> None:
        """End the process; what it still had to tell is not needed."""
        self._over.set()
        self._process.kill()
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._frames.get(timeout=0.05)
        self._process.wait()
        with contextlib.suppress(OSError):
            self._given.close()

    def _drain(self, task: bytes) -> None:
        """Take the frames off the pipe, so that the process is never kept waiting for the loader to look."""
        with contextlib.suppress(OSError), self._taken:
            fcntl.fcntl(self._taken.fileno(), fcntl.F_SETPIPE_SZ, PIPE)
            # It stays open: that it closes tells the process that nobody listens any more.
            _put(self._given, task)
            self._given.flush()
            for frame in _frames(self._taken):
                self._frames.put(frame)
        self._frames.put(None)


def worth(files: Sequence[Path]) -> bool:
    """Whether a second process would save time: another core, and work enough for both."""
    return len(files) > 1 and (os.cpu_count() or 1) > 1 and sum(file.stat().st_size for file in files) > WORTH


def _put(pipe: IO[bytes], frame: bytes) -> None:
    pipe.write(_LENGTH.pack(len(frame)) + frame)


def _frames(pipe: IO[bytes]) -> Iterator[bytes]:
    """Frames until the other end closes; half a frame is none."""
    while len(head := pipe.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        frame = pipe.read(length)
        if len(frame) < length:
            return
        yield frame


def main() -> None:
    """Tell of each file named in the task on standard input; end as soon as that is closed."""
    # Ctrl-C reaches this process too: the loader ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calm()
    first = next(_frames(sys.stdin.buffer), None)
    if first is None:
        return
    task = msgspec.msgpack.decode(first, type=_Task)
    threading.Thread(target=_end_with_the_loader, daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        _tell_all(task)
    os._exit(0)


def _end_with_the_loader() -> None:
    """Wait for the end of standard input, which has nothing more to say."""
    while os.read(0, 1):
        pass
    os._exit(0)


def _tell_all(task: _Task) -> None:
    for path in task.paths:
        told: Told | None = None
        with contextlib.suppress(Invalid, OSError):
            told = tell(Path(path).read_bytes(), task.links, new_id)
        _put(sys.stdout.buffer, b"" if told is None else msgspec.msgpack.encode(told))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
