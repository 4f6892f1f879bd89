"""Proof by soaking: mixed load for as long as asked, a worker killed with -9 every minute, on either engine.

Its one law is that everything is judged by what clients were answered, read from what is left after the last kill.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import msgspec

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place
from onmaru.app.prove.clients import Clients, Ledger
from onmaru.app.prove.cluster import cluster
from onmaru.app.prove.ground import environment, free_port, until_answered
from onmaru.app.prove.killed_house import compare, left
from onmaru.app.prove.remains import opened
from onmaru.app.prove.subscriptions import Receiver, Writer, judged, subscription, topic, until
from onmaru.app.prove.survival import told
from onmaru.app.prove.victim import Victim
from onmaru.kernel.accounts import User

# How many minutes, where nothing else was asked for
MINUTES = 30.0
EVERY = 60.0
# A shorter soak has at least so many kills
LEAST = 6
WORKERS = {"sqlite": 1, "postgresql": 2}
SUBSCRIPTIONS = 3
# Seconds between two requests of one client: about a hundred resources a second from the writers of a worker
PAUSE = 0.05
USER = "proof"


class Worker:
    """One served home with clients of its own; `ledger`: all that they were ever answered."""

    def __init__(self, place: Place, token: str) -> None:
        self.port, self.ledger = free_port(), Ledger()
        self._environ = environment(place, self.port, ONMARU_STORE=place.store)
        self._log = place.home.parent / f"{place.home.name}.log"
        self._token = token
        self._lives = 0
        self._victim: Victim | None = None
        self._clients: Clients | None = None

    def start(self) -> None:
        """Serve, and have clients ask as soon as it answers."""
        self._victim = Victim(["serve"], self._environ, self._log)
        until_answered(self.port)

    def ask(self) -> None:
        """Have clients in threads of their own."""
        self._lives += 1
        self._clients = Clients((self.port, 0), self._token, f"{self.port}-{self._lives}", self.ledger, PAUSE)

    def kill(self) -> int:
        """kill -9; how many processes went on without it."""
        assert self._victim is not None and self._victim.running(), f"a worker ended by itself: {_last(self._log)}"
        orphans = self._victim.kill()
        if self._clients is not None:
            self._clients.join()
        return orphans

    def ended(self) -> None:
        """Leave nothing running, whatever happened."""
        if self._victim is not None:
            self._victim.kill()


class Heard(msgspec.Struct):
    """What a soak came to."""

    kills: int = 0
    orphans: int = 0
    told: int = 0
    again: int = 0


def soak(minutes: float = MINUTES) -> Figures:
    """Soak both engines one after the other, each for so many minutes."""
    seconds = 60 * minutes
    figures: dict[str, object] = {"minutes on each engine": round(seconds / 60, 1)}
    for engine in WORKERS:
        found = soaked(engine, seconds)
        figures.update({f"{engine}: {name}": value for name, value in found.items()})
    return {**figures, "lost": 0}


def soaked(engine: str, seconds: float) -> Mapping[str, int]:
    """Soak one engine and judge what is left."""
    with tempfile.TemporaryDirectory(prefix="onmaru-soak-") as scratch, _store(engine) as store:
        receiver = Receiver(11)
        receiver.moody = False
        with closing(receiver):
            return _run(Path(scratch), receiver, (engine, store, seconds))


@contextmanager
def _store(engine: str) -> Iterator[str]:
    with cluster() if engine == "postgresql" else nullcontext("") as address:
        yield address


def _run(folder: Path, receiver: Receiver, asked: tuple[str, str, float]) -> Mapping[str, int]:
    engine, store, seconds = asked
    places = [Place(folder / f"home{n}", folder / "keys", folder / "witness", store) for n in range(WORKERS[engine])]
    token = _token(places, receiver.port)
    workers = [Worker(place, token) for place in places]
    writer, found = None, Heard()
    try:
        for worker in workers:
            worker.start()
        writer = Writer(workers[0].port, token)
        paths, first = _subscribed(writer, receiver)
        for worker in workers:
            worker.ask()
        _killed(workers, receiver, (engine, seconds), found)
        writer.stop()
        _listened(receiver, paths, {*writer.made[first:], *_patients(workers)})
        found.kills += len(workers)
        found.orphans += sum(worker.kill() for worker in workers)
    finally:
        for worker in workers:
            worker.ended()
        if writer is not None:
            writer.stop()
    for path in paths:
        events, again = judged(receiver.heard[path], writer.made)
        found.told, found.again = found.told + events, found.again + again
    assert not found.orphans, f"{found.orphans} processes went on without the worker that they worked for"
    return {**msgspec.to_builtins(found), **_kept(places[0], workers, writer.made)}


def _token(places: list[Place], receiver: int) -> str:
    """Homes that may send to the receiver, and a token for all of them."""
    for place in places:
        place.home.mkdir()
        (place.home / "onmaru.toml").write_text(
            f'outbound_local = "127.0.0.1:{receiver}"\nmllp_host = ""\nsubscription_pause = 0.5\n'
            '[outbound.main]\nhosts = ["127.0.0.1"]\n'
        )
    house = House(places[0])
    user = User(MAIN, USER, USER, ("system",))
    house.logins.keep_user(user)
    token, _ = house.logins.issue(user, "")
    house.close()
    return token


def _subscribed(writer: Writer, receiver: Receiver) -> tuple[list[str], int]:
    """The paths that rest-hooks go to, and how many patients had been made before the last was asked for."""
    until(lambda: writer.made, "the house was not served")
    assert writer.ask("POST", "/Basic", topic())[0] == 201, "the topic was refused"
    paths = [f"/hook/{number}" for number in range(SUBSCRIPTIONS)]
    for path in paths:
        asked = subscription(f"http://127.0.0.1:{receiver.port}{path}", 20)
        assert writer.ask("POST", "/Subscription", asked)[0] == 201, "a subscription was refused"
    return paths, len(writer.made) + 1


def _killed(workers: list[Worker], receiver: Receiver, asked: tuple[str, float], found: Heard) -> None:
    """Kill one worker after the other until the time is over; each is started again. The receiver is away now and then."""
    engine, seconds = asked
    chance = random.Random(11)  # noqa: S311 - instants, not secrets
    every, end = min(EVERY, seconds / LEAST), time.monotonic() + seconds
    while time.monotonic() < end:
        worker = workers[found.kills % len(workers)]
        receiver.down = found.kills % 5 == 3
        time.sleep(every * chance.uniform(0.8, 1.2))
        found.orphans += worker.kill()
        found.kills += 1
        worker.start()
        worker.ask()
        made = sum(len(one.ledger.written) for one in workers)
        told(
            f"{engine}: {found.kills} kills, {made} versions acknowledged, {max(0.0, end - time.monotonic()):.0f} s left"
        )
    receiver.down = False


def _patients(workers: list[Worker]) -> set[str]:
    """Ids of the patients whose making was acknowledged."""
    names = (name.split("/") for worker in workers for name in list(worker.ledger.written))
    return {id for type, id, version in names if type == "Patient" and version == "1"}


def _listened(receiver: Receiver, paths: list[str], wanted: set[str]) -> None:
    for path in paths:
        until(
            lambda path=path: wanted <= {focus for _, focus in list(receiver.heard.get(path, []))},
            "an acknowledged event was not told",
        )


def _kept(place: Place, workers: list[Worker], made: list[str]) -> Mapping[str, int]:
    """Hold what is left to what was acknowledged: every version, every transaction, every read in the audit trail."""
    ledgers = [worker.ledger for worker in workers]
    with opened(place, deep=True) as house:
        there = left(house)
        for ledger in ledgers:
            compare(ledger, there)
        missing = [id for id in made if f"Patient/{id}/1" not in there.bodies]
        assert not missing, "an acknowledged Patient is lost"
        trail, rows, block = house.seat(MAIN).home.trail, 0, 0
        while some := list(trail.blocks(block)):
            rows += sum(row.user == USER for _, _, packed, _ in some for row in trail.rows(packed))
            block = some[-1][0]
        reads = sum(ledger.reads for ledger in ledgers)
        assert rows >= reads, f"{reads} reads were answered and {rows} audited"
        entries = house.seat(MAIN).home.head()
    return {
        "entries verified": entries,
        "acknowledged versions found": sum(len(ledger.written) for ledger in ledgers) + len(made),
        "acknowledged transactions found": sum(len(ledger.committed) for ledger in ledgers),
        "answered reads and searches found audited": reads,
    }


def _last(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else ()
    return lines[-1] if lines else "it said nothing"


PROOFS = (
    Proof(
        "3.soak",
        "Under mixed load of creates, updates, transactions, reads, searches and rest-hooks, with a kill -9 of a worker "
        "every minute, nothing acknowledged is lost on either engine, all seals verify and subscriptions complete.",
        soak,
        takes=("minutes",),
    ),
)
