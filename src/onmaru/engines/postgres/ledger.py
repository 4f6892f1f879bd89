"""The subscriptions' ledger in the tenant's schema, for all its workers; the one that leads writes how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from onmaru.engines.postgres.bodies import Box
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import schema_of
from onmaru.fhir.outcome import invalid
from onmaru.kernel.subscribing import KEPT, Owner, Progress

# The number under which workers agree on who leads
LEADING = 7295303
_TABLES = """
CREATE TABLE IF NOT EXISTS told_owner(id text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE IF NOT EXISTS told_progress(id text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE IF NOT EXISTS told_event(id text COLLATE "C", n int8, t int8 NOT NULL, PRIMARY KEY(id, n));
"""
_OWN = "INSERT INTO told_owner VALUES(?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value"
_KEEP = "INSERT INTO told_progress VALUES(?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value"
_TELL = "INSERT INTO told_event VALUES(?, ?, ?) ON CONFLICT (id, n) DO UPDATE SET t = excluded.t"
# Objects of a lock with two keys: the second is the schema's
_HELD = """SELECT EXISTS(SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
 AND classid = ?::int8::oid AND objid = (hashtext(?)::int8 & 4294967295)::oid AND granted)"""
_LEAD = "SELECT pg_try_advisory_lock(?::int4, hashtext(?))"


class PgLedger:
    """Ledger (kernel/subscribing.py). The connection is opened when first needed; it holds the lead with it."""

    def __init__(self, address: str, tenant: str, key: bytes) -> None:
        self._address = address
        self._schema = schema_of(tenant)
        self._box = Box(key, "subscriptions")
        self._opened: Link | None = None

    @property
    def _link(self) -> Link:
        if self._opened is None:
            self._opened = Link(self._address, self._schema)
            with self._opened.transaction():
                self._opened.execute("SELECT pg_advisory_xact_lock(?::int8)::text", (LEADING,))
                self._opened.script(_TABLES)
        return self._opened

    def rows(self) -> Sequence[tuple[str, Owner]]:
        found = self._link.execute("SELECT id, value FROM told_owner ORDER BY id")
        return [(id, self._read(value, Owner)) for id, value in found]

    def row(self, id: str) -> tuple[Owner | None, Progress | None]:
        owner = self._link.execute("SELECT value FROM told_owner WHERE id = ?", (id,)).get
        found = self._link.execute("SELECT value FROM told_progress WHERE id = ?", (id,)).get
        return (
            self._read(owner, Owner) if owner is not None else None,
            self._read(found, Progress) if found is not None else None,
        )

    def own(self, id: str, owner: Owner | None) -> None:
        if owner is not None:
            self._link.execute(_OWN, (id, self._sealed(owner)))
            return
        with self._link.transaction():
            for table in ("told_owner", "told_progress", "told_event"):
                self._link.execute(f"DELETE FROM {table} WHERE id = ?", (id,))

    def keep(self, rows: Sequence[tuple[str, Progress]], events: Sequence[tuple[str, int, int]] = ()) -> None:
        """`Invalid` 503 once another worker leads: what is kept is its to write."""
        with self._link.transaction():
            if not self._link.execute(_HELD, (LEADING, self._schema)).get:
                raise invalid("transient", "another worker serves the subscriptions of this tenant", status=503)
            self._link.executemany(_KEEP, [(id, self._sealed(row)) for id, row in rows])
            self._link.executemany(_TELL, events)
            for id, number in {id: number for id, number, _ in events}.items():
                self._link.execute("DELETE FROM told_event WHERE id = ? AND n <= ?", (id, number - KEPT))

    def events(self, id: str, since: int, until: int, count: int) -> Sequence[tuple[int, int]]:
        found = self._link.execute(
            "SELECT n, t FROM told_event WHERE id = ? AND n BETWEEN ? AND ? ORDER BY n LIMIT ?",
            (id, since, until, count),
        )
        return [(number, t) for number, t in found]

    def lead(self) -> bool:
        held = self._link.execute(_HELD, (LEADING, self._schema)).get
        return bool(held or self._link.execute(_LEAD, (LEADING, self._schema)).get)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _sealed(self, kept: Owner | Progress) -> bytes:
        return self._box.seal(0, msgspec.msgpack.encode(kept))

    def _read(self, value: bytes, kind: type[Any]) -> Any:
        return msgspec.msgpack.decode(self._box.open(0, value), type=kind)
