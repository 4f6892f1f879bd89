"""NATS JetStream: messages of devices for several workers. Its law: a tenant's messages are one worker's at a time.

Workers tell of themselves in the same bucket, and each holds no more than its share of the tenants. Who holds a
tenant's lease, a key that expires in a bucket of JetStream, takes its messages from a durable consumer and acknowledges
each once it is on the disk; whoever cannot renew the lease in time lets go of it before another may take it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

log = logging.getLogger("onmaru.doors")
STREAM, BUCKET = "onmaru", "onmaru-stations"
# Seconds that a lease stands, and until what was not acknowledged comes again
LEASE, AGAIN = 15.0, 30.0
# In the bucket: who works, and whose a tenant is
WORKER, TENANT = "worker.", "tenant."
# Messages that may be under way for one tenant, and those asked for at a time
UNDER_WAY, BATCH = 2_000, 200
# Seconds that one asking waits for messages, and a pause after a failure
WAITS, PAUSE = 0.5, 1.0
Done = Callable[[], object]
Take = Callable[[str, bytes, Done], None]


class Server(msgspec.Struct, frozen=True):
    """`address`: `nats://host:4222` or `tls://host:4222`; `subject`: of one tenant, which stands where `{tenant}` does;
    `password` and `authorities` name files, "" none. `lease`: seconds after which a worker that is gone has lost its own.
    """

    address: str
    subject: str
    user: str = ""
    password: str = ""
    authorities: str = ""
    lease: float = LEASE

    def subject_of(self, tenant: str) -> str:
        """What a tenant's devices speak to."""
        return self.subject.replace("{tenant}", tenant)


class Held(msgspec.Struct):
    """A tenant that is held: the revision of its lease, until when it stands by our own clock, and whether it is over."""

    revision: int
    until: float
    work: asyncio.Task[None]
    over: asyncio.Event


class Worker:
    """One of those who share the tenants. `begin` and `end` are called when a tenant becomes ours and when it no longer is;
    `take` is given tenant, message and what to call once it is on the disk; `told` is given live or down.
    """

    def __init__(
        self,
        server: Server,
        name: str,
        tenants: Callable[[], Iterable[str]],
        turns: tuple[Callable[[str], Awaitable[object]], Callable[[str], Awaitable[object]]],
        take: Take,
        told: Callable[[str], None],
    ) -> None:
        self._server, self._name, self._tenants, self._take, self._told = server, name, tenants, take, told
        self._begin, self._end = turns
        self._lease, self._renew = server.lease, server.lease / 4
        self._held: dict[str, Held] = {}
        self._task: asyncio.Task[None] | None = None
        self._client: Any = None

    @property
    def held(self) -> Iterable[str]:
        """The tenants that are ours now."""
        return tuple(self._held)

    def start(self) -> None:
        """Connect, and take part for as long as it runs."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Let go of every tenant, so that another need not wait for the lease to end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await asyncio.gather(*map(self._let_go, [*self._held]))
        if self._client is not None:
            with suppress(Exception):
                await (await self._client.jetstream().key_value(BUCKET)).delete(WORKER + self._name)
            await self._client.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._connected()
                bucket = await self._ready()
                while True:
                    async with asyncio.timeout(self._lease):
                        await self._turn(bucket)
                    await asyncio.sleep(self._renew)
            except Exception as error:  # noqa: BLE001 - whatever the server says, devices go on to speak to it
                log.error("NATS: %s", type(error).__name__)
                await self._expired()
                await asyncio.sleep(PAUSE)

    async def _connected(self) -> None:
        if self._client is not None and self._client.is_connected:
            return
        import nats

        if self._client is not None:
            await self._client.close()
        self._told("down")

        async def lost() -> None:
            self._told("down")

        async def back() -> None:
            self._told("live")

        server = self._server
        login = {"user": server.user, "password": _secret(server.password)} if server.user else {}
        tls = ssl.create_default_context(cafile=server.authorities or None) if server.address[:3] == "tls" else None
        self._client = await nats.connect(
            server.address,
            name=self._name,
            allow_reconnect=True,
            max_reconnect_attempts=3,
            reconnect_time_wait=1,
            disconnected_cb=lost,
            reconnected_cb=back,
            error_cb=_heard,
            tls=tls,
            **login,
        )
        self._told("live")

    async def _ready(self) -> Any:
        """The stream that keeps messages until they are acknowledged, and the bucket of leases, made where they are not."""
        from nats.js import api

        jet = self._client.jetstream()
        subject = self._server.subject_of("*")
        await _made(
            jet.add_stream(api.StreamConfig(STREAM, subjects=[subject], retention=api.RetentionPolicy.WORK_QUEUE))
        )
        return await jet.create_key_value(api.KeyValueConfig(BUCKET, ttl=self._lease, history=1))

    async def _turn(self, bucket: Any) -> None:
        """Renew what is ours; take what is nobody's, and let go of what is more than our share."""
        await self._expired()
        await bucket.put(WORKER + self._name, b"")
        tenants = [*self._tenants()]
        share = -(-len(tenants) // await self._workers())
        for tenant in tenants:
            if tenant in self._held:
                await self._renewed(bucket, tenant)
            elif len(self._held) < share:
                await self._asked(bucket, tenant)
        for tenant in [one for one in self._held if one not in tenants] or [*self._held][share:]:
            await self._let_go(tenant)

    async def _workers(self) -> int:
        """How many work now, ourselves among them."""
        wanted = f"$KV.{BUCKET}.{WORKER}>"
        told = await self._client.jetstream().stream_info(f"KV_{BUCKET}", subjects_filter=wanted)
        return max(1, len(told.state.subjects or ()))

    async def _renewed(self, bucket: Any, tenant: str) -> None:
        from nats.js.errors import KeyWrongLastSequenceError

        held, until = self._held[tenant], time.monotonic() + self._lease
        try:
            held.revision = await bucket.update(TENANT + tenant, self._name.encode(), last=held.revision)
            held.until = until
        except KeyWrongLastSequenceError:
            log.error("NATS: a tenant's lease was lost")
            await self._let_go(tenant)

    async def _asked(self, bucket: Any, tenant: str) -> None:
        from nats.js.errors import KeyWrongLastSequenceError

        until = time.monotonic() + self._lease
        # Another worker's, as a rule
        with suppress(KeyWrongLastSequenceError):
            self._taken(tenant, await bucket.create(TENANT + tenant, self._name.encode()), until)

    def _taken(self, tenant: str, revision: int, until: float) -> None:
        """Begin with a tenant that is ours from now on; the lease is renewed while that takes its time."""
        over = asyncio.Event()
        self._held[tenant] = Held(revision, until, asyncio.create_task(self._worked(tenant, over)), over)

    async def _worked(self, tenant: str, over: asyncio.Event) -> None:
        try:
            await self._begin(tenant)
        except Exception as error:  # noqa: BLE001 - it is let go of, and another worker may do better
            log.error("NATS: streams of a tenant could not begin: %s", type(error).__name__)
            return
        await self._consumed(tenant, over)

    async def _expired(self) -> None:
        """Let go of what could not be renewed in time, and of what could not be begun."""
        now = time.monotonic()
        over = [one for one, held in self._held.items() if now > held.until - self._renew or held.work.done()]
        await asyncio.gather(*map(self._let_go, over))

    async def _let_go(self, tenant: str) -> None:
        held = self._held.pop(tenant)
        # What the server has given to an asking that is under way would otherwise come again only after half a minute
        held.over.set()
        await asyncio.wait([held.work], timeout=2 * WAITS)
        held.work.cancel()
        await asyncio.wait([held.work])
        await self._end(tenant)
        with suppress(Exception):
            bucket = await self._client.jetstream().key_value(BUCKET)
            await bucket.delete(TENANT + tenant, last=held.revision)

    async def _consumed(self, tenant: str, over: asyncio.Event) -> None:
        """Take a tenant's messages in their order for as long as it is ours."""
        from nats.js import api

        config = api.ConsumerConfig(ack_wait=AGAIN, max_ack_pending=UNDER_WAY)
        room = asyncio.Semaphore(UNDER_WAY)
        while not over.is_set():
            try:
                subject, durable = self._server.subject_of(tenant), f"station-{tenant}"
                jet = self._client.jetstream()
                messages = await jet.pull_subscribe(subject, durable, stream=STREAM, config=config)
                while not over.is_set():
                    with suppress(TimeoutError):
                        for one in await messages.fetch(BATCH, timeout=WAITS):
                            await room.acquire()
                            self._take(tenant, one.data, self._acknowledging(one, room))
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - the lease tells whether to go on
                log.error("NATS: messages cannot be had: %s", type(error).__name__)
                await asyncio.sleep(PAUSE)

    def _acknowledging(self, one: Any, room: asyncio.Semaphore) -> Done:
        def done() -> None:
            room.release()
            asyncio.ensure_future(_quiet(one.ack()))  # noqa: RUF006 - what is not heard of comes again, and is a double

        return done


async def _made(asked: Awaitable[object]) -> None:
    """A stream that is there already is taken as it is; that its subjects are others is told."""
    from nats.js.errors import BadRequestError

    try:
        await asked
    except BadRequestError:
        log.error("NATS: there is a stream %s of other subjects or kind", STREAM)


async def _quiet(asked: Awaitable[object]) -> None:
    with suppress(Exception):
        await asked


async def _heard(error: Exception) -> None:
    log.error("NATS: %s", type(error).__name__)


def _secret(file: str) -> str:
    return Path(file).expanduser().read_text("utf-8").strip() if file else ""
