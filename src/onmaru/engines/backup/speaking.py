"""A repository behind a command, such as `ssh backup@vault onmaru backup keep /srv/onmaru`: it can be added to and read.

Who keeps it runs as another user, best on another machine: whoever takes this house over can still not change or remove
what lies there. Frames are four bytes of length and so many bytes; an empty frame ends a sequence.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import IO, Literal

import msgspec

from onmaru.engines.backup.repository import CHUNK, PLAIN, Folder, Misnamed

LONGEST = CHUNK + 1024
DONE, THERE, MISSING, REFUSED = "done", "there", "missing", "refused"


class Wish(msgspec.Struct, frozen=True):
    """One request; `put` is followed by the object's pieces."""

    verb: Literal["put", "get", "names"]
    name: str


class Unheard(OSError):
    """The keeper of the repository cannot be reached, or said what was not understood."""


class Spoken:
    """The `Repository` at the other end of a command's pipes. One request at a time."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._process = subprocess.Popen(list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603  the operator's own setting

    def put(self, name: str, data: Iterable[bytes]) -> bool:
        """See `Repository`."""
        self._ask("put", name)
        for piece in data:
            for at in range(0, len(piece), CHUNK):
                self._send(piece[at : at + CHUNK])
        self._send(b"")
        answer = self._hear().decode()
        if answer not in (DONE, THERE):
            raise Unheard(f"the keeper did not take an object: {answer[:40]}")
        return answer == DONE

    def get(self, name: str) -> Iterator[bytes]:
        """See `Repository`."""
        self._ask("get", name)
        if self._hear().decode() != DONE:
            raise FileNotFoundError(name)
        while piece := self._hear():
            yield piece

    def names(self, folder: str) -> Sequence[str]:
        """See `Repository`."""
        self._ask("names", folder)
        found = []
        while name := self._hear():
            found.append(name.decode("ascii", "replace"))
        # Names become paths here: the vault may be in other hands
        if not all(PLAIN.fullmatch(name) for name in found):
            raise Unheard("the keeper of the repository tells of names that no object has")
        return found

    def close(self) -> None:
        """Let the keeper go."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _ask(self, verb: Literal["put", "get", "names"], name: str) -> None:
        self._send(msgspec.msgpack.encode(Wish(verb, name)))

    def _send(self, frame: bytes) -> None:
        sink = self._process.stdin
        if sink is None:
            raise Unheard("no pipe")
        try:
            say(sink, frame)
        except OSError as error:
            raise Unheard("the keeper of the repository has left") from error

    def _hear(self) -> bytes:
        source = self._process.stdout
        frame = None if source is None else hear(source)
        if frame is None:
            raise Unheard("the keeper of the repository has left")
        return frame


def keep(folder: Folder, source: IO[bytes], sink: IO[bytes]) -> None:
    """Serve one who backs up until they leave. There is no word for changing or removing anything."""
    while (frame := hear(source)) is not None:
        try:
            wish = msgspec.msgpack.decode(frame, type=Wish)
        except msgspec.MsgspecError:
            return
        {"put": _put, "get": _get, "names": _names}[wish.verb](folder, wish.name, source, sink)


def _put(folder: Folder, name: str, source: IO[bytes], sink: IO[bytes]) -> None:
    pieces = _pieces(source)
    try:
        said = DONE if folder.put(name, pieces) else THERE
    except Misnamed:
        said = REFUSED
    for _ in pieces:  # what was not taken is still on its way
        pass
    say(sink, said.encode())


def _get(folder: Folder, name: str, source: IO[bytes], sink: IO[bytes]) -> None:
    try:
        pieces = folder.get(name)
        first = next(pieces, b"")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, Misnamed):
        say(sink, MISSING.encode())
        return
    say(sink, DONE.encode())
    for piece in chain([first] if first else [], pieces):
        say(sink, piece)
    say(sink, b"")


def _names(folder: Folder, name: str, source: IO[bytes], sink: IO[bytes]) -> None:
    try:
        found = folder.names(name)
    except Misnamed:
        found = ()
    for one in found:
        say(sink, one.encode())
    say(sink, b"")


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    """The frames of one object. One that is cut off is no object."""
    while True:
        frame = hear(source)
        if frame is None:
            raise Unheard("whoever was backing up has left")
        if not frame:
            return
        yield frame


def say(sink: IO[bytes], frame: bytes) -> None:
    """Write one frame."""
    sink.write(len(frame).to_bytes(4, "big") + frame)
    sink.flush()


def hear(source: IO[bytes]) -> bytes | None:
    """One frame; None at the end, or where what comes is no frame."""
    head = source.read(4)
    length = int.from_bytes(head, "big")
    if len(head) < 4 or length > LONGEST:
        return None
    frame = source.read(length)
    return frame if len(frame) == length else None


def found(address: str) -> Folder | Spoken:
    """The repository at an address: a folder, or `command:` and a command line."""
    if address.startswith("command:"):
        return Spoken(shlex.split(address.removeprefix("command:")))
    return Folder(Path(address).expanduser())
