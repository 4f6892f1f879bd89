"""kill -9 of a real `onmaru load` at random instants, resumed on the same store until it is whole: each entry once."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec

from onmaru.app.house import MAIN, House
from onmaru.app.prove import corpus
from onmaru.app.prove.remains import held, opened, place_in
from onmaru.app.prove.victim import STEP, Victim
from onmaru.engines.sqlite.connection import connect

# Kills of one store, and patients whose files come into it.
A_STORE = 8
PATIENTS = 6
DEEP_EACH = 5
LONGEST = 900.0


class Found(msgspec.Struct):
    """What the kills came to. `instants`: kills by how much of the load was in the store, in tenths."""

    kills: int = 0
    stores: int = 0
    orphans: int = 0
    entries: int = 0
    instants: Counter[int] = msgspec.field(default_factory=Counter)


class Load:
    """One store and the files that are to come into it."""

    def __init__(self, folder: Path, files: Sequence[Path], named: Path) -> None:
        self.folder = folder
        self._named = named
        self.wanted = corpus.entries(files)
        self.marks = len(files)
        where = place_in(folder)
        folder.mkdir(parents=True)
        self._environ = {
            **os.environ,
            "ONMARU_HOME": str(where.home),
            "ONMARU_KEYS": str(where.keys),
            "ONMARU_WITNESS": str(where.witness),
        }
        self.position = self.rows = 0

    @property
    def share(self) -> float:
        """How much of it all is known to be in."""
        return min(1.0, self.position / (self.wanted.total() + self.marks))

    def start(self) -> Victim:
        """The real command."""
        return Victim(["load", str(self._named), "--json"], self._environ, self.folder / "load.log")

    def seen(self) -> int:
        """The last position that another process sees: it was committed, so no kill may take it away."""
        where = place_in(self.folder)
        log = where.home / "tenants" / MAIN / "log.db"
        if not log.exists():
            return 0
        keys, _ = House(where, rooms=()).keys(MAIN)
        try:
            with contextlib.closing(connect(log, keys.pages, cache_mb=1, readonly=True)) as reader:
                return int(reader.execute("SELECT coalesce(max(t), 0) FROM entry").get)
        except apsw.Error:
            return 0  # the file is being made

    def check(self, *, deep: bool, whole: bool = False) -> None:
        """Hold a copy to what was seen, so that the next start finds the store as the kill left it."""
        with tempfile.TemporaryDirectory(prefix="onmaru-copy-") as scratch:
            copy = shutil.copytree(self.folder, Path(scratch) / "store")
            with opened(place_in(copy), deep=deep) as house:
                self.position, self.rows = held(house, self.position, self.rows)
                if whole:
                    self._whole(house)

    def _whole(self, house: House) -> None:
        found, marks = corpus.stored(house)
        missing, twice = (self.wanted - found).total(), (found - self.wanted).total()
        assert not missing, f"{missing} resources of the files are missing"
        assert not twice, f"{twice} resources are in twice or in no file"
        assert marks == self.marks, f"{self.marks} files left {marks} marks"


class Pace(NamedTuple):
    """How long a load that nobody kills takes until its first entry is in, and from there for each entry."""

    start: float
    entry: float


def timed(load: Load) -> Pace:
    """Run one to its end."""
    victim, begun = load.start(), 0.0
    while victim.running():
        if not begun and load.seen():
            begun = victim.age()
        victim.lives(victim.age() + STEP)
    assert victim.status == 0, "a load that nobody killed failed"
    load.check(deep=True, whole=True)
    return Pace(begun, (victim.age() - begun) / load.position)


def kill(load: Load, after: float, found: Found) -> bool:
    """Kill it `after` seconds from its start and hold what is left to what was seen; False when it had ended by then."""
    victim = load.start()
    if not victim.lives(after):
        assert victim.status == 0, "a load that goes on where it was killed failed"
        return False
    load.position = max(load.position, load.seen())
    found.orphans += victim.kill()
    found.kills += 1
    load.check(deep=found.kills % DEEP_EACH == 0)
    found.instants[round(10 * load.share)] += 1
    return True


def finished(load: Load, found: Found) -> None:
    """Let it run to its end: then every entry of the files is in, once."""
    victim = load.start()
    assert victim.ended(LONGEST) == 0, "a load that goes on where it was killed failed"
    load.check(deep=True, whole=True)
    found.orphans += victim.orphans()
    found.stores += 1
    found.entries = load.wanted.total()


def instant(chance: random.Random, pace: Pace, load: Load) -> float:
    """A random instant of what is left of a load: one in five before its first entry, the others until its end."""
    if chance.random() < 0.2:
        return chance.uniform(0.0, pace.start)
    left = (1 - load.share) * pace.entry * (load.wanted.total() + load.marks)
    return pace.start + chance.uniform(0.0, left)


def kills(number: int, whole: int, tell: Callable[[str], None]) -> Found:
    """Kill loads of a few patients `number - whole` times, then one of the whole corpus `whole` times."""
    chance, found = random.Random(2), Found()  # noqa: S311 - reproducible
    with tempfile.TemporaryDirectory(prefix="onmaru-kill-") as scratch:
        folder = Path(scratch)
        pace = timed(_slice(folder / "pace", chance))
        while found.kills < number - whole:
            store = folder / f"{found.stores}"
            load = _slice(store, chance)
            upto = min(found.kills + A_STORE, number - whole)
            while found.kills < upto and kill(load, instant(chance, pace, load), found):
                tell(f"load: {found.kills} of {number} kills, {load.share:.0%} in")
            finished(load, found)
            shutil.rmtree(store)
        if whole:
            files = corpus.files()
            load = Load(folder / "whole", files, files[0].parent)
            while found.kills < number and kill(load, instant(chance, pace, load), found):
                tell(f"load: {found.kills} of {number} kills, {load.share:.0%} of the whole corpus in")
            finished(load, found)
            assert found.entries == corpus.ENTRIES, f"the corpus has {found.entries} entries, not {corpus.ENTRIES}"
    return found


def _slice(store: Path, chance: random.Random) -> Load:
    files = store.parent / f"{store.name}-files"
    shutil.rmtree(files, ignore_errors=True)
    return Load(store, corpus.sliced(chance, PATIENTS, files), files)
