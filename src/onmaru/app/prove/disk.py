"""A disk that forgets: replays a trace of system calls and keeps of every file only what a sync had covered.

Its one law is pessimism: a write counts when its file was synced afterwards, a name when its folder was.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CALLS = "openat,close,write,pwrite64,fsync,fdatasync,ftruncate,rename,unlink,unlinkat,mkdir,dup,dup2,fcntl"
_LINE = re.compile(rb"^\d+\s+(\w+)\((.*)\)\s+= (-?\d+)")
_STRING = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


class Call(NamedTuple):
    """One system call that succeeded: its strings decoded, its other arguments as numbers where they are numbers."""

    name: str
    strings: tuple[bytes, ...]
    numbers: tuple[int, ...]
    result: int


def trace(argv: Sequence[str], folder: Path, log: Path) -> list[Call]:
    """Run a command under strace and give its calls in order; `folder` is where its files lie."""
    options = ["-f", "-xx", "-s", "4000000", "-o", str(log), "-e", f"trace={CALLS}"]
    subprocess.run(["strace", *options, *argv], check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607
    calls = []
    unfinished: dict[bytes, bytes] = {}
    with log.open("rb") as lines:
        for line in lines:
            whole = _whole(line, unfinished)
            found = _LINE.match(whole) if whole else None
            if found and int(found[3]) >= 0:
                calls.append(_call(found))
    return calls


def _whole(line: bytes, unfinished: dict[bytes, bytes]) -> bytes:
    """Put together what strace split because another thread came between; b"" until it is whole."""
    thread = line.split(b" ", 1)[0]
    if line.rstrip().endswith(b"<unfinished ...>"):
        unfinished[thread] = line.rstrip().removesuffix(b"<unfinished ...>")
        return b""
    resumed = re.match(rb"^\d+\s+<\.\.\. \w+ resumed>(.*)", line)
    return unfinished.pop(thread, b"") + resumed[1] if resumed else line


def _call(found: re.Match[bytes]) -> Call:
    arguments = found[2]
    strings = tuple(bytes.fromhex(one[1].replace(b"\\x", b"").decode()) for one in _STRING.finditer(arguments))
    rest = _STRING.sub(b"", arguments)
    numbers = tuple(int(one) for one in re.findall(rb"(?<![\w.])-?\d+(?![\w.])", rest))
    return Call(found[1].decode(), strings, numbers, int(found[3]))


class File:
    """What was written, and what of it a sync has covered (None: nothing yet)."""

    def __init__(self) -> None:
        self.now = bytearray()
        self.safe: bytes | None = None


class Disk:
    """The files below one folder."""

    def __init__(self, folder: Path) -> None:
        self._root = str(folder).encode()
        self._names: dict[bytes, File] = {}
        self._safe_names: dict[bytes, File] = {}
        self._open: dict[int, tuple[bytes, File | None, int]] = {}

    def play(self, calls: Sequence[Call]) -> bytes:
        """Apply calls in order; what the process had said on standard output by then."""
        said = bytearray()
        for call in calls:
            if call.name == "write" and call.numbers[:1] == (1,):
                said += call.strings[0]
            else:
                getattr(self, f"_{call.name}", self._nothing)(call)
        return bytes(said)

    def put_back(self, target: Path) -> None:
        """Write what survived the cut into `target`."""
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name, file in self._safe_names.items():
            if not name.endswith(b"-shm"):
                path = target / name[len(self._root) + 1 :].decode()
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.safe or b"")

    def _nothing(self, call: Call) -> None:
        """A call that changes no file."""

    def _openat(self, call: Call) -> None:
        name = call.strings[0]
        if not name.startswith(self._root):
            self._open.pop(call.result, None)
            return
        is_folder = Path(name.decode()).suffix == "" and name not in self._names and b"home.lock" not in name
        self._open[call.result] = (name, None if is_folder and not _is_file(name) else self._file(name), 0)

    def _file(self, name: bytes) -> File:
        return self._names.setdefault(name, File())

    def _close(self, call: Call) -> None:
        self._open.pop(call.numbers[0], None)

    def _pwrite64(self, call: Call) -> None:
        _, file, _ = self._open.get(call.numbers[0], (b"", None, 0))
        if file is not None:
            _put(file, call.strings[0][: call.result], call.numbers[-1])

    def _write(self, call: Call) -> None:
        name, file, at = self._open.get(call.numbers[0], (b"", None, 0))
        if file is not None:
            _put(file, call.strings[0][: call.result], at)
            self._open[call.numbers[0]] = (name, file, at + call.result)

    def _ftruncate(self, call: Call) -> None:
        _, file, _ = self._open.get(call.numbers[0], (b"", None, 0))
        if file is not None:
            size = call.numbers[1]
            file.now = file.now[:size] + bytearray(max(0, size - len(file.now)))

    def _fsync(self, call: Call) -> None:
        name, file, _ = self._open.get(call.numbers[0], (b"", None, 0))
        if file is not None:
            file.safe = bytes(file.now)
        elif name:
            self._sync_folder(name)

    _fdatasync = _fsync

    def _sync_folder(self, folder: bytes) -> None:
        """Names in a folder become what they are now."""
        for name in list(self._safe_names):
            if name.rpartition(b"/")[0] == folder:
                del self._safe_names[name]
        self._safe_names.update({n: f for n, f in self._names.items() if n.rpartition(b"/")[0] == folder})

    def _rename(self, call: Call) -> None:
        old, new = call.strings
        if old in self._names:
            self._names[new] = self._names.pop(old)

    def _unlink(self, call: Call) -> None:
        self._names.pop(call.strings[-1], None)

    _unlinkat = _unlink


def _put(file: File, data: bytes, at: int) -> None:
    if len(file.now) < at:
        file.now += bytearray(at - len(file.now))
    file.now[at : at + len(data)] = data


def _is_file(name: bytes) -> bool:
    """Our files' names have an ending; folders' have none."""
    return b"." in name.rpartition(b"/")[2]
