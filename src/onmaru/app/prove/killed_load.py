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
from onmaru.app.prove.remains import copied, held, opened, place_in
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
            copy = copied(self.folder, Path(scratch) / "store")
            with opened(place_in(copy), begun=self.position > 0, deep=deep) as house:
                self.position, self.rows = held(house, self.position, self.rows)
                while found.kills < number:
            files = corpus.files()
            load = Load(folder / f"whole-{found.stores}", files, files[0].parent)
            pace = _series(load, pace, found, (number, chance, tell))
            assert found.entries == corpus.ENTRIES, f"the corpus has {found.entries} entries, not {corpus.ENTRIES}"
    return found


def _series(load: Load, pace: Pace, found: Found, until: tuple[int, random.Random, Callable[[str], None]]) -> Pace:
    """Kill one load until that many kills were made or it has come to its end, then bring it there; the pace it showed."""
    upto, chance, tell = until
    killed = True
    while killed and found.kills < upto:
        killed = kill(load, instant(chance, pace, load), found)
        pace = pace.after(killed=killed)
        tell(f"load: {found.kills} kills, {load.share:.0%} of {load.wanted.total()} entries in")
    finished(load, found)
    return pace


def _slice(store: Path, chance: random.Random) -> Load:
    files = store.parent / f"{store.name}-files"
    shutil.rmtree(files, ignore_errors=True)
    return Load(store, corpus.sliced(chance, PATIENTS, files), files)
