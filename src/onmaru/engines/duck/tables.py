"""The Store of columnar tables of one tenant: projections' tables, followed, and site tables, published."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from onmaru.engines.duck.derivations import Derivations, Wanted
from onmaru.engines.duck.follow import Followed
from onmaru.engines.duck.leases import Leases
from onmaru.engines.duck.manifest import Manifest
from onmaru.engines.duck.nested.codings import NAME, shown
from onmaru.engines.duck.nested.files import Manifest as Nested
from onmaru.engines.duck.nested.followed import FollowedResources, Resources
from onmaru.engines.duck.nested.scope import Scope
from onmaru.engines.duck.nested.shape import seen
from onmaru.engines.duck.nested.sums import NAME as CODED
from onmaru.engines.duck.nested.sums import SHOWN as SUMMED
from onmaru.engines.duck.reader import Reader
from onmaru.engines.duck.script import Handed, ScriptRun
from onmaru.engines.duck.sites import Sites
from onmaru.engines.duck.sql import behind, bound, narrowed
from onmaru.engines.duck.vault import GONE, Vault, schema
from onmaru.kernel.gate import Sight
from onmaru.kernel.lake import Layout, Script, View
from onmaru.kernel.log import Log, Version
from onmaru.kernel.projection import Projection, Row, Table


class Kept(NamedTuple):
    """The rows of one projection version as they are now."""

    vault: Vault
    manifest: Manifest | Nested


class ColumnarTables:
    """Store (engines/lake.py). `take` may run in one thread while others query."""

    sites = True

    def __init__(self, folder: Path, key: bytes, projections: Sequence[Projection], derivations: Wanted = ()) -> None:
        self._folder = folder / "lake"
        self._key = key
        self._reader = Reader(threads=max(2, os.cpu_count() or 2))
        self.projections = [one for one in projections if any(table.store == "columnar" for table in one.tables)]
        self._followed = {one.name: self._open(one) for one in self.projections}
        self._owners = {table.name: name for name, one in self._followed.items() for table in one.tables}
        self._older = {one.name: older for one in self.projections if (older := self._before(one))}
        self._site = Sites(Vault(self._folder / "site", key))
        self._writing = threading.Lock()
        self._leases = Leases()
        self.derivations = Derivations(self._folder / "derived", key, derivations, self._leases)
        self.derivations.source = lambda name, scope, after: self._select(name, self._of(name), scope, after)
        self.derivations.stands = lambda name: self._kept(name).manifest.position
        self.derivations.sites = self._site.files
        for projection in self.projections:
            self._settle(projection, erased=False)

    def _open(self, projection: Projection) -> Followed | FollowedResources:
        folder = self._folder / projection.name / str(projection.version)
        if isinstance(projection, Resources):
            return FollowedResources(folder, self._key)
        return Followed(folder, self._key, self._reader, projection)

    def _before(self, projection: Projection) -> Kept | None:
        """The version that served last, if its rows answer today's views: it serves until the new one has caught up."""
        followed = self._followed[projection.name]
        found = []
        for folder in (self._folder / projection.name).iterdir():
            manifest = followed.serving(folder) if folder.name != str(projection.version) else None
            if manifest:
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

    def _kept(self, name: str, asked: Sequence[str] = ()) -> Kept:
        """The rows of a projection that serve now; the present ones for who asks for codings, which no older version has."""
        present = self._followed[name]
        older = None if NAME in asked or CODED in asked else self._older.get(name)
        return older or Kept(present.vault, present.manifest)

    def _owner(self, table: str) -> str:
        """The projection that keeps a table; "" for a site table."""
        return self._owners.get(table, "")

    @property
    def tables(self) -> Mapping[str, tuple[Table, str]]:
        """Every table: of projections and of the site."""
        site = {name: (table, "site") for name, table in self._site.tables().items()}
        kept = {table.name: (table, name) for name, one in self._followed.items() for table in one.tables}
        derived = {name: (table, "derived") for name, table in self.derivations.tables.items()}
        return {**derived, **site, **kept}

    def position(self, projection: Projection) -> int:
        """How far this projection has followed."""
        return self._followed[projection.name].manifest.position

    def batch(self, projection: Projection) -> int:
        """How many versions it takes at a time."""
        return self._followed[projection.name].batch

    def catch_up(self, projection: Projection, log: Log, limit: int = 0) -> bool:
        """Follow one batch, 0 of the size that suits the projection; False when there was nothing to follow."""
        batch = log.read(self.position(projection), limit or self.batch(projection))
        if batch:
            self.take(projection, batch, {})
        return bool(batch)

    def take(self, projection: Projection, batch: Sequence[Version], made: Mapping[int, Sequence[Row]]) -> None:
        """Follow versions that come right after the position, in one atomic step; see `rows_of` for `made`."""
        with self._writing:
            followed = self._followed[projection.name]
            retired = followed.take(batch, made)
            self._leases.retire(partial(followed.vault.remove, retired))
            self.derivations.note(projection, batch)
            if projection.name in self._older:
                # What is erased must not be served by the version before either.
                self._settle(projection, erased=any(version.op == "erase" for version in batch))

    def query(self, view: View, params: Mapping[str, Any], sight: Sight, t: int | None = None) -> pa.Table:
        """Run a view over what `sight` sees, of resource tables as they were at `t`."""
        with self._handed(view.tables, sight, t) as handed:
            views, more = behind(handed.tables, handed.bound)
            return self._reader.table(*bound(view.sql, params), {**handed.parts, **more}, views)

    def script(self, script: Script, given: Mapping[str, pa.Table], sight: Sight, t: int | None = None) -> ScriptRun:
        """A run of the script over what `sight` sees, of resource tables as they were at `t`."""

        @contextmanager
        def handed() -> Iterator[Handed]:
            with self._handed(script.tables, sight, t) as found:
                yield found._replace(parts={**found.parts, **given})

        return ScriptRun(script, handed)

    @contextmanager
    def _handed(self, names: Sequence[str], sight: Sight, t: int | None) -> Iterator[Handed]:
        """The tables' files, held meanwhile, each behind the SELECT that narrows it."""
        self.derivations.freshen(names)
        with self._leases.reading():
            scope = Scope(sight, t)
            kept = {owner: self._kept(owner, names) for name in names if (owner := self._owner(name))}
            selects = dict(self.derivations.selects(names, scope))
            for name in names:
                if name not in selects:
                    selects[name] = self._select(name, kept.get(self._owner(name)), scope)
            yield Handed(scope.parts, selects, scope.given)

    def _of(self, name: str) -> Kept | None:
        """The rows of the projection that keeps a table; None for a site table."""
        owner = self._owner(name)
        return self._kept(owner) if owner else None

    def _select(self, name: str, kept: Kept | None, scope: Scope, after: int = 0) -> str:
        """Hand over one table's files; the SELECT that narrows it. `after`: leave out files of a projection that hold
        nothing after that position.
        """
        if kept is None:
            return self._of_site(name, scope.parts)
        if isinstance(kept.manifest, Nested):
            if name == NAME:
                return scope.codings(kept.vault, kept.manifest)
            if name == CODED:
                return scope.coded(kept.vault, kept.manifest)
            return scope.select(kept.vault, name, kept.manifest.of(name))
        table = next(one for one in kept.manifest.tables if one.name == name)
        rows, ended = (f"__{'new_' if after else ''}{one}{name}" for one in ("", "gone_"))
        scope.parts[rows] = kept.vault.rows(kept.manifest.files(name, after), schema(table))
        gone = kept.manifest.gone(after)
        if gone:
            scope.parts[ended] = kept.vault.rows(gone, GONE)
        select, given = narrowed(f'"{rows}"', f'"{ended}"' if gone else "", scope.sight)
        scope.given.update(given)
        return select

    def _of_site(self, name: str, parts: dict[str, Any]) -> str:
        parts[f"__{name}"] = self._site.dataset(name) if self._site.has(name) else self.derivations.empty(name)
        return f'SELECT * FROM "__{name}"'

    def publish(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Replace a site table."""
        if self._owner(name) or self.derivations.owns(name):
            raise LookupError(f"{name}: a projection keeps this table")
        with self._writing:
            retired = self._site.publish(name, table)
            self._leases.retire(partial(self._site.vault.remove, retired))

    def published(self) -> Sequence[str]:
        """The site tables that somebody has published."""
        return tuple(self._site.tables())

    def reached(self, names: Sequence[str]) -> int:
        """The position that all projections of these tables have followed to; 0 when the site keeps them all."""
        self.derivations.freshen(names)
        owners = {owner for name in names if (owner := self._owner(name))}
        kept = [self._kept(owner, names).manifest.position for owner in owners]
        return min((*kept, *self.derivations.reached(names)), default=0)

    def keeps_past(self, name: str) -> bool:
        """Whether a table can be asked as it was: a resource table can, and what the site publishes has no past."""
        owner = self._owner(name)
        if self.derivations.owns(name):
            return False
        return not owner or isinstance(self._followed[owner], FollowedResources)

    def layout(self, name: str) -> Layout:
        """How a table lies; KeyError when there is none of that name."""
        owner = self._owner(name)
        if self.derivations.owns(name):
            columns, t = self.derivations.columns(name)
            return Layout(columns, 0, 0, t)
        if not owner:
            found = self._site.dataset(name) if self._site.has(name) else self.derivations.empty(name)
            return Layout(found.schema, 0, 0, 0)
        kept = self._kept(owner, (name,))
        if isinstance(kept.manifest, Nested) and name == NAME:
            said = kept.manifest.said()
            return Layout(shown(), len(said), sum(file.bytes for file in said), kept.manifest.position)
        if isinstance(kept.manifest, Nested) and name == CODED:
            files = [name for one in kept.manifest.codings.values() for name in one.sums]
            return Layout(SUMMED, len(files), kept.vault.size(files), kept.manifest.position)
        if isinstance(kept.manifest, Nested):
            nested = kept.manifest.of(name)
            size = sum(file.bytes for file in nested.files)
            return Layout(seen(nested.tree), len(nested.files), size, kept.manifest.position, nested.tree)
        table = next(one for one in kept.manifest.tables if one.name == name)
        files = kept.manifest.files(name)
        return Layout(schema(table), len(files), kept.vault.size(files), kept.manifest.position)

    def close(self) -> None:
        """Let DuckDB go; every file is whole already."""
        self._leases.sweep()
        self.derivations.close()
        self._reader.close()
