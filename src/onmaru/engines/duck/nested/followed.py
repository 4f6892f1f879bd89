"""The resource tables follow the log.

Its one law: a batch's files are durable before the manifest that names them and the position they reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from msgspec.structs import replace

from onmaru.engines.duck.nested import files as manifests
from onmaru.engines.duck.nested.batch import Share, shares
from onmaru.engines.duck.nested.codings import COLUMNS, LARGEST, NAME, ORDER, codings, tree
from onmaru.engines.duck.nested.compaction import Compactor
from onmaru.engines.duck.nested.files import ENDS, File, Kept, Manifest
from onmaru.engines.duck.nested.shape import schema
from onmaru.engines.duck.nested.sums import NAME as CODED
from onmaru.engines.duck.nested.sums import SHOWN, SUMS, summed
from onmaru.engines.duck.vault import Vault
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.log import Version
from onmaru.kernel.projection import ColumnType, Row, Table

_KINDS: Mapping[Any, ColumnType] = {pa.string(): "text", pa.int64(): "int", pa.float64(): "float"}


class Resources:
    """Projection (kernel/projection.py) whose rows an engine makes of the bodies themselves, so `apply` makes none.

    A table's columns are those that its resources fill (`Lake.layout`); every table has `id`. One more is made of these.
    """

    name = "resources"
    version = 2
    types: frozenset[str] = frozenset()
    tables = (
        *(Table(name, (("id", "text"),)) for name in sorted(RESOURCE_TYPES)),
        Table(NAME, (("type", "text"), *((name, "text") for name in COLUMNS))),
        Table(CODED, tuple((field.name, _KINDS[field.type]) for field in SHOWN if field.name != "_patient")),
    )

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        """None."""
        return ()


class FollowedResources:
    """The files of one version of the layout, in a folder of their own. `batch`: how many versions it takes at a time."""

    batch = 10_000
    tables = Resources.tables

    def __init__(self, folder: Path, key: bytes) -> None:
        self.vault = Vault(folder, key)
        self.manifest = manifests.load(folder) or Manifest()
        self._compactor = Compactor(self.vault)
        self._flattened = Compactor(self.vault, ORDER, LARGEST, summed)
        self.vault.remove(self.vault.names() - self.manifest.names())

    def serving(self, folder: Path) -> Manifest | None:
        """What another version left in its folder."""
        return manifests.load(folder)

    def contents(self) -> Iterator[tuple[str, Any]]:
        """(table, data set) of all that the files hold, of every past too."""
        flat = ((f"{NAME} {name}", kept) for name, kept in self.manifest.codings.items())
        for name, kept in (*self.manifest.tables.items(), *flat):
            yield name, self.vault.dataset(list(manifests.names([*kept.standing, *kept.past])), schema(kept.tree))
            yield f"{name} ends", self.vault.dataset(list(manifests.names(kept.ends)), ENDS)
            yield f"{name} sums", self.vault.dataset(list(kept.sums), SUMS)

    def take(self, batch: Sequence[Version], made: Mapping[int, Sequence[Row]]) -> set[str]:
        """Follow a batch in one atomic step; the names of files that count no more."""
        span = (batch[0].t, batch[-1].t)
        tables, flat = dict(self.manifest.tables), dict(self.manifest.codings)
        for type, share in shares(batch).items():
            kept, before = self.manifest.of(type), flat.get(type, Kept(tree(type)))
            said = before
            if share.erased:
                erased = sorted(share.erased)
                kept, said = self._compactor.scrubbed(kept, erased), self._flattened.scrubbed(said, erased)
            kept, said = self._added((kept, said), share, span)
            tables[type], flat[type] = self._compactor.compacted(kept), self._flattened.compacted(said).after(before)
        self.vault.sync()
        manifest = Manifest(span[1], _filled(tables), _filled(flat))
        manifests.save(self.vault.folder, manifest)
        left = (self.manifest.names() | self.vault.fresh) - manifest.names()
        self.manifest = manifest
        self.vault.fresh.clear()
        return left

    def _added(self, before: tuple[Kept, Kept], share: Share, span: tuple[int, int]) -> tuple[Kept, Kept]:
        """A type's rows and its codings, with what the share begins and ends."""
        kept, said = before
        if share.begun:
            rows, grown = share.rows(kept.tree)
            kept = replace(kept, tree=grown, standing=(*kept.standing, *self._written(rows, schema(grown), span)))
            found = codings(kept.tree.type, rows)
            if found is not None:
                files = self._written(found, schema(said.tree), span, ORDER)
                said = replace(said, standing=(*said.standing, *files))
        ended = share.ends()
        kept = replace(kept, ends=(*kept.ends, *self._written(ended, ENDS, span)))
        if said.standing:
            said = replace(said, ends=(*said.ends, *self._written(ended, ENDS, span)))
        return kept, said

    def _written(
        self, rows: pa.Table, of: pa.Schema, span: tuple[int, int], order: Sequence[str] = ()
    ) -> Iterator[File]:
        with self.vault.writing(of, order, summed if order else None) as written:
            for batch in rows.to_batches():
                written.add(batch)
        if written.rows:
            yield File(written.name, written.rows, written.bytes, *span, sums=written.beside)


def _filled(tables: Mapping[str, Kept]) -> dict[str, Kept]:
    return {type: kept for type, kept in tables.items() if kept.files}
