"""Streams beside a served house: its stations, and the brokers that the settings name."""

from __future__ import annotations

import contextlib
import hashlib
import platform
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial

import msgspec

from onmaru.adapters.mqtt import NOT_AUTHORIZED, Broker, Done, Subscriber
from onmaru.adapters.nats import Server, Worker
from onmaru.app.doorway import Doorway
from onmaru.app.house import MAIN, House
from onmaru.app.refusal import Refusal
from onmaru.app.settings import Chosen
from onmaru.app.streams.intake import NOBODYS
from onmaru.app.streams.station import ROOM
from onmaru.app.streams.stations import Message, Source, Stations
from onmaru.app.streams.watched import Watched, left, watched

# Where a topic names the tenant
TENANT = "{tenant}"


@contextlib.asynccontextmanager
async def streaming(doorway: Doorway, found: Mapping[str, Chosen]) -> AsyncIterator[None]:
    """Take streams while the context lasts."""
    running = doorway.running
    house = running.house
    if house.offers(ROOM) is None:
        yield
        return
    broker, tenant, server = asked(found), str(found["mqtt_tenant"].value), server_asked(found)
    if broker is not None and server is not None:
        raise Refusal("settings mqtt and nats: one of them, so that no patient is held twice")
    if broker is not None and not house.exists(tenant):
        raise Refusal(f"setting mqtt_tenant: there is no tenant {tenant}")
    async with contextlib.AsyncExitStack() as stack:
        stations = Stations(doorway, alone=server is None)
        stack.push_async_callback(stations.close)
        for name in {MAIN, *([tenant] if broker else ()), *left(house)} if server is None else ():
            if not house.tenancies.closed(name):
                await stations.of(name)
        for name in watched(house):
            running.motion(name)
        stack.push_async_callback(Watched(running).close)
        line = _line(stations, house, broker or server, tenant)
        if line is not None:
            line.start()
            stack.push_async_callback(line.stop)
        yield


def _line(stations: Stations, house: House, asked: Broker | Server | None, tenant: str) -> Subscriber | Worker | None:
    if isinstance(asked, Broker):
        return subscribed(stations, house, asked, tenant)
    return None if asked is None else shared(stations, house, asked)


def asked(found: Mapping[str, Chosen]) -> Broker | None:
    """The MQTT broker that the settings name; None where they name none."""
    address, topic, user, password, authorities = (
        str(found[name].value) for name in ("mqtt", "mqtt_topic", "mqtt_user", "mqtt_password", "mqtt_authorities")
    )
    return Broker(address, topic, "onmaru", user, password, authorities) if address else None


def server_asked(found: Mapping[str, Chosen]) -> Server | None:
    """The NATS server that the settings name; None where they name none."""
    address, subject, user, password, authorities = (
        str(found[name].value) for name in ("nats", "nats_subject", "nats_user", "nats_password", "nats_authorities")
    )
    return Server(address, subject, user, password, authorities) if address else None


def subscribed(stations: Stations, house: House, broker: Broker, default: str) -> Subscriber:
    """A subscriber whose messages go to the tenant that their topic names, or to the one of the settings."""
    levels = broker.topic.split("/")
    place = levels.index(TENANT) if TENANT in levels else -1
    source = Source(broker.topic, "mqtt", "" if place >= 0 else default)
    stations.fed(source)
    broker = msgspec.structs.replace(broker, topic=broker.topic.replace(TENANT, "+"), client=named(house))

    def take(topic: str, payload: bytes, done: Done) -> None:
        name = topic.split("/")[place] if place >= 0 else default
        # Unanswered, it would take the room of another tenant's: the broker is told no, and lets it go
        refused = partial(done, NOT_AUTHORIZED)
        if house.exists(name):
            stations.take(name, source, Message(payload, done, refused))
        else:
            stations.take(default, source, Message(payload, done, refused, NOBODYS))

    return Subscriber(broker, take, source.told)


def shared(stations: Stations, house: House, server: Server) -> Worker:
    """This worker's part in a NATS server's messages."""
    source = Source(server.subject, "nats")
    stations.fed(source)

    def take(tenant: str, payload: bytes, done: Callable[[], object]) -> None:
        # Unanswered, it stays at the server, which gives it again once the tenant is open
        stations.take(tenant, source, Message(payload, done, nothing))

    # What this worker had acknowledged before it was killed: another one may hold the tenant by now
    for tenant in left(house):
        stations.chart(tenant)

    def open_ones() -> list[str]:
        return [one for one in house.tenants() if not house.tenancies.closed(one) and one not in stations.charting]

    try:
        import nats as _  # noqa: F401 - an extra, refused here rather than when the first message comes
    except ImportError:
        raise Refusal("the setting nats needs onmaru[streams]") from None
    return Worker(server, named(house, platform.node()), open_ones, (stations.of, stations.end), take, source.told)


def nothing() -> None:
    """What is said to a server that keeps what was not acknowledged."""


def named(house: House, machine: str = "") -> str:
    """What a broker knows us by: the same after each start, another for another house."""
    return f"onmaru-{hashlib.sha256(f'{machine}{house.where.home.resolve()}'.encode()).hexdigest()[:12]}"
