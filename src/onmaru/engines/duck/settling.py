"""Pieces of a derived table made fewer: small ones together, and what counts no more left out for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from onmaru.engines.duck.pieces import GEN, Piece, Pieces, schema, standing, units
from onmaru.engines.duck.reader import Reader
from onmaru.engines.duck.vault import Vault
from onmaru.kernel.derivation import Step

GROWTH = 3  # a piece so many times as large as the ones after it stays as it is
MANY = 8  # pieces that may stand before any are joined
LARGEST = 2_000_000  # rows of a piece that grows no more
STALE = 0.1  # the part of the rows that may have ended before all is written anew


def settled(step: Step, pieces: Pieces, vault: Vault, reader: Reader, erased: bool) -> Pieces:
    """The same rows in as few pieces as is worth the writing; after an erasure no ended row is in any file."""
    ended, rows = sum(one.rows for one in pieces.gone), sum(one.rows for one in pieces.rows)
    if ended and (erased or ended > rows * STALE):
        return Pieces(tuple(made for one in pieces.rows if (made := _without(step, one, pieces, vault, reader))))
    kept = list(pieces.rows)
    together: list[Piece] = []
    while len(pieces.rows) > MANY and kept and _joins(kept[-1], together):
        together.insert(0, kept.pop())
    if len(together) > 1:
        found = _made(step, together, pieces, vault, reader)
        pieces = Pieces((*kept, *found), pieces.gone if kept else ())
    return pieces if len(pieces.gone) <= 4 else Pieces(pieces.rows, _joined(step, pieces, vault, reader))


def _joins(one: Piece, together: list[Piece]) -> bool:
    after = sum(piece.rows for piece in together)
    return not together or (one.rows <= GROWTH * after and one.rows + after <= LARGEST)


def _without(step: Step, one: Piece, pieces: Pieces, vault: Vault, reader: Reader) -> Piece | None:
    """The piece without ended rows; itself when it has none of them."""
    found = _made(step, [one], pieces, vault, reader)
    if found and found[0].rows == one.rows:
        return one
    return found[0] if found else None


def _made(step: Step, some: list[Piece], pieces: Pieces, vault: Vault, reader: Reader) -> list[Piece]:
    name = step.table.name
    parts = {
        f"__{name}": vault.rows([one.file for one in some], schema(step)),
        f"__gone_{name}": vault.rows(pieces.ended, units(step)),
    }
    order = f" ORDER BY {', '.join(step.order)}" if step.order else ""
    select = f"SELECT * FROM ({standing(step, pieces)}){order}"
    file, rows = _written(select, parts, schema(step), vault, reader)
    return [Piece(file, rows, some[-1].gen)] if rows else []


def _joined(step: Step, pieces: Pieces, vault: Vault, reader: Reader) -> tuple[Piece, ...]:
    """All ended units in one file."""
    parts = {"gone": vault.rows(pieces.ended, units(step))}
    select = f"SELECT unit, max({GEN}) AS {GEN} FROM gone GROUP BY unit"
    file, rows = _written(select, parts, units(step), vault, reader)
    return (Piece(file, rows, pieces.gone[-1].gen),)


def _written(sql: str, parts: dict[str, Any], of: pa.Schema, vault: Vault, reader: Reader) -> tuple[str, int]:
    with reader.stream(sql, {}, parts) as batches:
        return vault.write(_cast(batches, of), of)


def _cast(batches: Iterator[pa.RecordBatch], of: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.cast(of)
