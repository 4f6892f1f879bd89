"""The Log in PostgreSQL: `entry` holds the sealed headers for ever, `body` what can be erased, encrypted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from onmaru.engines.chain import Body, Chain, Row, unpack, version_of
from onmaru.engines.packing import packer
from onmaru.engines.postgres.bodies import Box
from onmaru.engines.postgres.link import Link, columns
from onmaru.engines.postgres.schema import BODY, ENTRY
from onmaru.kernel.log import Draft, Version

# The name of an erased version is that of the erasure which took it.
SELECT = """SELECT e.t, coalesce(b.type, y.type), coalesce(b.id, y.id), e.ver, e.op, e.at, b.z,
 e.caller, e.purpose, e.request
FROM entry e LEFT JOIN body b ON b.t = e.t LEFT JOIN erased x ON x.t = e.t LEFT JOIN body y ON y.t = x.by """
# The newest version of a resource; what is erased, or of a group that is not written yet, has no body or entry here
NEWEST = """SELECT v.pats, v.t, b.type, b.id, e.ver, e.op, e.at, b.z, e.caller, e.purpose, e.request
FROM ver v LEFT JOIN entry e ON e.t = v.t LEFT JOIN body b ON b.t = v.t WHERE v.t = (SELECT t FROM hist
 WHERE rid = (SELECT rid FROM res WHERE type = ? AND id = ?) AND t <= ? ORDER BY t DESC LIMIT 1)"""
_ENTRIES = ", ".join(f"${n}::{type}[]" for n, type in enumerate(ENTRY, start=1))
_BODIES = ", ".join(f"${n}::{type}[]" for n, type in enumerate(BODY, start=len(ENTRY) + 1))
# Bodies of some positions, up to the one that brings them to so many bytes
MANY = """SELECT t, z FROM (SELECT t, z, sum(length(z)) OVER (ORDER BY t) - length(z) AS before FROM body
 WHERE t = ANY(?) AND z IS NOT NULL) x WHERE before < ?::int8 ORDER BY t"""
# Bodies asked for in one go
PART = 2_000
# Times whose positions are remembered
TIMES = 10_000
_LAST = len(ENTRY) + len(BODY)
# Entries, bodies and the head in one statement, under the lock of the head's row
PUT = f"""WITH e AS (INSERT INTO entry SELECT * FROM unnest({_ENTRIES})),
 b AS (INSERT INTO body SELECT * FROM unnest({_BODIES}))
 UPDATE head SET t = ${_LAST + 1}, at = ${_LAST + 2}, seal = ${_LAST + 3}, rid = ${_LAST + 4}"""


class PgLog:
    """One tenant's entries, read on `link`. Appends collect in memory; `put` writes them into the open transaction."""

    def __init__(self, link: Link, bodies: bytes, chain: Chain) -> None:
        self._link = link
        self._box = Box(bodies, "bodies")
        self.chain = chain
        self.pending: list[Version] = []
        self._entries: list[Row] = []
        self._bodies: list[Body] = []
        self._erasures: list[tuple[int, Sequence[int]]] = []
        self.durable = chain.t
        # Positions before a time that has passed stay what they are
        self._times: dict[int, int] = {}
        self._pack = packer()

    @property
    def seal(self) -> bytes:
        """The seal at the tip."""
        return self.chain.seal

    def append(self, drafts: Sequence[Draft]) -> Sequence[Version]:
        """Give positions; stamp, seal and buffer."""
        salts = os.urandom(16 * len(drafts))
        made = []
        for number, draft in enumerate(drafts):
            version, entry, body = self.chain.add(draft, salts[16 * number : 16 * number + 16])
            made.append(version)
            self._entries.append(entry)
            self._bodies.append(body)
            if draft.op == "erase":
                self._erasures.append((version.t, draft.erases))
        self.pending += made
        return made

    def put(self, next_rid: int) -> None:
        """Write what is buffered, with the head it makes."""
        if not self._entries:
            return
        chain, bodies = self.chain, [self._stored(row) for row in self._bodies]
        arrays = [*columns(self._entries), *columns(bodies)]
        self._link.execute(PUT, (*arrays, chain.t, chain.at, chain.seal, next_rid))
        for by, taken in self._erasures:
            self._erase(by, list(taken))
        self._entries, self._bodies, self._erasures = [], [], []

    def _stored(self, row: Body) -> Row:
        t, salt, type, id, body = row
        return t, salt, type, id, None if body is None else self._box.seal(t, self._pack(body))

    def _erase(self, by: int, taken: list[int]) -> None:
        """Take salt, type, id and body of earlier versions; their headers and the chain stay."""
        self._link.execute(
            "INSERT INTO erased SELECT t, ? FROM unnest(?::int8[]) AS w(t) ON CONFLICT (t) DO UPDATE SET by = excluded.by",
            (by, taken),
        )
        self._link.execute("DELETE FROM body WHERE t = ANY(?)", (taken,))

    def written(self) -> None:
        """What was pending is committed."""
        self.pending = []

    def given_up(self, chain: Chain) -> None:
        """What was pending will never be; the chain ends where the database says."""
        self.chain = chain
        self.pending, self._entries, self._bodies, self._erasures = [], [], [], []
        self._times.clear()

    def opened(self, row: Any) -> Version:
        """A version from a row of SELECT."""
        t, type, id, ver, op, at, z, *who = row
        clear = None if z is None or op == "erase" else self._box.open(t, z)
        return version_of((t, type, id, ver, op, at, clear, *who))

    def read(self, after: int, limit: int) -> Sequence[Version]:
        """Durable versions at after+1 …; an erased one has no body."""
        return self.between(after, min(after + limit, self.durable))

    def between(self, after: int, t: int) -> list[Version]:
        """The stored versions at after+1 … t."""
        rows = self._link.execute(SELECT + "WHERE e.t > ? AND e.t <= ? ORDER BY e.t", (after, t))
        return [self.opened(row) for row in rows]

    def some(self, positions: Sequence[int]) -> list[Version]:
        """The stored versions at these positions."""
        return [self.opened(row) for row in self._link.execute(SELECT + "WHERE e.t = ANY(?)", (list(positions),))]

    def many(self, link: Link, positions: Sequence[int], most: int) -> tuple[int, list[bytes]]:
        """See `Log.bodies`; asked for in parts that are no larger than they have to be."""
        found: list[bytes] = []
        size = done = 0
        while done < len(positions) and size < most:
            part = list(positions[done : done + PART])
            rows = link.execute(MANY, (part, most))
            last = rows[-1][0] if sum(len(z) for _, z in rows) >= most else part[-1]
            for t, z in rows:
                if size >= most:
                    last = t - 1
                    break
                found.append(unpack(self._box.open(t, z)))
                size += len(found[-1])
            done += sum(1 for t in part if t <= last)
        return done, found

    def newest(self, type: int, id: str, t: int) -> tuple[int, str, Version | None] | None:
        """The newest position at or below t, the keys of its patients, and the version where it is stored whole."""
        row = self._link.execute(NEWEST, (type, id, t)).fetchone()
        if row is None:
            return None
        pats, *stored = row
        return stored[0], pats, self.opened(stored) if stored[1] is not None and stored[3] is not None else None

    def version(self, t: int) -> Version | None:
        """The version at one position, durable or not yet."""
        if self.pending and t >= self.pending[0].t:
            return self.pending[t - self.pending[0].t] if t <= self.chain.t else None
        row = self._link.execute(SELECT + "WHERE e.t = ?", (t,)).fetchone()
        return self.opened(row) if row else None

    def seal_at(self, t: int, genesis: bytes) -> bytes:
        """The seal of a stored entry; before the first one the chain's beginning."""
        found = self._link.execute("SELECT seal FROM entry WHERE t = ?", (t,)).get
        return found if isinstance(found, bytes) else genesis

    def at(self, microseconds: int) -> int:
        """The last position recorded before `microseconds`."""
        if microseconds > self.chain.at:
            return self.chain.t
        found = next((v.t - 1 for v in self.pending if v.at >= microseconds), self.chain.t)
        stored = self.chain.t - len(self.pending)
        if found > stored or not stored:
            return found
        earlier = self._times.get(microseconds)
        if earlier is None:
            if len(self._times) >= TIMES:
                self._times.clear()
            earlier = self._link.execute("SELECT recorded_before(?, ?)", (microseconds, stored)).get
            self._times[microseconds] = earlier
        return earlier
