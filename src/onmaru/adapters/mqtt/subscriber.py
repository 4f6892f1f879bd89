"""Messages from a broker at QoS 1. Its law: PUBACK follows `done`, never the other way round.

The session outlives the connection, so that the broker keeps what comes while the house is away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from onmaru.adapters.mqtt import packets
from onmaru.adapters.mqtt.connection import Broker, Connection, Line, Told
from onmaru.adapters.mqtt.packets import FAILED, Packet

log = logging.getLogger("onmaru.doors")
SUBSCRIBING = 1


class Done(Protocol):
    """To be called once a message is on the disk, or with the reason code for which it never will be."""

    def __call__(self, reason: int = 0) -> object: ...


Take = Callable[[str, bytes, Done], None]


class Subscriber:
    """Takes what the broker has for its topic. `take` is given each message's topic and bytes with what to call once it is
    on the disk. `told` is given live or down.
    """

    def __init__(self, broker: Broker, take: Take, told: Told) -> None:
        self._broker, self._take, self._told = broker, take, told
        self._line = Line(broker, self._began, self._heard, self._heard_of)
        self._loop = asyncio.get_running_loop()
        self._now: Connection | None = None
        self._acks: list[bytes] = []

    def start(self) -> None:
        """Connect, and again whenever the connection is lost."""
        self._line.start()

    async def stop(self) -> None:
        """Disconnect; what was not acknowledged comes again."""
        await self._line.stop()

    def _began(self, connection: Connection, most: int) -> None:
        self._now = connection
        self._acks.clear()
        connection.write(packets.subscribe(self._broker.topic, SUBSCRIBING))

    def _heard_of(self, state: str) -> None:
        if state == "down":
            self._now = None
            self._told(state)

    def _heard(self, one: Packet) -> None:
        if one.kind == packets.SUBACK:
            reason = packets.subscribed(one.body)
            if reason >= FAILED:
                log.error("MQTT: the broker refuses the topic: reason %d", reason)
            self._told("down" if reason >= FAILED else "live")
        elif one.kind == packets.PUBLISH:
            said = packets.published(one.flags, one.body)
            self._take(said.topic, said.payload, self._acknowledging(said.number))

    def _acknowledging(self, number: int) -> Done:
        # A packet's number is the broker's for one connection alone
        connection = self._now

        def done(reason: int = 0) -> None:
            if number and connection is self._now:
                if not self._acks:
                    # Those of one round of the disk go out together
                    self._loop.call_soon(self._acknowledge)
                self._acks.append(packets.puback(number, reason))

        return done

    def _acknowledge(self) -> None:
        if self._now is not None:
            self._now.write(b"".join(self._acks))
        self._acks.clear()
