"""The running server's own door for the command line: a socket in the home that only the same user of this machine can use.

A room's command runs in a thread with a Hall of its own; what touches the record is done on the loop that keeps it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from onmaru.app.keeper import Keeper
from onmaru.app.keeping import at_the_keyboard
from onmaru.app.opening import caller_for
from onmaru.app.refusal import Refusal, verdict
from onmaru.app.running import Running
from onmaru.kernel.lake import Answer, View
from onmaru.kernel.room import Command, Hall
from onmaru.kernel.tasks import TaskJobs
from onmaru.kernel.tenancy import Act

NAME = "control.sock"
# What the system allows for the path of a socket
PATH_AT_MOST = 100
_PEER = struct.Struct("3i")
log = logging.getLogger("onmaru")


class Asked(msgspec.Struct, frozen=True):
    """One command of a room, as it was typed; or what is to be done to a tenant, and then of no room."""

    room: str
    command: str
    tenant: str
    user: str
    args: dict[str, str] = {}
    act: Act | None = None


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of what the command said, or its end: an exit status, with a reason where it was refused."""

    line: dict[str, Any] | None = None
    status: int | None = None
    reason: str = ""


class Unserved(Refusal):
    """No running server of this home takes commands."""


class Control:
    """Listens while the server runs."""

    def __init__(self, running: Running, keeper: Keeper) -> None:
        self._running = running
        self._keeper = keeper
        self._path = running.house.where.home / NAME
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; whoever holds the home may take the place of a socket that was left behind."""
        if len(str(self._path)) > PATH_AT_MOST:
            log.warning("the path of the home is too long for a socket: commands are refused while this server runs")
            return
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._answer, self._path)
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _peer(writer) == os.getuid():
                asked = msgspec.json.decode(await reader.readline(), type=Asked)
                writer.write(_line(await self._run(asked, writer)))
                await writer.drain()
        except (OSError, ValueError) as error:
            log.warning("a command was not heard: %s", type(error).__name__)
        finally:
            writer.close()

    async def _run(self, asked: Asked, writer: asyncio.StreamWriter) -> Said:
        loop = asyncio.get_running_loop()

        def say(line: Mapping[str, Any]) -> None:
            loop.call_soon_threadsafe(writer.write, _line(Said(line=dict(line))))

        try:
            if not asked.room:
                return Said(line=dict(await self._kept(asked)), status=0)
            command, hall = await self._opened(asked, loop)
            status = await asyncio.to_thread(command.run, hall, asked.args, say)
            await self._running.durable(asked.tenant, 0)
        except Exception as error:  # noqa: BLE001 - told as the command line itself would tell it
            reason, status = verdict(error)
            return Said(status=status, reason=reason)
        return Said(status=status)

    async def _kept(self, asked: Asked) -> Mapping[str, Any]:
        """What was done to a tenant, or is to be shown of it."""
        if asked.act is None:
            return self._keeper.shown(asked.tenant)
        return await self._keeper.do(at_the_keyboard(), asked.act)

    async def _opened(self, asked: Asked, loop: asyncio.AbstractEventLoop) -> tuple[Command, Hall]:
        """The command and its Hall, once the tables have followed what was written before."""
        house = self._running.house
        if not house.exists(asked.tenant):
            raise Refusal(f"there is no tenant {asked.tenant}; `onmaru tenant list` lists them")
        room = house.offers(asked.room)
        command = next((one for one in room.commands if one.name == asked.command), None) if room is not None else None
        if room is None or command is None:
            raise Refusal("the running server does not know this command; is it of another version?")
        hall = house.hall(caller_for(house, command, asked.tenant, asked.user), room.name)
        await self._running.motion(asked.tenant).caught_up()
        record: Any = OnLoop(hall.record, loop)
        hot = frozenset(house.seat(asked.tenant).hot.tables)
        lake: Any = ThreadLake(hall.lake, loop, hot)
        return command, msgspec.structs.replace(hall, record=record, jobs=TaskJobs(record), lake=lake)


class OnLoop:
    """A Record for a thread: each call is made on the loop."""

    def __init__(self, record: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._record = record
        self._loop = loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **more: on_loop(self._loop, lambda: getattr(self._record, name)(*args, **more))

    def at(self, t: int) -> OnLoop:
        """The record at a position, for the same thread."""
        return OnLoop(on_loop(self._loop, lambda: self._record.at(t)), self._loop)


class ThreadLake:
    """A Lake for a thread: columnar tables are read in it, hot ones on the loop, whose connection they lie behind."""

    def __init__(self, lake: Any, loop: asyncio.AbstractEventLoop, hot: frozenset[str]) -> None:
        self._lake = lake
        self._loop = loop
        self._hot = hot

    def query(self, view: View, params: Mapping[str, Any]) -> Answer:
        """See the Lake door."""
        if not self._hot.isdisjoint(view.tables):
            found: Answer = on_loop(self._loop, lambda: self._lake.query(view, params))
            return found
        compute, told = on_loop(self._loop, lambda: self._lake.asking(view, params))
        answer: Answer = compute()
        on_loop(self._loop, lambda: told(answer))
        return answer

    def at(self, t: int) -> ThreadLake:
        """The lake at a position, for the same thread."""
        return ThreadLake(on_loop(self._loop, lambda: self._lake.at(t)), self._loop, self._hot)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lake, name)


def on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], Any]) -> Any:
    """The result of a call made on the loop, for a thread that waits for it."""

    async def made() -> Any:
        return call()

    return asyncio.run_coroutine_threadsafe(made(), loop).result()


def ask(home: Path, asked: Asked, say: Callable[[Mapping[str, Any]], None]) -> int:
    """Have the running server of a home run a command: its exit status. Raises Refusal with the server's reason."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.connect(str(home / NAME))
        except OSError as error:
            raise Unserved("another process holds this tenant, and it takes no commands") from error
        line.sendall(msgspec.json.encode(asked) + b"\n")
        with line.makefile("rb") as answers:
            for raw in answers:
                said = msgspec.json.decode(raw, type=Said)
                if said.line is not None:
                    say(said.line)
                if said.reason:
                    raise Refusal(said.reason, said.status or 0)
                if said.status is not None:
                    return said.status
    raise Refusal("the running server ended before the command did")


def _line(said: Said) -> bytes:
    return msgspec.json.encode(said) + b"\n"


def _peer(writer: asyncio.StreamWriter) -> int:
    """The user at the other end."""
    told = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    uid: int = _PEER.unpack(told)[1]
    return uid
