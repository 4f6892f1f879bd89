"""Proof of issue 5's streams with several workers: two share tenants over NATS, one is killed, and the other goes on.

Both answer for one PostgreSQL. What was sent is looked for by its number in the journals of both, as they lie on the disk.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import msgspec
import zstandard

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place, now, system
from onmaru.app.prove.broker import Process, ended, jetstream, needed
from onmaru.app.prove.cluster import cluster
from onmaru.app.prove.ground import environment, free_port
from onmaru.app.prove.stream_load import bed
from onmaru.app.streams.intake import Kept
from onmaru.engines.journal import Journal
from onmaru.kernel.accounts import User
from onmaru.kernel.record import Change
from onmaru.rooms.monitor.live import SECOND
from onmaru.rooms.monitor.stream.summary import instant
from onmaru.simulate.devices import Monitor

TENANTS, BEDS, SECONDS = (MAIN, "hill", "valley"), 10, 60
# Seconds within which a tenant has to have a worker again: a lease, and what it takes to begin
PATIENCE = 60.0


def workers(seconds: float = SECONDS) -> Figures:
    """`seconds`: for how long devices send; a worker is killed halfway."""
    needed("nats-server")
    with tempfile.TemporaryDirectory(prefix="onmaru-workers-") as scratch, cluster() as store:
        return Workers(Path(scratch), store, seconds).run()


class Workers:
    """Two workers, one server, and a sender that counts."""

    def __init__(self, folder: Path, store: str, seconds: float) -> None:
        self._folder, self._store, self._seconds = folder, store, seconds
        self._server = free_port()
        self._web = (free_port(), free_port())
        self._tokens: dict[str, str] = {}
        self._sent: dict[int, str] = {}
        self._gap = 0.0

    def run(self) -> Figures:
        """Send with both, kill one, send on, and count."""
        self._furnish()
        with jetstream(self._folder / "nats", self._server), ExitStack() as stack:
            both = [stack.enter_context(self._worker(n)) for n in range(len(self._web))]
            self._until(lambda: all(len(self._holders(one)) == 1 for one in TENANTS), "each tenant has one worker")
            shared = asyncio.run(self._send(both))
        return self._judged(shared)

    def _place(self, n: int) -> Place:
        return Place(self._folder / f"home{n}", self._folder / "keys", self._folder / "witness", self._store)

    def _worker(self, n: int) -> AbstractContextManager[Process]:
        place, address = self._place(n), f"nats://127.0.0.1:{self._server}"
        more = {"ONMARU_STORE": self._store, "ONMARU_MLLP_HOST": "", "ONMARU_NATS": address}
        return ended(
            [sys.executable, "-m", "onmaru.app", "serve"], self._web[n], environment(place, self._web[n], **more)
        )

    def _furnish(self) -> None:
        house = House(self._place(0))
        began = instant(now() - 3600 * SECOND)
        for tenant in TENANTS:
            made = [one for n in range(BEDS) for one in bed(n, began)]
            changes = [Change("update", one["resourceType"], one["id"], json.dumps(one).encode()) for one in made]
            house.hall(system(tenant)).record.write(changes)
            house.seat(tenant).home.wait(house.seat(tenant).home.tip())
            user = User(tenant, "wall", "wall", ("nurse",))
            house.logins.keep_user(user)
            self._tokens[tenant], _ = house.logins.issue(user, "")
        house.close()

    # -- what is sent and seen -----------------------------------------------------------------------------------

    async def _send(self, both: Sequence[Process]) -> dict[str, int]:
        """A message of each bed and second to every tenant; halfway the worker of the default tenant is killed."""
        import nats

        client = await nats.connect(f"nats://127.0.0.1:{self._server}")
        jet = client.jetstream()
        monitors = [(tenant, Monitor(1, f"mon-{n}")) for tenant in TENANTS for n in range(BEDS)]
        first = await asyncio.to_thread(lambda: {tenant: self._holders(tenant)[0] for tenant in TENANTS})
        over: asyncio.Future[float] | None = None
        for turn in range(int(self._seconds)):
            began = time.monotonic()
            if turn == int(self._seconds) // 2:
                both[first[MAIN]].kill()
                over = asyncio.ensure_future(asyncio.to_thread(self._taken_over, [1 - first[MAIN]]))
            for tenant, monitor in monitors:
                number = len(self._sent)
                self._sent[number] = tenant
                await jet.publish(f"onmaru.stream.{tenant}.{monitor.name}", monitor.message(number, now()))
            await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))
        if over is not None:
            self._gap = await over
        async with asyncio.timeout(PATIENCE):
            while (await jet.stream_info("onmaru")).state.messages:
                await asyncio.sleep(0.2)
        await client.close()
        return first

    def _taken_over(self, by: Sequence[int]) -> float:
        """Seconds until the other worker has every tenant."""
        began = time.monotonic()
        self._until(lambda: all(self._holders(one) == by for one in TENANTS), "the other worker has every tenant")
        return time.monotonic() - began

    def _holders(self, tenant: str) -> list[int]:
        """The workers that answer for a tenant's streams."""
        path = "/rooms/monitor/live?patient=-" if tenant == MAIN else f"/t/{tenant}/rooms/monitor/live?patient=-"
        found = [n for n, port in enumerate(self._web) if _status(port, path, self._tokens[tenant]) == 200]
        assert len(found) < 2, "two workers hold one tenant"
        return found

    def _until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"not so: {what}"
            time.sleep(0.5)

    # -- what is found -------------------------------------------------------------------------------------------

    def _judged(self, shared: dict[str, int]) -> Figures:
        found: Counter[int] = Counter()
        for n in range(len(self._web)):
            for tenant, number in self._kept(n):
                assert self._sent[number] == tenant, "a message is in another tenant"
                found[number] += 1
        missing = len(self._sent.keys() - found.keys())
        assert not missing, f"{missing} of {len(self._sent)} messages are stored nowhere"
        return {
            "tenants": len(TENANTS),
            "held by each worker at first": sorted(Counter(shared.values()).values()),
            "sent": len(self._sent),
            "stored": len(found),
            "stored by both": sum(count > 1 for count in found.values()),
            "held by two workers": 0,
            "killed": "the worker of the default tenant",
            "seconds until the other had its tenants": round(self._gap, 1),
        }

    def _kept(self, n: int) -> Iterator[tuple[str, int]]:
        house = House(self._place(n))
        unpack = zstandard.ZstdDecompressor()
        for tenant in TENANTS:
            journal = Journal(house.folder(tenant) / "streams", house.keys(tenant)[1].key("streams"))
            for segment in journal.left:
                for frame in journal.read(segment):
                    for one in msgspec.msgpack.decode(unpack.decompress(frame, 1 << 28), type=list[Kept]):
                        assert not one.reason, one.reason
                        yield tenant, int(one.payload[5 : one.payload.index(b",")])
            journal.close()
        house.close()


def _status(port: int, path: str, token: str) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        return line.getresponse().status
    except OSError:
        return 0
    finally:
        line.close()


CLAIM = "Two workers share tenants over NATS, none held by both; with one killed, every message is stored."
PROOFS = (Proof("5.workers", CLAIM, workers, ("seconds",)),)
