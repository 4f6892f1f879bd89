"""The Store of columnar tables of one tenant: projections' tables, followed, and site tables, published."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from onmaru.engines.duck import manifest as manifests
from onmaru.engines.duck.derived import Derived, Source
from onmaru.engines.duck.follow import Followed
from onmaru.engines.duck.leases import Leases
from onmaru.engines.duck.manifest import Manifest
from onmaru.engines.duck.reader import Reader
from onmaru.engines.duck.sites import Sites
from onmaru.engines.duck.sql import narrowed, whole
from onmaru.engines.duck.vault import GONE, Vault, schema
from onmaru.kernel.derivation import Derivation
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.lake import View
from onmaru.kernel.log import Log, Version
from onmaru.kernel.projection import Projection, Row, Table

BATCH = 1000


class Kept(NamedTuple):
    """The rows of one projection version as they are now."""

    vault: Vault
    manifest: Manifest


class ColumnarTables:
    """Store (engines/lake.py). `take` may run in one thread while others query."""

    sites = True

    def __init__(
        self,
        folder: Path,
        key: bytes,
        projections: Sequence[Projection],
        derivations: Sequence[tuple[Derivation, Mapping[str, Any]]] = (),
    ) -> None:
        self._folder = folder / "lake"
        self._key = key
        self._reader = Reader()
        self.projections = [one for one in projections if any(table.store == "columnar" for table in one.tables)]
        self._followed = {one.name: self._open(one) for one in self.projections}
        self._older = {one.name: older for one in self.projections if (older := self._before(one))}
        self._site = Sites(Vault(self._folder / "site", key))
        self._writing = threading.Lock()
        self._leases = Leases()
        self.derivations = derivations
        self._derived = [Derived(self._folder / "derived", key, *one) for one in derivations]
        self.calm: int | None = None  # the thread that must not wait for derived tables; another renews them for it
        for projection in self.projections:
            self._settle(projection, erased=False)

    def _open(self, projection: Projection) -> Followed:
        folder = self._folder / projection.name / str(projection.version)
        return Followed(folder, self._key, self._reader, projection)

    def _before(self, projection: Projection) -> Kept | None:
        """The version that served last, if its rows answer today's views: it serves until the new one has caught up."""
        wanted = self._followed[projection.name].tables
        found = []
        for folder in (self._folder / projection.name).iterdir():
            manifest = manifests.load(folder) if folder.name != str(projection.version) else None
            if manifest and all(_serves(manifest, table) for table in wanted):
                found.append(Kept(Vault(folder, self._key), manifest))
        return max(found, key=lambda kept: kept.manifest.position, default=None)

    def _settle(self, projection: Projection, *, erased: bool) -> None:
        """Once the new version has reached the old one, or something was erased, nothing but the new one is kept."""
        older = self._older.get(projection.name)
        present = self._followed[projection.name]
        if older and not erased and present.manifest.position < older.manifest.position:
            return
        self._older.pop(projection.name, None)
        for folder in present.vault.folder.parent.iterdir():
            if folder != present.vault.folder:
                self._leases.retire(partial(shutil.rmtree, folder, ignore_errors=True))

    def _kept(self, name: str) -> Kept:
        """The rows of a projection that serve now."""
        present = self._followed[name]
        return self._older.get(name) or Kept(present.vault, present.manifest)

    def _owner(self, table: str) -> str:
        """The projection that keeps a table; "" for a site table."""
        owners = (name for name, one in self._followed.items() if any(table == kept.name for kept in one.tables))
        return next(owners, "")

    @property
    def tables(self) -> Mapping[str, tuple[Table, str]]:
        """Every table: of projections and of the site."""
        site = {name: (table, "site") for name, table in self._site.tables().items()}
        kept = {table.name: (table, name) for name, one in self._followed.items() for table in one.tables}
        derived = {name: (table, "derived") for one in self._derived for name, table in one.tables.items()}
        return {**derived, **site, **kept}

    def position(self, projection: Projection) -> int:
        """How far this projection has followed."""
        return self._followed[projection.name].manifest.position

    def catch_up(self, projection: Projection, log: Log, limit: int = BATCH) -> bool:
        """Follow one batch; False when there was nothing to follow."""
        batch = log.read(self.position(projection), limit)
        if batch:
            self.take(projection, batch, {})
        return bool(batch)

    def take(self, projection: Projection, batch: Sequence[Version], made: Mapping[int, Sequence[Row]]) -> None:
        """Follow versions that come right after the position, in one atomic step; see `rows_of` for `made`."""
        with self._writing:
            followed = self._followed[projection.name]
            retired = followed.take(batch, made)
            self._leases.retire(partial(followed.vault.remove, retired))
            self._note(projection, batch)
            if projection.name in self._older:
                # What is erased must not be served by the version before either.
                self._settle(projection, erased=any(version.op == "erase" for version in batch))

    def _note(self, projection: Projection, batch: Sequence[Version]) -> None:
        """Tell what hangs on these rows which versions ended; what was erased leaves at once."""
        mine = [version for version in batch if version.type in projection.types]
        ended = [version.name for version in mine if version.version > 1]
        erased = any(version.op == "erase" for version in mine)
        for one in self._derived:
            if one.derivation.projection == projection.name:
                one.note(ended, erased=erased)
                if erased and one.state.position:
                    self._renewed(one)

    def renew(self) -> None:
        """Make of every derived table what changed."""
        for one in self._derived:
            if self._stale(one):
                with self._writing:
                    if self._stale(one):
                        self._renewed(one)

    def _stale(self, one: Derived) -> bool:
        standing = (self._kept(one.derivation.projection).manifest.position, one.mark(self._site.files()))
        return (one.state.position, one.state.sites) != standing

    def _renewed(self, one: Derived) -> None:
        kept = self._kept(one.derivation.projection)
        source = partial(self._source, sight=ALL, kept=kept)
        left = one.refresh(kept.manifest.position, one.mark(self._site.files()), source)
        self._leases.retire(partial(one.vault.remove, left))

    def _source(self, name: str, parts: dict[str, Any], *, sight: Sight, kept: Kept) -> Source:
        """A base table of a derivation, or a site table."""
        if self._owner(name):
            return Source(*self._part(name, kept, sight, parts))
        return Source(self._of_site(name, parts), {})

    def query(self, view: View, params: Mapping[str, Any], sight: Sight) -> pa.Table:
        """Run a view over what `sight` sees."""
        if self.calm != threading.get_ident() and any(one.keeps(name) for one in self._derived for name in view.tables):
            self.renew()
        with self._leases.reading():
            parts: dict[str, Any] = {}
            scopes: list[tuple[str, str]] = []
            given: dict[str, Any] = {}
            kept = {owner: self._kept(owner) for name in view.tables if (owner := self._owner(name))}
            for one in self._derived:
                names = [name for name in view.tables if one.keeps(name)]
                base = self._kept(one.derivation.projection)
                source = partial(self._source, sight=sight, kept=base)
                for name, (select, more) in one.scopes(names, sight, parts, source):
                    scopes.append((name, select))
                    given.update(more)
            done = {name for name, _ in scopes}
            for name in view.tables:
                if name in done:
                    continue
                owner = self._owner(name)
                select, more = (
                    self._part(name, kept[owner], sight, parts) if owner else (self._of_site(name, parts), {})
                )
                scopes.append((name, select))
                given.update(more)
            text, named = whole(view.sql, scopes, params)
            return self._reader.table(text, {**named, **given}, parts)

    def _part(self, name: str, kept: Kept, sight: Sight, parts: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Hand over one table's files; the SELECT that narrows it, and its parameters."""
        table = next(one for one in kept.manifest.tables if one.name == name)
        parts[f"__{name}"] = kept.vault.dataset(kept.manifest.files(name), schema(table))
        gone = kept.manifest.gone()
        if gone:
            parts[f"__gone_{name}"] = kept.vault.dataset(gone, GONE)
        return narrowed(f'"__{name}"', f'"__gone_{name}"' if gone else "", sight)

    def _of_site(self, name: str, parts: dict[str, Any]) -> str:
        empty = (table for one in self._derived if (table := one.empty(name)) is not None)
        parts[f"__{name}"] = self._site.dataset(name) if name in self._site.tables() else next(empty)
        return f'SELECT * FROM "__{name}"'

    def publish(self, name: str, table: pa.Table) -> None:
        """Replace a site table."""
        if self._owner(name) or any(one.owns(name) for one in self._derived):
            raise LookupError(f"{name}: a projection keeps this table")
        with self._writing:
            retired = self._site.publish(name, table)
            self._leases.retire(partial(self._site.vault.remove, retired))

    def published(self) -> Sequence[str]:
        """The site tables that are not there empty."""
        return tuple(self._site.tables())

    def reached(self, names: Sequence[str]) -> int:
        """The position that all projections of these tables have followed to; 0 when the site keeps them all."""
        owners = {owner for name in names if (owner := self._owner(name))}
        derived = [one.state.position for one in self._derived if any(one.owns(name) for name in names)]
        return min((*derived, *(self._kept(owner).manifest.position for owner in owners)), default=0)

    def close(self) -> None:
        """Let DuckDB go; every file is whole already."""
        self._leases.sweep()
        self._reader.close()


def _serves(kept: Manifest, table: Table) -> bool:
    return any(one.name == table.name and set(table.columns) <= set(one.columns) for one in kept.tables)
