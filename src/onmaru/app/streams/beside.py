"""Streams beside a served house: one station a tenant that has any, and the broker that the settings name."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping

import msgspec

from onmaru.adapters.mqtt import Broker, Done, Subscriber
from onmaru.app.doorway import Doorway
from onmaru.app.house import MAIN
from onmaru.app.refusal import Refusal
from onmaru.app.settings import Chosen
from onmaru.app.streams.intake import Fate
from onmaru.app.streams.station import ROOM, Station
from onmaru.rooms.monitor.wall import BEGINNING

# Seconds after which what could not be kept is tried again
AGAIN = 1.0


@contextlib.asynccontextmanager
async def streaming(doorway: Doorway, found: Mapping[str, Chosen]) -> AsyncIterator[None]:
    """Take streams while the context lasts."""
    running = doorway.running
    if running.house.offers(ROOM) is None:
        yield
        return
    broker, tenant = asked(found), str(found["mqtt_tenant"].value)
    if broker is not None and not running.house.exists(tenant):
        raise Refusal(f"setting mqtt_tenant: there is no tenant {tenant}")
    names = {MAIN, tenant} if broker is not None else {MAIN}
    for name in names:
        running.house.memories.setdefault((name, ROOM), {})[BEGINNING] = True
    async with contextlib.AsyncExitStack() as stack:
        for name in names:
            station = Station(running, name)
            await station.start()
            doorway.door(name).streams = station.replayed
            stack.push_async_callback(station.close)
            if broker is not None and name == tenant:
                subscriber = subscribed(station, broker)
                subscriber.start()
                stack.push_async_callback(subscriber.stop)
        yield


def asked(found: Mapping[str, Chosen]) -> Broker | None:
    """The broker that the settings name; None where they name none."""
    address, topic, user, password, authorities = (
        str(found[name].value) for name in ("mqtt", "mqtt_topic", "mqtt_user", "mqtt_password", "mqtt_authorities")
    )
    return Broker(address, topic, "onmaru", user, password, authorities) if address else None


def subscribed(station: Station, broker: Broker) -> Subscriber:
    """A subscriber whose messages the station takes."""
    feed = station.feed(broker.topic, "mqtt")
    # The broker keeps a session by this name: the same after each start, another for another house
    name = hashlib.sha256(str(station.folder).encode()).hexdigest()[:12]
    broker = msgspec.structs.replace(broker, client=f"onmaru-{name}")

    def take(payload: bytes, done: Done) -> None:
        def fated(fate: Fate | None) -> None:
            if fate is not None:
                done()
            else:
                # The broker would only send it again with another connection
                asyncio.get_running_loop().call_later(AGAIN, take, payload, done)

        station.intake.offer(payload, feed, fated)

    def told(state: str) -> None:
        feed.state = state

    return Subscriber(broker, take, told)
