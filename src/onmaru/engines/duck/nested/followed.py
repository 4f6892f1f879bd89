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
from onmaru.engines.duck.nested.compaction import Compactor
from onmaru.engines.duck.nested.files import ENDS, File, Kept, Manifest
from onmaru.engines.duck.nested.shape import schema
from onmaru.engines.duck.vault import Vault
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table


class Resources:
    """Projection (kernel/projection.py) whose rows an engine makes of the bodies themselves, so `apply` makes none.

    A table's columns are those that its resources fill (`Lake.layout`); every table has `id`.
    """

    name = "resources"
    version = 1
    types: frozenset[str] = frozenset()
    tables = tuple(Table(name, (("id", "text"),)) for name in sorted(RESOURCE_TYPES))

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
        self.vault.remove(self.vault.names() - self.manifest.names())

    def serving(self, folder: Path) -> Manifest | None:
        """What another version left in its folder."""
        return manifests.load(folder)

    def contents(self) -> Iterator[tuple[str, Any]]:
        """(table, data set) of all that the files hold, of every past too."""
        for name, kept in self.manifest.tables.items():
            yield name, self.vault.dataset(list(manifests.names([*kept.standing, *kept.past])), schema(kept.tree))
            yield f"{name} ends", self.vault.dataset(list(manifests.names(kept.ends)), ENDS)

    def take(self, batch: Sequence[Version], made: Mapping[int, Sequence[Row]]) -> set[str]:
        """Follow a batch in one atomic step; the names of files that count no more."""
        span = (batch[0].t, batch[-1].t)
        tables = dict(self.manifest.tables)
        for type, share in shares(batch).items():
            kept = self.manifest.of(type)
            if share.erased:
                kept = self._compactor.scrubbed(kept, sorted(share.erased))
            tables[type] = self._compactor.compacted(self._added(kept, share, span))
        self.vault.sync()
        manifest = Manifest(span[1], {type: kept for type, kept in tables.items() if kept.files})
        manifests.save(self.vault.folder, manifest)
        left = (self.manifest.names() | self.vault.fresh) - manifest.names()
        self.manifest = manifest
        self.vault.fresh.clear()
        return left

    def _added(self, kept: Kept, share: Share, span: tuple[int, int]) -> Kept:
        if share.begun:
            rows, tree = share.rows(kept.tree)
            kept = replace(kept, tree=tree, standing=(*kept.standing, *self._written(rows, schema(tree), span)))
        return replace(kept, ends=(*kept.ends, *self._written(share.ends(), ENDS, span)))

    def _written(self, rows: pa.Table, of: pa.Schema, span: tuple[int, int]) -> Iterator[File]:
        with self.vault.writing(of) as written:
            for batch in rows.to_batches():
                written.add(batch)
        if written.rows:
            yield File(written.name, written.rows, written.bytes, *span)
