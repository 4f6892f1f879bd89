"""Surrogate keys in PostgreSQL, given in memory under the append lock and stored with the rows that use them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from onmaru.engines.index.names import SEVERAL_AT_MOST, TYPES, Names
from onmaru.engines.postgres.link import Link

_FIND = """SELECT r.type, r.id, r.rid FROM unnest(?::int4[], ?::text[]) AS w(type, id)
 JOIN res r ON r.type = w.type AND r.id = w.id"""


class PgNames(Names):
    """Names whose new keys wait in `rows` until they are put. `next_rid` is right only under the append lock."""

    def __init__(self, link: Link, key: bytes, next_rid: int) -> None:
        super().__init__(link, key)
        self._link = link
        self.rows: dict[str, list[tuple[Any, ...]]] = {"res": [], "sys": []}
        self.rids = self._given = _Given(link, self.rows["res"], next_rid)
        self.systems = self._systems = _Systems(self.systems, self.rows["sys"])

    @property
    def next_rid(self) -> int:
        """The key that the next new resource gets."""
        return self._given.next

    def ready(self) -> None:
        """Have the look-up of names planned."""
        self._link.execute(_FIND, ([], []))

    def learn(self, next_rid: int) -> None:
        """Take in the keys that another worker gave."""
        self._given.next = max(self._given.next, next_rid)
        self._given.absent.clear()
        # Keys are given in order, but for that of the empty system
        rows = "SELECT s, url FROM sys WHERE s > ? OR s = 0"
        for s, url in self._link.execute(rows, (max(self._systems.values(), default=-1),)):
            dict.__setitem__(self._systems, url, s)

    def all_known(self, names: Sequence[tuple[str, str]]) -> list[int]:
        """The keys of those that have one, in one question where one is not remembered."""
        return list(self.known_of(names).values())

    def known_of(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """The keys of those that have one, by name."""
        known = {name: rid for name in names if (rid := self._given.get(name)) is not None}
        unknown = [name for name in names if name not in known and name not in self._given.absent]
        if unknown:
            known.update(self._given.look(unknown))
        return known

    def people(self, rids: Iterable[int]) -> None:
        """Remember the logical ids of these patients."""
        unknown = [rid for rid in rids if rid not in self._people]
        if unknown:
            self._people.update(self._link.execute("SELECT rid, id FROM res WHERE rid = ANY(?)", (unknown,)))

    def foresee(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Know the keys of all these before they are asked for one by one; new ones are given."""
        self._given.give([name for name in dict.fromkeys(wanted) if name not in self._given])


class _Given(dict[tuple[str, str], int]):
    """Keys of resources by type and id; `next` is the key that a new one gets."""

    def __init__(self, link: Link, new: list[tuple[Any, ...]], next: int) -> None:
        super().__init__()
        self._link = link
        self._new = new
        self.next = next
        # Names that nothing has, as far as this worker knows: what another one names it hears of
        self.absent: set[tuple[str, str]] = set()

    def __missing__(self, name: tuple[str, str]) -> int:
        self.give([name])
        return self[name]

    def give(self, names: Sequence[tuple[str, str]]) -> None:
        """Look all of them up in one question; each that has no key yet gets one."""
        if not names:
            return
        if len(self) >= SEVERAL_AT_MOST and not self._new:
            self.clear()
        numbers = [TYPES.get(type, 0) for type, _ in names]
        found = self._link.execute(_FIND, (numbers, [id for _, id in names]))
        stored = {(type, id): rid for type, id, rid in found}
        fresh = {(type, id): rid for rid, type, id in self._new}
        for number, name in zip(numbers, names, strict=True):
            key = (number, name[1])
            rid = stored.get(key) or fresh.get(key)
            if rid is None:
                rid = fresh[key] = self.next
                self._new.append((rid, *key))
                self.next += 1
            self[name] = rid
        self.absent.difference_update(names)

    def look(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """The keys of those that are stored, remembered, in one question."""
        numbers = [TYPES.get(type, 0) for type, _ in names]
        rows = self._link.execute(_FIND, (numbers, [id for _, id in names]))
        stored = {(type, id): rid for type, id, rid in rows}
        keys = ((name, (number, name[1])) for number, name in zip(numbers, names, strict=True))
        found = {name: stored[key] for name, key in keys if key in stored}
        self.update(found)
        if len(self.absent) >= SEVERAL_AT_MOST:
            self.absent.clear()
        self.absent.update(name for name in names if name not in found)
        return found

    def stored(self, type: str, id: str) -> int | None:
        """The key as it is stored, if it is."""
        if (type, id) in self.absent:
            return None
        number = TYPES.get(type, 0)
        rid: int | None = self._link.execute("SELECT rid FROM res WHERE type = ? AND id = ?", (number, id)).get
        if rid is not None:
            self[type, id] = rid
        elif len(self.absent) < SEVERAL_AT_MOST:
            self.absent.add((type, id))
        return rid


class _Systems(dict[str, int]):
    """Keys of code systems by url."""

    def __init__(self, known: dict[str, int], new: list[tuple[Any, ...]]) -> None:
        super().__init__(known)
        self._new = new

    def __missing__(self, url: str) -> int:
        found = max(self.values(), default=0) + 1 if url else 0
        self._new.append((found, url))
        self[url] = found
        return found
