"""Messages to a broker at QoS 1, as a device's gateway sends them. Its law: it keeps each until the broker has taken it."""

from __future__ import annotations

from collections import deque

from onmaru.adapters.mqtt import packets
from onmaru.adapters.mqtt.connection import Broker, Connection, Line
from onmaru.adapters.mqtt.packets import FAILED, Packet

NUMBERS = 65_535


class Publisher:
    """Sends to its broker's topic. `taken` counts what the broker acknowledged, `refused` what it said no to."""

    def __init__(self, broker: Broker) -> None:
        self._topic = packets.text(broker.topic)
        self._line = Line(broker, self._began, self._heard, self._heard_of)
        self._now: Connection | None = None
        self._most = 0
        self._number = 0
        self._queue: deque[bytes] = deque()
        # In the order in which they were sent
        self._under_way: dict[int, bytes] = {}
        self.taken = self.refused = self.lost = 0

    @property
    def waiting(self) -> int:
        """How many messages the broker has not yet taken."""
        return len(self._queue) + len(self._under_way)

    def start(self) -> None:
        """Connect, and again whenever the connection is lost."""
        self._line.start()

    async def stop(self) -> None:
        """Disconnect; what waits is not sent."""
        await self._line.stop()

    def offer(self, payload: bytes) -> None:
        """Send a message as soon as that is possible."""
        self._queue.append(payload)
        self._send()

    def _began(self, connection: Connection, most: int) -> None:
        """What the broker did not acknowledge goes out again, first (4.4)."""
        self._now, self._most = connection, min(most, NUMBERS)
        connection.write(
            b"".join(packets.publish(self._topic, id, one, again=True) for id, one in self._under_way.items())
        )
        self._send()

    def _heard_of(self, state: str) -> None:
        if state == "down":
            self.lost += self._now is not None
            self._now = None

    def _heard(self, one: Packet) -> None:
        if one.kind != packets.PUBACK:
            return
        number, reason = packets.acknowledged(one.body)
        if self._under_way.pop(number, None) is not None:
            self.taken += reason < FAILED
            self.refused += reason >= FAILED
        self._send()

    def _send(self) -> None:
        if self._now is None:
            return
        out: list[bytes] = []
        while self._queue and len(self._under_way) < self._most:
            payload = self._queue.popleft()
            while (number := self._next()) in self._under_way:
                pass
            self._under_way[number] = payload
            out.append(packets.publish(self._topic, number, payload))
        if out:
            self._now.write(b"".join(out))

    def _next(self) -> int:
        self._number = self._number % NUMBERS + 1
        return self._number
