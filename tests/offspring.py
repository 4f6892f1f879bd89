"""`onmaru` as a process of its own that begins at once: forked from one that has imported the program beforehand.

Its one law: the child is a real process and the caller's own, signalled, killed, waited for and measured like any other;
only the start of Python, the imports and what is the same in every process are spared. That those work too is what
tests of the launcher, the first walk and the demo show, with processes that are started in full.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import inspect
import json
import mimetypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

SRC = Path(__file__).resolve().parents[1] / "src"
LARGEST = 1 << 20
# prctl(2): whoever is orphaned below this process becomes its child
SUBREAPER = 36
# Commands that bring along more than the program: they are imported by whoever asks for them
SELDOM = frozenset({"bench", "docs", "prove", "test"})
# What `subprocess` calls the ends of its pipes
PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


class Onmaru(subprocess.Popen[Any]):
    """`onmaru ARGS`; everything else is as with `subprocess.Popen`."""

    def __init__(self, args: Sequence[str], **how: Any) -> None:
        self._asked = list(args)
        super().__init__([sys.executable, "-m", "onmaru.app", *args], **how)

    def _execute_child(self, *given: Any) -> None:
        nursery = _nursery()
        if nursery is None:
            super()._execute_child(*given)  # type: ignore[misc]
            return
        how = inspect.signature(subprocess.Popen._execute_child).bind(self, *given).arguments  # type: ignore[attr-defined]
        streams = [
            how[name] if how[name] != -1 else number for number, name in enumerate(("p2cread", "c2pwrite", "errwrite"))
        ]
        environ = dict(os.environ if how["env"] is None else how["env"])
        asked = {
            "args": self._asked,
            "environ": environ,
            "folder": str(how["cwd"] or Path.cwd()),
            "session": how["start_new_session"],
        }
        socket.send_fds(nursery.line, [json.dumps(asked).encode()], streams)
        self.pid = int(nursery.line.recv(64))
        self._child_created = True
        self._close_pipe_fds(*(how[name] for name in PIPES))  # type: ignore[attr-defined]


def ran(
    args: Sequence[str], *, input: Any = None, timeout: float = 120, **how: Any
) -> subprocess.CompletedProcess[Any]:
    """`onmaru ARGS` to its end, as with `subprocess.run` and both outputs kept."""
    given = subprocess.DEVNULL if input is None else subprocess.PIPE
    with Onmaru(args, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how) as process:
        try:
            out, err = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(args, process.returncode, out, err)


class Nursery(NamedTuple):
    """The process that forks, and the line on which it is asked to."""

    line: socket.socket
    process: subprocess.Popen[bytes]


@cache
def _nursery() -> Nursery | None:
    """Begun when it is first needed, gone with this process; None where an orphan cannot be adopted."""
    if not sys.platform.startswith("linux") or ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0):
        return None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        argv = [sys.executable, __file__, str(theirs.fileno())]
        environ = {**os.environ, "PYTHONPATH": str(SRC)}
        return Nursery(ours, subprocess.Popen(argv, env=environ, pass_fds=[theirs.fileno()], cwd="/"))


# -- in the process that forks -------------------------------------------------------------------------------------------


def imported() -> None:
    """Import what commands and the server need."""
    from onmaru.app import cli, rooms

    for name, (place, _) in cli.COMMANDS.items():
        if name not in SELDOM:
            importlib.import_module(place.partition(":")[0])
    importlib.import_module(cli.HALL_OPENER.partition(":")[0])
    rooms.all_rooms()


def warmed() -> None:
    """Make what every server makes anew: how Structs are read, the search parameters, and the commonest resource."""
    from light import lighten
    from onmaru.app.described import describe
    from onmaru.fhir.search import extract, parameters
    from onmaru.fhir.structure import RESOURCE_TYPES, admit
    from onmaru.web.fhir.surface import FIRST

    describe()
    for type in RESOURCE_TYPES:
        parameters(type)
    extract(admit(FIRST)[1])
    mimetypes.init()
    lighten()


def nurse(line: socket.socket) -> Mapping[str, Any] | None:
    """Fork for whoever asks; in the child, what it shall be. None once nobody asks any more."""
    while True:
        raw, streams, _, _ = socket.recv_fds(line, LARGEST, 3)
        if not raw:
            return None
        told, tell = os.pipe()
        between = os.fork()
        if not between:
            pid = os.fork()
            if not pid:
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                return dict(json.loads(raw))
            os.write(tell, str(pid).encode())
            os._exit(0)
        os.waitpid(between, 0)
        line.send(os.read(told, 64))
        for number in (*streams, told, tell):
            os.close(number)


def become(asked: Mapping[str, Any]) -> None:
    """Be the process that was asked for, with no more open than its three streams."""
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    if asked["session"]:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    sys.argv[1:] = asked["args"]
    from onmaru.app.cli import main

    main()


if __name__ == "__main__":
    # Ctrl-C is for whoever asks
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = socket.socket(fileno=int(sys.argv[1]))
    imported()
    warmed()
    gc.freeze()
    # What is frozen is never let go, so that a child need not look through all of it at its end; DuckDB counts its objects
    # then, and would tell of leaks
    importlib.import_module("duckdb")
    asked = nurse(line)
    if asked is not None:
        line.detach()
        become(asked)
