"""Inherited compartments in the index (kernel/compartment.py): who refers to whom, and whose each such version is now.

Its one law: the rows are the least answer to what stands at the index's position, in whatever order it came to be there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

from pyroaring import BitMap

from onmaru.engines.index.database import Database
from onmaru.engines.index.names import TYPES, Names
from onmaru.kernel.compartment import MANY, NOBODYS
from onmaru.kernel.log import Version

NOBODY_KNOWS = 0
# Versions looked at in one go: about four milliseconds of the loop that answers everybody
SLICE = 200
PATIENT = TYPES["Patient"]
LINKS = "SELECT l.rid, r.type FROM link l LEFT JOIN res r ON r.rid = l.rid WHERE l.t = ?"
LAST = "SELECT v.t, v.pats FROM hist h JOIN ver v ON v.t = h.t WHERE h.rid = ? ORDER BY h.t DESC LIMIT 1"
POINTING = "SELECT l.t, v.rid FROM link l JOIN ver v ON v.t = l.t WHERE l.rid = ?"
Whose = frozenset[int]


class Heirs:
    """Notes what a batch changes while its rows are made, and settles it once they are in the tables.

    link(rid, t): the version at t, which does not say itself whose it is, refers to the resource rid. heir(rid, t): it
    inherits the compartment of the patient rid, or NOBODY_KNOWS whose. Most versions have no row in either; those that
    may have are `referring`.
    """

    def __init__(self, db: Database, names: Names) -> None:
        self._db = db
        self._names = names
        self._linked = BitMap([rid for (rid,) in db.execute("SELECT DISTINCT rid FROM link")])
        self.referring = BitMap([t for (t,) in db.execute("SELECT t FROM link UNION SELECT t FROM heir")])
        self._forget()

    def _forget(self) -> None:
        self._fresh: set[int] = set()
        self._deleted: list[tuple[int, int]] = []
        self._erased: dict[int, int] = {}
        self._stood: dict[int, int | None] = {}
        self._known: dict[int, tuple[int, Whose]] = {}

    def note(self, version: Version, rid: int, before: int | None) -> None:
        """Take note of a version about to be indexed; `before` is where the resource stood until now."""
        if version.type == "Patient":
            return
        if rid in self._linked:
            self._stood.setdefault(rid, before)
        if version.op == "delete" and before is not None:
            self._deleted.append((before, version.t))
        elif version.op == "erase" and version.type not in NOBODYS:
            self._erased[rid] = version.t

    def links(self, t: int, names: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
        """Rows of `link` for the version at t, which inherits from the resources of these names."""
        found = [NOBODY_KNOWS if name == MANY else self._names.rid(*name) for name in names]
        self._fresh.add(t)
        self._linked.update(found)
        self.referring.add(t)
        return [(one, t) for one in found]

    def settling(self) -> Iterator[None]:
        """Bring `heir` to what the tables now say, in slices; costs what depends on the batch, nothing where nothing does.

        Readers between two slices find what was hidden before; the last slice puts the new in its place.
        """
        if self._fresh or self._deleted or self._erased or self._stood:
            self._delete()
            self._erase()
            depending = yield from self._depending()
            whose = yield from self._derived(self._fresh | depending)
            self._write(whose)
        self._forget()

    def learn(self, after: int) -> None:
        """Take in what another process wrote about positions above `after`, and whatever it erased."""
        rows: Any = self._db.execute("SELECT rid, t FROM link WHERE t > ?", (after,)).fetchall()
        self._linked.update([rid for rid, _ in rows])
        self.referring.update([t for _, t in rows])
        self.referring.update([t for (t,) in self._db.execute("SELECT t FROM heir WHERE rid = ?", (NOBODY_KNOWS,))])

    def of(self, t: int) -> Whose:
        """Keys of the patients that the version at t inherits."""
        return frozenset([rid for (rid,) in self._db.execute("SELECT rid FROM heir WHERE t = ?", (t,))])

    def positions(self, patients: Iterable[int]) -> BitMap:
        """Positions of all versions that inherit one of these patients' compartments, or nobody knows whose."""
        found = BitMap()
        for rid in (NOBODY_KNOWS, *patients):
            found.update([t for (t,) in self._db.execute("SELECT t FROM heir WHERE rid = ?", (rid,))])
        return found

    def _delete(self) -> None:
        """A deletion refers to what the version before it did."""
        for before, t in self._deleted:
            self._db.execute("INSERT INTO link SELECT rid, ? FROM link WHERE t = ?", (t, before))
            if self._db.changes():
                self._fresh.add(t)
                self.referring.add(t)

    def _erase(self) -> None:
        """Of what was erased, and of when, nobody knows whose it was."""
        for rid, until in self._erased.items():
            rows: Any = self._db.execute("SELECT t FROM hist WHERE rid = ? AND t <= ?", (rid, until)).fetchall()
            for table in ("link", "heir"):
                self._db.executemany(f"DELETE FROM {table} WHERE t = ?", rows)
            self._db.executemany("INSERT INTO heir VALUES(?,?)", [(NOBODY_KNOWS, t) for (t,) in rows])
            positions = [t for (t,) in rows]
            self._fresh.difference_update(positions)
            self.referring.update(positions)

    def _depending(self) -> Generator[None, None, set[int]]:
        """Versions that refer, however far off, to a resource that changed hands in this batch."""
        found: set[int] = set()
        waiting = [rid for rid, before in self._stood.items() if self._moved(rid, before)]
        seen = set(waiting)
        looked = 0
        while waiting:
            looked += 1
            if looked % SLICE == 0:
                yield
            pointing: Any = self._db.execute(POINTING, (waiting.pop(),)).fetchall()
            for t, rid in pointing:
                found.add(t)
                if rid in self._linked and rid not in seen:
                    seen.add(rid)
                    waiting.append(rid)
        return found

    def _moved(self, rid: int, before: int | None) -> bool:
        """Whether a resource may be in other compartments than when it stood at `before`; a changed status moves nothing."""
        last = self._last(rid)
        if last is None or before is None or rid in self._erased:
            return True
        led, leads = self._links(before), self._links(last[0])
        if led or leads:
            return led != leads or self._own(before) != self._own(last[0])
        return last[1] != self._own(before) | self.of(before)

    def _links(self, t: int) -> list[Any]:
        found: list[Any] = self._db.execute("SELECT rid FROM link WHERE t = ? ORDER BY rid", (t,)).fetchall()
        return found

    def _own(self, t: int) -> Whose:
        pats: Any = self._db.execute("SELECT pats FROM ver WHERE t = ?", (t,)).get
        return _numbers(pats or "")

    def _last(self, rid: int) -> tuple[int, Whose] | None:
        """Where a resource stands now and whose it is there, by its own words or what is stored of its inheritance."""
        known = self._known.get(rid)
        if known is None:
            row: Any = self._db.execute(LAST, (rid,)).fetchone()
            if row is None:
                return None
            known = self._known[rid] = (row[0], _numbers(row[1]) | self.of(row[0]))
        return known

    def _derived(self, affected: set[int]) -> Generator[None, None, dict[int, set[int]]]:
        """Whose compartments each of these versions inherits: the least sets that agree with each other."""
        whose: dict[int, set[int]] = {t: set() for t in affected}
        hands_on: dict[int, list[int]] = {}
        count = 0
        for t in affected:
            targets: Any = self._db.execute(LINKS, (t,)).fetchall()
            for rid, type in targets:
                count += 1
                if count % SLICE == 0:
                    yield
                said = type == PATIENT or rid == NOBODY_KNOWS
                last, patients = (0, frozenset({rid})) if said else self._last(rid) or (0, frozenset())
                if last in affected:
                    hands_on.setdefault(last, []).append(t)
                    patients = self._own(last)
                whose[t] |= patients
        waiting = [t for t in hands_on if whose[t]]
        while waiting:
            one = waiting.pop()
            for t in hands_on.get(one, ()):
                if not whose[one] <= whose[t]:
                    whose[t] |= whose[one]
                    waiting.append(t)
        return whose

    def _write(self, whose: dict[int, set[int]]) -> None:
        gone: list[tuple[int, int]] = []
        come: list[tuple[int, int]] = []
        for t, patients in whose.items():
            stored = self.of(t)
            gone += [(rid, t) for rid in stored - patients]
            come += [(rid, t) for rid in patients - stored]
        self._db.executemany("DELETE FROM heir WHERE rid = ? AND t = ?", gone)
        self._db.executemany("INSERT INTO heir VALUES(?,?)", sorted(come))


def _numbers(pats: str) -> Whose:
    return frozenset(map(int, filter(None, pats.split(","))))
