"""A folder of encrypted Parquet files. Each file has a key of its own; a file is whole and durable before it is named."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from pyarrow.fs import LocalFileSystem

from onmaru.engines.duck.footers import Footers
from onmaru.engines.duck.recall import Recall
from onmaru.engines.keyring import sync_folder
from onmaru.kernel.projection import ColumnType, Table

TYPES: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
OWN = (
    ("_source", pa.string()),
    ("_version", pa.int64()),
    ("_t", pa.int64()),
    ("_patient", pa.string()),
    ("_patients", pa.string()),
    ("_labels", pa.string()),
)
GONE = pa.schema([("_source", pa.string()), ("_t", pa.int64())])
SUFFIX = ".parquet"
# Rows of a row group in a sorted file: what asks for one value reads few others
SORTED_GROUP = 16_384
# Rows of which a file is written without dictionaries and compression: they cost more than such a file is worth
FEW = 500
# Bytes of a file that is read whole when a query asks for any of it, and then remembered
SHORT = 64 * 1024
# Of a data set of several files; each file is read by its own, which has its key
_FORM = ds.ParquetFileFormat()


def schema(table: Table) -> pa.Schema:
    """The engine's own columns, then the table's."""
    return pa.schema([*OWN, *((name, TYPES[kind]) for name, kind in table.columns)])


class Vault:
    """Names are random, so that no file is ever written twice and none tells what it holds.

    `fresh`: names written since whoever keeps the list of files last emptied it.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self._key = key
        self._recall = Recall()
        self.fresh: set[str] = set()
        self._footers = Footers(self._fragment)

    def write(self, batches: Iterable[pa.RecordBatch], of: pa.Schema) -> tuple[str, int]:
        """Write a new file and fsync it; its name and rows, ("", 0) when there were none. `sync` makes names durable."""
        with self.writing(of) as written:
            for batch in batches:
                written.add(batch)
        return written.name, written.rows

    @contextmanager
    def writing(
        self, of: pa.Schema, order: Sequence[str] = (), beside: Callable[[pa.Table], pa.Table] | None = None
    ) -> Iterator[Writing]:
        """A new file to add to, whole and durable when this ends; there is none when nothing was added.

        `order`: sort all rows by these columns at the end; until then they stand in memory. `beside`: makes of the sorted
        rows those of a file beside it, `Writing.beside`, whose bytes count among its own.
        """
        name = os.urandom(12).hex()
        self.fresh.add(name)
        path = self._path(name)
        opened = partial(self._opened, path, of, name)
        made = Writing(opened, order)
        try:
            yield made
        finally:
            made.close()
        if made.rows:
            _fsync(path)
            made.name, made.bytes = name, path.stat().st_size
            if made.only is not None and not any(pa.types.is_nested(kind) for kind in of.types):
                self._recall.keep(name, pa.Table.from_batches([made.only]))
        if made.sorted is not None and beside is not None:
            rows = beside(made.sorted)
            with self.writing(rows.schema) as other:
                for batch in rows.to_batches(max_chunksize=SORTED_GROUP):
                    other.add(batch)
            made.beside, made.bytes = other.name, made.bytes + other.bytes
        made.sorted = None

    def dataset(self, names: Sequence[str], of: pa.Schema) -> Any:
        """What these files hold together, read as a query asks for it; an empty table when there are none."""
        return self.typed([(name, "") for name in names], of)

    def typed(self, files: Sequence[tuple[str, str]], of: pa.Schema) -> Any:
        """The same of (file, type): a column `type` of `of` says it of every row, and who asks for one opens no other."""
        if not files:
            return of.empty_table()
        return ds.FileSystemDataset(self._footers.of(files), of, _FORM)

    def rows(self, names: Sequence[str], of: pa.Schema) -> Any:
        """The same for files of few columns: what is remembered of them is not read again, and small ones are remembered."""
        known = {name: rows for name in names if (rows := self._known(name, of)) is not None}
        rest = self.dataset([name for name in names if name not in known], of)
        if not known:
            return rest
        remembered = pa.concat_tables(known.values())
        return remembered if len(known) == len(names) else ds.dataset([rest, ds.dataset(remembered)])

    def _known(self, name: str, of: pa.Schema) -> pa.Table | None:
        """The rows of a small file, unless they were written with other columns."""
        rows = self._recall.found(name)
        if rows is None and self._path(name).stat().st_size <= SHORT:
            rows = self.dataset([name], of).to_table()
            self._recall.keep(name, rows)
        return rows if rows is not None and rows.schema.equals(of) else None

    def names(self) -> set[str]:
        """Every file in the folder."""
        return {path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}")}

    def size(self, names: Iterable[str]) -> int:
        """The bytes of these files together."""
        return sum(self._path(name).stat().st_size for name in names)

    def remove(self, names: Iterable[str]) -> None:
        """Take files away."""
        leaving = list(names)
        self._footers.forget(leaving)
        for name in leaving:
            self._path(name).unlink(missing_ok=True)
            self._recall.forget(name)

    def sync(self) -> None:
        """Make the names in the folder durable."""
        sync_folder(self.folder)

    def _opened(self, path: Path, of: pa.Schema, name: str, rows: int) -> Any:
        few = rows < FEW
        form = "none" if few else "zstd"
        return pq.ParquetWriter(
            path, of, compression=form, use_dictionary=not few, encryption_properties=self._sealed(name)
        )

    def _fragment(self, name: str, type: str) -> Any:
        opened = pe.create_decryption_properties(footer_key=self._key_of(name), aad_prefix=name.encode())
        scan = ds.ParquetFragmentScanOptions(decryption_properties=opened)
        form = ds.ParquetFileFormat(default_fragment_scan_options=scan)
        told = (ds.field("type") == type) if type else None
        return form.make_fragment(str(self._path(name)), LocalFileSystem(), told)

    def _sealed(self, name: str) -> Any:
        return pe.create_encryption_properties(
            footer_key=self._key_of(name), aad_prefix=name.encode(), store_aad_prefix=False
        )

    def _key_of(self, name: str) -> bytes:
        return hmac.digest(self._key, name.encode(), sha256)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"


class Writing:
    """A file that is being written; `name` and `bytes` are known when it is whole, and only if it has rows.

    `only`: its rows, while they came at once.
    """

    def __init__(self, opened: Callable[[int], Any], order: Sequence[str] = ()) -> None:
        self._opened = opened
        self._order = order
        self._waiting: list[pa.RecordBatch] = []
        self._writer: Any = None
        self.name = self.beside = ""
        self.rows = self.bytes = 0
        self.only: pa.RecordBatch | None = None
        self.sorted: pa.Table | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        if batch.num_rows and self._order:
            self._waiting.append(batch)
        elif batch.num_rows:
            self._write(batch)
        self.rows += batch.num_rows

    def _write(self, batch: pa.RecordBatch) -> None:
        self.only = batch if self._writer is None else None
        self._writer = self._writer or self._opened(batch.num_rows)
        self._writer.write_batch(batch)

    def close(self) -> None:
        """End the file."""
        if self._waiting:
            rows = pa.Table.from_batches(self._waiting).sort_by([(name, "ascending") for name in self._order])
            self._waiting, self.sorted = [], rows.combine_chunks()
            for batch in self.sorted.to_batches(max_chunksize=SORTED_GROUP):
                self._write(batch)
        if self._writer is not None:
            self._writer.close()


def _fsync(path: Path) -> None:
    path.chmod(0o600)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
