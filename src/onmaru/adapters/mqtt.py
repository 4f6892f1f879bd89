"""MQTT 5 (OASIS, 2019): messages of devices from a broker, acknowledged (PUBACK) only once they are on the disk.

The session outlives the connection, so that the broker keeps what comes while the house is away.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

log = logging.getLogger("onmaru.doors")
# Seconds for which the broker keeps the session; messages that may be under way; seconds between signs of life
SESSION, UNDER_WAY, ALIVE = 86_400, 2_000, 10
Done = Callable[[], object]
Take = Callable[[bytes, Done], None]
Told = Callable[[str], None]


class Broker(msgspec.Struct, frozen=True):
    """`address`: `mqtt://host:port` or `mqtts://host:port`; `password` and `authorities` name files, "" none."""

    address: str
    topic: str
    client: str = "onmaru"
    user: str = ""
    password: str = ""
    authorities: str = ""


class Subscriber:
    """Takes what the broker has for `topic`. `take` is given each message with what to call once it is on the disk.
    `told` is given live or down.
    """

    def __init__(self, broker: Broker, take: Take, told: Told) -> None:
        self._broker, self._take, self._told = broker, take, told
        self._loop = asyncio.get_running_loop()
        # A packet's number is the broker's for one connection alone
        self._connection = 0
        self._client = self._made()

    def start(self) -> None:
        """Connect, and again whenever the connection is lost."""
        where = urlsplit(self._broker.address)
        secure = where.scheme == "mqtts"
        if secure:
            self._client.tls_set_context(ssl.create_default_context(cafile=self._broker.authorities or None))
        self._client.connect_async(
            where.hostname or "127.0.0.1",
            where.port or (8883 if secure else 1883),
            keepalive=ALIVE,
            clean_start=False,
            properties=_session(),
        )
        self._client.loop_start()

    async def stop(self) -> None:
        """Disconnect; what was not acknowledged comes again."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def _made(self) -> Any:
        from paho.mqtt.client import Client, MQTTv5
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(CallbackAPIVersion.VERSION2, self._broker.client, protocol=MQTTv5, manual_ack=True)
        if self._broker.user:
            client.username_pw_set(self._broker.user, _secret(self._broker.password))
        client.on_connect = self._connected
        client.on_disconnect = self._lost
        client.on_message = self._came
        client.reconnect_delay_set(1, 5)
        return client

    # -- called in the client's thread ---------------------------------------------------------------------------

    def _connected(self, client: Any, *told: Any) -> None:
        reason = told[2]
        if reason.is_failure:
            # Reason code (MQTT 5, 3.2.2.2)
            code = int(reason.value)
            log.error("the MQTT broker refuses the connection: reason %d", code)
            self._say("down")
            return
        self._connection += 1
        client.subscribe(self._broker.topic, qos=1)
        self._say("live")

    def _lost(self, *told: Any) -> None:
        self._connection += 1
        self._say("down")

    def _came(self, client: Any, given: Any, message: Any) -> None:
        connection, number, qos = self._connection, message.mid, message.qos

        def done() -> None:
            if qos and connection == self._connection:
                client.ack(number, qos)

        self._on_loop(self._take, bytes(message.payload), done)

    def _say(self, state: str) -> None:
        self._on_loop(self._told, state)

    def _on_loop(self, call: Callable[..., None], *given: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *given)


def _session() -> Any:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own has no types
    properties.SessionExpiryInterval = SESSION
    properties.ReceiveMaximum = UNDER_WAY
    return properties


def _secret(file: str) -> str | None:
    if not file:
        return None
    from pathlib import Path

    return Path(file).expanduser().read_text("utf-8").strip()
