"""Files made few: equal ones become one, ended rows go apart from those that stand, erased ones go for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from onmaru.engines.duck.nested.files import ENDS, File, Kept
from onmaru.engines.duck.nested.shape import schema
from onmaru.engines.duck.vault import Vault, Writing

FAN = 4
LARGE = 2_000_000
# Rows may be ended by `ends` alone until there are so many of them, or one in SHARE
FEW, MANY, SHARE = 4_096, 500_000, 8
ROWS = 32_768


class Compactor:
    """Writes new files from old ones; which of them count is decided by who saves the manifest.

    `order`: what stands is sorted by these columns. `large`: a file of so many rows is merged no further. `beside`: makes
    the file that lies beside one of what stands.
    """

    def __init__(
        self,
        vault: Vault,
        order: Sequence[str] = (),
        large: int = LARGE,
        beside: Callable[[pa.Table], pa.Table] | None = None,
    ) -> None:
        self._vault = vault
        self._order = order
        self._large = large
        self._beside = beside

    def compacted(self, kept: Kept) -> Kept:
        """While the last FAN files have one level they become one of the next, so n batches leave about log n files."""
        run, level = _run(kept.standing, self._large)
        if run:
            kept = self._sorted(kept, run, level)
        past, ends = (self._joined(kept.past, schema(kept.tree)), self._joined(kept.ends, ENDS))
        kept = replace(kept, past=past, ends=ends)
        rows = sum(file.rows for file in kept.standing)
        if sum(file.rows for file in kept.ends) > min(max(FEW, rows // SHARE), MANY):
            kept = self._folded(kept)
        return kept

    def scrubbed(self, kept: Kept, erased: Sequence[str]) -> Kept:
        """The same with no file that names an erased resource."""
        of = schema(kept.tree)
        parts = ((kept.standing, of, True), (kept.past, of, False), (kept.ends, ENDS, False))
        standing, past, ends = (
            tuple(left for file in files if (left := self._without(file, one, erased, stands=stands)))
            for files, one, stands in parts
        )
        return replace(kept, standing=standing, past=past, ends=ends)

    def _without(self, file: File, of: pa.Schema, erased: Sequence[str], *, stands: bool) -> File | None:
        """The file itself when it names none of them, else a new one; None when nothing is left."""
        hit = pc.field("id").isin(pa.array(erased, pa.string()))
        if not self._vault.dataset([file.name], of).count_rows(filter=hit):
            return file
        with self._vault.writing(of, self._order, self._beside) if stands else self._vault.writing(of) as left:
            for batch in self._batches([file], of, ~hit):
                left.add(batch)
        return _file(left, [file], file.level)

    def _joined(self, files: tuple[File, ...], of: pa.Schema) -> tuple[File, ...]:
        run, level = _run(files, self._large)
        if not run:
            return files
        with self._vault.writing(of) as made:
            for batch in self._batches(run, of):
                made.add(batch)
        joined = _file(made, run, level)
        return (*files[: -len(run)], *([joined] if joined else []))

    def _folded(self, kept: Kept) -> Kept:
        """Write again every standing file with rows that were ended since: `ends` is empty then."""
        keys = self._ends(kept)[0]
        for file in kept.standing:
            batches = self._batches([file], schema(kept.tree), columns=["id", "_version"])
            if any(pc.any(pc.is_in(_keys(batch), keys)).as_py() for batch in batches):
                kept = self._sorted(kept, [file], file.level)
        return replace(kept, ends=())

    def _sorted(self, kept: Kept, run: Sequence[File], level: int) -> Kept:
        """A run of standing files as one of what stands and one of what is past; `ends` without those that it took up."""
        of, (keys, positions, ends) = schema(kept.tree), self._ends(kept)
        used: list[pa.Array] = []
        made_sorted = self._vault.writing(of, self._order, self._beside)
        with made_sorted as standing, self._vault.writing(of) as past:
            for batch in self._batches(run, of):
                if keys is not None:
                    batch, hits = _closed(batch, keys, positions)
                    used.append(hits)
                stands = pc.is_null(batch.column("_ended"))
                standing.add(batch.filter(stands))
                past.add(batch.filter(pc.invert(stands)))
        made, ended = _file(standing, run, level), _file(past, run, level)
        at = kept.standing.index(run[0])
        files = (*kept.standing[:at], *([made] if made else []), *kept.standing[at + len(run) :])
        kept = replace(kept, standing=files, past=(*kept.past, *([ended] if ended else [])))
        taken = pa.chunked_array(used, pa.int64()) if used else None
        if taken is None or not len(taken):
            return kept
        left = ends.filter(pc.invert(pc.is_in(pa.array(range(len(ends)), pa.int64()), taken.combine_chunks())))
        with self._vault.writing(ENDS) as rest:
            for batch in left.to_batches():
                rest.add(batch)
        file = _file(rest, kept.ends, max(file.level for file in kept.ends))
        return replace(kept, ends=(file,) if file else ())

    def _ends(self, kept: Kept) -> tuple[Any, Any, Any]:
        """Keys and positions of all versions that `ends` names, and itself; None where it names none."""
        if not kept.ends:
            return None, None, None
        ends = pa.Table.from_batches(self._batches(kept.ends, ENDS), ENDS).combine_chunks()
        return _keys(ends), ends.column("_t").combine_chunks(), ends

    def _batches(
        self, files: Sequence[File], of: pa.Schema, filter: Any = None, columns: list[str] | None = None
    ) -> Iterator[Any]:
        """The rows of files in order, a few at a time."""
        for file in files:
            found = self._vault.dataset([file.name], of)
            yield from found.to_batches(
                filter=filter, columns=columns, batch_size=ROWS, batch_readahead=1, fragment_readahead=1
            )


def _run(files: Sequence[File], large: int) -> tuple[Sequence[File], int]:
    """The files at the end that are to become one, and its level: a merge may be the last that its own level waited for."""
    counted = [(file.level, 1, file.rows) for file in files]
    while len(counted) >= FAN and len({level for level, _, _ in counted[-FAN:]}) == 1:
        rows = sum(rows for _, _, rows in counted[-FAN:])
        if rows > large:
            break
        counted[-FAN:] = [(counted[-1][0] + 1, sum(number for _, number, _ in counted[-FAN:]), rows)]
    level, number, _ = counted[-1] if counted else (0, 1, 0)
    return (files[-number:] if number > 1 else ()), level


def _file(written: Writing, of: Sequence[File], level: int) -> File | None:
    if not written.rows:
        return None
    first, last = min(file.first for file in of), max(file.last for file in of)
    return File(written.name, written.rows, written.bytes, first, last, level, written.beside)


def _keys(rows: Any) -> Any:
    """id and version as one value."""
    keys = pc.binary_join_element_wise(rows.column("id"), pc.cast(rows.column("_version"), pa.string()), "/")
    return keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys


def _closed(batch: Any, keys: Any, positions: Any) -> tuple[Any, Any]:
    """A batch with `_ended` filled in from the ends, and which of these it took up."""
    hits = pc.index_in(_keys(batch), keys)
    place = batch.schema.get_field_index("_ended")
    ended = pc.coalesce(batch.column(place), positions.take(hits))
    return batch.set_column(place, batch.schema.field(place), ended), pc.cast(hits.drop_null(), pa.int64())
