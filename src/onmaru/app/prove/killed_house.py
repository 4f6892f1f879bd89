"""kill -9 of a real `onmaru demo` at random instants, with clients of the proof's own beside its simulated hospital."""

from __future__ import annotations

import os
import random
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from onmaru.adapters import letters
from onmaru.adapters.hl7v2 import evidence
from onmaru.app.demo.ground import prepared, token
from onmaru.app.demo.live import STORY, Story
from onmaru.app.house import MAIN, House, Place, system
from onmaru.app.prove.clients import TAG, Clients, Ledger, digest
from onmaru.app.prove.ground import free_port
from onmaru.app.prove.remains import copied, held, opened
from onmaru.app.prove.victim import Victim
from onmaru.simulate import Event

USER = "proof"
# Kills of one store; and of these one in so many falls into the start, before anybody is answered.
A_STORE = 6
IN_START = 8
LONGEST = 2.5
DEEP_EACH = 5
READY = 120.0


class Found(msgspec.Struct):
    """What the kills came to, counted once for each acknowledgement that was looked for and found."""

    kills: int = 0
    in_start: int = 0
    orphans: int = 0
    writes: int = 0
    transactions: int = 0
    unanswered: int = 0
    messages: int = 0
    fed: int = 0
    reads: int = 0


class Left(msgspec.Struct):
    """A store's log, read once: bodies by `Type/id/version`, entries by transaction, messages and letters by digest."""

    bodies: dict[str, bytes | None] = {}
    tags: Counter[str] = msgspec.field(default_factory=Counter)
    documents: dict[str, str] = {}
    targets: dict[str, list[str]] = {}
    letters: set[str] = set()

    def add(self, name: str, version: int, body: bytes | None) -> None:
        """Take note of one version."""
        self.bodies[f"{name}/{version}"] = body
        resource = msgspec.json.decode(body or b"{}")
        if version == 1:
            self.tags.update(tag["code"] for tag in resource.get("meta", {}).get("tag", ()) if tag.get("system") == TAG)
        for one in resource.get("identifier", ()) if name.startswith(("DocumentReference/", "Task/")) else ():
            if one.get("system") == evidence.MESSAGE:
                self.documents[one["value"]] = name
            if one.get("system") == letters.SYSTEM:
                self.letters.add(one["value"])
        if name.startswith("Provenance/"):
            targets = [one["reference"] for one in resource["target"]]
            for one in resource.get("entity", ()):
                self.targets[one["what"]["reference"]] = targets


def left(house: House) -> Left:
    """Read the log of what is left."""
    home, found, position = house.seat(MAIN).home, Left(), 0
    while batch := home.read(position, 2000):
        position = batch[-1].t
        for version in batch:
            if version.type:
                found.add(version.name, version.version, version.body)
    return found


def compare(ledger: Ledger, there: Left) -> None:
    """Everything acknowledged is there, no transaction in half, no message without what it wrote."""
    for name, body in ledger.written.items():
        assert name in there.bodies, f"an acknowledged {name.partition('/')[0]} is lost"
        assert not body or there.bodies[name] == body, f"an acknowledged {name.partition('/')[0]} is another"
    for tag, size in ledger.sent.items():
        wanted = {size} if tag in ledger.committed else {0, size}
        assert there.tags[tag] in wanted, f"of a transaction of {size} entries {there.tags[tag]} are there"
    assert ledger.messages <= there.documents.keys(), "an acknowledged message is lost"
    names = {name.rpartition("/")[0] for name in there.bodies}
    for document in there.documents.values():
        assert document in there.targets, "a message is there without its Provenance"
        assert names.issuperset(there.targets[document]), "a message is there without what it wrote"


class Demo:
    """One demo's home, and everything that was acknowledged in it."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home = home
        self._seed = seed
        self.ports = free_port(), free_port()
        self.environ = prepared(home, os.environ)
        house = House(self._place(home))
        self._token = token(house.logins, USER, "system")
        house.close()
        self.ledger = Ledger()
        self.position = self.rows = self._fed = 0
        self._events: Iterator[Event] = iter(())
        self._messages: list[bytes] = []

    def _place(self, home: Path) -> Place:
        return Place(home, home / "keys", home / "witness")

    def start(self) -> Victim:
        """The real command, on ports of its own."""
        port, mllp = map(str, self.ports)
        args = ["demo", "--home", str(self.home), "--seed", str(self._seed), "--port", port, "--mllp-port", mllp]
        return Victim(args, self.environ, self.home.parent / "demo.log")

    def ready(self, victim: Victim) -> bool:
        """Wait until both servers take connections; False when it ended before."""
        while victim.running() and victim.age() < READY:
            try:
                for port in self.ports:
                    socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(0.02)
                continue
            return True
        return False

    def clients(self, name: str) -> Clients:
        """Clients that write into this demo's ledger."""
        return Clients(self.ports, self._token, name, self.ledger)

    def check(self, *, deep: bool) -> None:
        """Hold a copy of what is left to the ledger, so that the next start finds the store as the kill left it."""
        with tempfile.TemporaryDirectory(prefix="onmaru-copy-") as scratch:
            copy = copied(self.home, Path(scratch) / "home")
            with opened(self._place(copy), deep=deep) as house:
                self.position, self.rows = held(house, self.position, self.rows)
                there = left(house)
                compare(self.ledger, there)
                self._sent(house, there)
                self._audited(house)

    def tally(self, found: Found) -> None:
        """Count what was acknowledged, once all of it has been looked for."""
        found.writes += len(self.ledger.written)
        found.transactions += len(self.ledger.committed)
        found.unanswered += len(self.ledger.sent) - len(self.ledger.committed)
        found.messages += len(self.ledger.messages)
        found.fed += len(self._messages)
        found.reads += self.ledger.reads

    def _sent(self, house: House, there: Left) -> None:
        """Each message that the demo's own hospital notes as sent is in, or is a dead letter."""
        file = self.home / STORY
        if not file.is_file():
            return
        story = msgspec.json.decode(file.read_bytes(), type=Story)
        if not self._fed:
            self._events = story.events()
        assert story.sent >= self._fed, "the demo forgets what it has sent"
        fresh = islice(self._events, story.sent - self._fed)
        self._messages += [event.payload for event in fresh if event.channel == "hl7v2"]
        self._fed = story.sent
        blobs = house.hall(system(MAIN, USER)).blobs
        for message in self._messages:
            if digest(message) not in there.documents:
                name = blobs.put([message], label="dead-letter")
                assert f"mllp/{name}" in there.letters, "a message of the simulated hospital is lost"

    def _audited(self, house: House) -> None:
        trail = house.seat(MAIN).home.trail
        rows = sum(row.user == USER for _, _, packed, _ in trail.blocks() for row in trail.rows(packed))
        assert rows >= self.ledger.reads, f"{self.ledger.reads} reads were answered and {rows} audited"


def kill(demo: Demo, name: str, after: float | None, found: Found) -> None:
    """Kill it `after` seconds from the first answer, or at a random instant before (None)."""
    victim = demo.start()
    if after is None:
        victim.lives(random.Random(name).uniform(0.1, 3.0))  # noqa: S311 - reproducible
        found.in_start += 1
        found.orphans += victim.kill()
    else:
        assert demo.ready(victim), f"a demo that was killed does not start again: {_last(victim.log)}"
        clients = demo.clients(name)
        clients.answered.wait(READY)
        living = victim.lives(victim.age() + after)
        found.orphans += victim.kill()
        clients.join()
        assert living, f"the demo ended by itself: {_last(victim.log)}"
    found.kills += 1
    demo.check(deep=found.kills % DEEP_EACH == 0)


def kills(number: int, tell: Callable[[str], None]) -> Found:
    """Kill demos `number` times, a few times each."""
    chance, found = random.Random(4), Found()  # noqa: S311 - reproducible
    while found.kills < number:
        with tempfile.TemporaryDirectory(prefix="onmaru-kill-") as scratch:
            demo = Demo(Path(scratch) / "home", found.kills)
            for _ in range(min(A_STORE, number - found.kills)):
                starting = chance.randrange(IN_START) == 0
                kill(demo, f"{found.kills}", None if starting else chance.uniform(0.0, LONGEST), found)
                tell(f"demo: {found.kills} of {number} kills, {demo.position} entries")
            demo.tally(found)
    return found


def _last(log: Path) -> Any:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "nothing was said"
