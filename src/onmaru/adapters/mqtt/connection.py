"""A connection to an MQTT broker, begun again whenever it is lost. Its law: a silence longer than agreed is a loss."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import msgspec

from onmaru.adapters.mqtt import packets
from onmaru.adapters.mqtt.packets import FAILED, Buffer, Malformed, Packet

log = logging.getLogger("onmaru.doors")
# Seconds for which the broker keeps the session; messages that may be under way; seconds between signs of life
SESSION, UNDER_WAY, ALIVE = 86_400, 2_000, 10
# Seconds that connecting may take, and pauses between tries
PATIENCE, AGAIN, AT_MOST = 10.0, 0.5, 5.0
# No message of a device is as long; one that is ends the connection rather than the memory
LONGEST = 4 << 20
RECEIVE_MAXIMUM = 65_535
Told = Callable[[str], None]


class Broker(msgspec.Struct, frozen=True):
    """`address`: `mqtt://host:port` or `mqtts://host:port`; `password` and `authorities` name files, "" none."""

    address: str
    topic: str
    client: str = "onmaru"
    user: str = ""
    password: str = ""
    authorities: str = ""


class Connection(asyncio.Protocol):
    """One TCP connection. `hello`: the CONNECT; `began` is told, once the broker took us, how many messages it takes at a
    time without acknowledging; `heard` is given each packet after that.
    """

    def __init__(self, hello: bytes, began: Callable[[Connection, int], None], heard: Callable[[Packet], None]) -> None:
        self._hello, self._began, self._heard = hello, began, heard
        self._buffer = Buffer(LONGEST)
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._open = False
        self.over: asyncio.Future[str] = self._loop.create_future()

    def write(self, data: bytes) -> None:
        """Send packets; nothing where the connection is lost."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def end(self, why: str) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()
        if not self.over.done():
            self.over.set_result(why)

    async def alive(self) -> None:
        """Send signs of life until it is over; one that is not answered ends it (3.1.2.10)."""
        while not self.over.done():
            await asyncio.wait([self.over], timeout=ALIVE / 2)
            self.write(packets.packet(packets.PINGREQ, 0))
            if self._loop.time() - self._last > ALIVE * 1.5:
                self.end("the broker is silent")

    # -- called by the loop --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who we are."""
        self._transport = cast(asyncio.Transport, transport)
        self.write(self._hello)

    def data_received(self, data: bytes) -> None:
        """Hand on every whole packet."""
        self._last = self._loop.time()
        try:
            for one in self._buffer.feed(data):
                self._take(one)
        except Malformed as error:
            self.end(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.end("the connection was lost")

    def _take(self, one: Packet) -> None:
        if one.kind == packets.CONNACK and not self._open:
            reason, said = packets.connected(one.body)
            if reason >= FAILED:
                self.end(f"the broker refuses the connection: reason {reason}")
                return
            self._open = True
            self._began(self, said.get(packets.RECEIVE_MAXIMUM, RECEIVE_MAXIMUM))
        elif one.kind == packets.DISCONNECT:
            reason = one.body[0] if one.body else 0
            self.end(f"the broker ended the connection: reason {reason}")
        elif self._open and one.kind != packets.PINGRESP:
            self._heard(one)
        elif not self._open:
            raise Malformed("the broker speaks before it took the connection")


class Line:
    """Connections one after the other until `stop`. `told` is given live or down."""

    def __init__(
        self,
        broker: Broker,
        began: Callable[[Connection, int], None],
        heard: Callable[[Packet], None],
        told: Told,
    ) -> None:
        self._broker, self._began, self._heard, self._told = broker, began, heard, told
        self._now: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._said = ""

    def start(self) -> None:
        """Connect, and again whenever the connection is lost."""
        self._task = asyncio.create_task(self._kept())

    async def stop(self) -> None:
        """Disconnect; what was not acknowledged comes again."""
        if self._now is not None:
            self._now.write(packets.packet(packets.DISCONNECT, 0, b"\0"))
            self._now.end("")
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _kept(self) -> None:
        pause = AGAIN
        while True:
            why, lasted = await self._one()
            self._told("down")
            if why and why != self._said:
                # Once for each reason: a broker that is away for a day is one line, not thousands
                log.error("MQTT: %s", why)
            self._said = why
            pause = AGAIN if lasted else min(2 * pause, AT_MOST)
            await asyncio.sleep(pause)

    async def _one(self) -> tuple[str, bool]:
        """One connection to its end: why it ended, and whether the broker had taken it."""
        where = urlsplit(self._broker.address)
        taken = False

        def began(connection: Connection, most: int) -> None:
            nonlocal taken
            taken, self._said = True, ""
            self._told("live")
            self._began(connection, most)

        try:
            context = _context(self._broker) if where.scheme == "mqtts" else None
            hello = _hello(self._broker)
            async with asyncio.timeout(PATIENCE):
                _, self._now = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(hello, began, self._heard),
                    where.hostname or "127.0.0.1",
                    where.port or (8883 if context else 1883),
                    ssl=context,
                )
        except (OSError, TimeoutError) as error:
            return f"the broker cannot be reached: {type(error).__name__}", False
        signs = asyncio.create_task(self._now.alive())
        try:
            return await self._now.over, taken
        finally:
            signs.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await signs
            self._now = None


def _context(broker: Broker) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=broker.authorities or None)


def _hello(broker: Broker) -> bytes:
    password = Path(broker.password).expanduser().read_text("utf-8").strip() if broker.password else ""
    login = (broker.user, password) if broker.user else None
    return packets.connect(broker.client, ALIVE, SESSION, UNDER_WAY, login)
