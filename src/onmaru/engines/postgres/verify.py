"""Proof that a tenant's rows in PostgreSQL are what was written: bodies, chain, audit, witness; deep also index and blobs.

Everything is read at one moment, beside running workers; a body or block that does not open counts as altered.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag

from onmaru.engines.keyring import Keyring
from onmaru.engines.postgres.bodies import Box
from onmaru.engines.postgres.deep import PgDeep
from onmaru.engines.postgres.link import Link, Rows
from onmaru.engines.postgres.schema import schema_of
from onmaru.engines.sqlite.connection import Keys
from onmaru.engines.sqlite.verify import ENTRIES, ERASURES, Report, Verifier, Wrong
from onmaru.engines.witness import Head

# Where the sealed column of a statement's rows is
_SEALED = {ENTRIES: 13, ERASURES: 5}
_BLOCKS = 2


class PgVerifier(Verifier):
    """Reads one tenant's schema."""

    LOG, AUDIT = "entry", "block"

    def __init__(self, address: str, folder: Path, keys: Keys, heads: Sequence[Head]) -> None:
        super().__init__(folder, keys, heads)
        self._address = address

    def run(self) -> Report:
        """Check chain, bodies, audit and witness."""
        return self.examine(None)

    def examine(self, ring: Keyring | None) -> Report:
        """The same; with `ring` index rows and blobs too, when nothing was found wrong before."""
        link = Link(self._address, schema_of(self._keys.tenant))
        try:
            link.script("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            self._read(link)
            if ring is not None and self.report.ok:
                with tempfile.TemporaryDirectory() as scratch:
                    PgDeep(self._folder, self._keys, ring, self.report).compare(link, Path(scratch))
        finally:
            link.close()
        return self.report

    def _read(self, link: Link) -> None:
        if not link.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (schema_of(self._keys.tenant),)):
            self.report.add(Wrong(self.LOG, 1, "the tenant is not in this database"))
            return
        self._wanted()
        rows: Any = _Opened(link, self._keys)
        self.report.add(self._log(rows))
        self.report.add(self._audit(rows))
        self._last = max(self._blocks_seen(link), 0)
        self._witness()
        if self.report.ok:
            self._ends(link)

    def _blocks_seen(self, link: Link) -> int:
        found: int = link.execute("SELECT coalesce(max(n), 0) FROM block").get
        return found

    def _last_block(self) -> int:
        return self._last

    def _ends(self, link: Link) -> None:
        """The head that appenders go by has to be the chain's own end."""
        same = (
            "SELECT 1 FROM head h WHERE h.t = 0 OR EXISTS (SELECT 1 FROM entry e WHERE e.t = h.t AND e.seal = h.seal)"
        )
        if not link.execute(same) or link.execute("SELECT 1 FROM entry WHERE t > (SELECT t FROM head)"):
            self.report.add(Wrong("head", 1, "it is not the last entry's"))
        same = (
            "SELECT 1 FROM tail l WHERE l.n = 0 OR EXISTS (SELECT 1 FROM block b WHERE b.n = l.n AND b.seal = l.seal)"
        )
        if not link.execute(same):
            self.report.add(Wrong("tail", 1, "it is not the last block's"))


class _Opened:
    """The link as `Verifier` asks a file: rows come one after the other, with what is sealed in them opened."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._bodies, self._blocks = Box(keys.pages, "bodies"), Box(keys.pages, "audit")

    def execute(self, sql: str) -> Any:
        """All rows at once of a small question, else an iterator."""
        if " block " in sql:
            return self._rows(sql, self._blocks, _BLOCKS)
        if sql in _SEALED:
            return self._rows(sql, self._bodies, _SEALED[sql])
        found: Rows = self._link.execute(sql)
        return found

    def _rows(self, sql: str, box: Box, column: int) -> Iterator[tuple[Any, ...]]:
        for row in self._link.stream(sql):
            yield (*row[:column], _clear(box, row[0], row[column]), *row[column + 1 :])


def _clear(box: Box, place: int, sealed: bytes | None) -> bytes | None:
    if sealed is None:
        return None
    try:
        return box.open(place, sealed)
    except (InvalidTag, ValueError):
        return b""
