"""The code systems that one tenant has loaded: a folder of files, read here, written by a load, noticed by its time.

Their licences bind who loads them, so they are encrypted like the record and never leave with it unasked.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import apsw

from onmaru.engines.terms.building import Building, told_about
from onmaru.engines.terms.kept import KeptSystem
from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.canonical import joined
from onmaru.fhir.terminology.system import System
from onmaru.kernel.deliveries import Advance, Delivery, Listed, Outcome


class TermStore:
    """`key` encrypts the pages. `stamp` and `systems` keep the promises of kernel.terms.Loaded."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        # Apart, so that the folder's time tells of finished files only
        self._loading = folder / "loading"
        self._key = key
        self._open: dict[tuple[str, int], KeptSystem] = {}

    def stamp(self) -> object:
        """See Loaded: the folder's time changes with every file that comes or goes."""
        try:
            return self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def systems(self) -> Sequence[System]:
        """See Loaded. A file that does not open with the tenant's key is nobody's."""
        found: dict[tuple[str, int], KeptSystem] = {}
        for path in sorted(self._folder.glob("*.db")):
            name = (path.name, path.stat().st_ino)
            try:
                found[name] = self._open.get(name) or KeptSystem(path, self._key)
            except (apsw.Error, ValueError):
                continue
        # What was handed out before may still be asked, by a thread under way: it is let go with its last user
        self._open = found
        return list(found.values())

    def listed(self) -> list[Listed]:
        """Everything there is, broken loads too, by url and version."""
        found = []
        for path in sorted([*self._folder.glob("*.db"), *self._loading.glob("*.loading")]):
            told = told_about(path, self._key)
            if told is not None:
                about, count = told
                title, whole = about.title or about.name, path.suffix == ".db"
                found.append(Listed(about.url, about.version, title, count, path.stat().st_size, whole))
        return sorted(found, key=lambda one: (one.url, one.version, one.whole))

    def load(self, delivery: Delivery, advance: Advance) -> Outcome:
        """Load a system, in place of what was loaded under its url and version before.

        Raises Invalid 422 for a delivery that is not of its form, 409 while another load of the same is under way.
        """
        self._loading.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = _name(delivery.about.url, delivery.about.version)
        path = self._loading / f"{name}.loading"
        with self._alone(name):
            building = Building(path, self._key, delivery)
            try:
                outcome = building.run(advance)
            except BaseException:
                building.close()
                raise
            building.place(self._folder / f"{name}.db")
        return outcome

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        with (self._loading / f"{name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise invalid("lock-error", "this system is being loaded already", status=409) from None
            yield

    def remove(self, url: str, version: str = "") -> int:
        """Remove a system, in every version where none is named; how many files went."""
        gone = 0
        for one in self.listed():
            if one.url == url and version in ("", one.version):
                stem = _name(one.url, one.version)
                path = self._folder / f"{stem}.db" if one.whole else self._loading / f"{stem}.loading"
                for ending in ("", "-wal", "-shm"):
                    path.with_name(path.name + ending).unlink(missing_ok=True)
                gone += 1
        return gone


def _name(url: str, version: str) -> str:
    return sha256(joined(url, version).encode()).hexdigest()[:24]
