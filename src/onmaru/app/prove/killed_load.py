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

import apsw
import msgspec

from onmaru.app.house import MAIN, House
from onmaru.app.prove import corpus
from onmaru.app.prove.remains import copied, held, opened, place_in
from onmaru.app.prove.victim import Victim
from onmaru.engines.sqlite.connection import connect

# Kills of one store, and patients whose files come into it.
A_STORE = 8
PATIENTS = 6
DEEP_EACH = 5
# Seconds: in which a start lies, between looks at how far it is, and from there to the kill.
IN_START, START, LOOK, WHILE = 0.2, 1.5, 0.03, 0.1
LONGEST = 900.0
# A larger store is verified deep only at its end.
LARGE = 10_000


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
        self.whole = self.wanted.total() + self.marks
        where = place_in(folder)
        folder.mkdir(parents=True)
        self._environ = {
            **os.environ,
            "ONMARU_HOME": str(where.home),
            "ONMARU_KEYS": str(where.keys),
            "ONMARU_WITNESS": str(where.witness),
            "ONMARU_STORE": "",
        }
        self.position = self.rows = 0

    @property
    def share(self) -> float:
        """How much of it all is known to be in."""
        return min(1.0, self.position / self.whole)

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
            copy = copied(self.folder, Path(scratch) / "store")
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


def kill(load: Load, chance: random.Random, found: Found) -> bool:
    """Kill it at a random instant and hold what is left to what was seen; False when it had ended by then.

    One in five falls into its start. The others fall after a random share of what is left, however fast the machine is,
    and a random while more, so that they meet every part of a transaction.
    """
    victim = load.start()
    if chance.random() < IN_START:
        victim.lives(chance.uniform(0.0, START))
    else:
        goal = load.position + chance.random() * (load.whole - load.position)
        while victim.running() and load.seen() < goal:
            victim.lives(victim.age() + LOOK)
        victim.lives(victim.age() + chance.uniform(0.0, WHILE))
    if not victim.running():
        assert victim.status == 0, "a load that goes on where it was killed failed"
        return False
    load.position = max(load.position, load.seen())
    found.orphans += victim.kill()
    found.kills += 1
    load.check(deep=found.kills % DEEP_EACH == 0 and load.whole < LARGE)
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


def kills(number: int, whole: int, tell: Callable[[str], None]) -> Found:
    """Kill loads of a few patients `number - whole` times, then one of the whole corpus `whole` times."""
    chance, found = random.Random(2), Found()  # noqa: S311 - reproducible
    with tempfile.TemporaryDirectory(prefix="onmaru-kill-") as scratch:
        folder = Path(scratch)
        while found.kills < number - whole:
            store = folder / f"{found.stores}"
            load = _slice(store, chance)
            _series(load, found, (min(found.kills + A_STORE, number - whole), chance, tell))
            shutil.rmtree(store)
        while found.kills < number:
            files = corpus.files()
            load = Load(folder / f"whole-{found.stores}", files, files[0].parent)
            _series(load, found, (number, chance, tell))
            assert found.entries == corpus.ENTRIES, f"the corpus has {found.entries} entries, not {corpus.ENTRIES}"
    return found


def _series(load: Load, found: Found, until: tuple[int, random.Random, Callable[[str], None]]) -> None:
    """Kill one load until that many kills were made or all of it is in, then bring it to its end."""
    upto, chance, tell = until
    killed = True
    while killed and found.kills < upto and load.share < 1.0:
        killed = kill(load, chance, found)
        tell(f"load: {found.kills} kills, {load.share:.0%} of {load.wanted.total()} entries in")
    finished(load, found)


def _slice(store: Path, chance: random.Random) -> Load:
    files = store.parent / f"{store.name}-files"
    shutil.rmtree(files, ignore_errors=True)
    return Load(store, corpus.sliced(chance, PATIENTS, files), files)
