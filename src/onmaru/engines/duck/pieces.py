"""What a derived table's rows lie in: pieces in order of their making, and which units of older pieces count no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pyarrow as pa

from onmaru.engines.duck.vault import OWN, TYPES
from onmaru.engines.keyring import write_new
from onmaru.kernel.derivation import Step
from onmaru.kernel.projection import ColumnType

FILE = "derived.json"
GEN = "_gen"


class Piece(msgspec.Struct, frozen=True):
    """A file of rows that were made in run `gen`."""

    file: str
    rows: int
    gen: int


class Pieces(msgspec.Struct, frozen=True):
    """Of a unit named in `gone`, the rows of all pieces made before that piece of `gone` count no more."""

    rows: tuple[Piece, ...] = ()
    gone: tuple[Piece, ...] = ()

    @property
    def files(self) -> list[str]:
        return [piece.file for piece in self.rows]

    @property
    def ended(self) -> list[str]:
        return [piece.file for piece in self.gone]

    def with_rows(self, file: str, rows: int, gen: int) -> Pieces:
        """With one piece more, if it holds anything."""
        return msgspec.structs.replace(self, rows=(*self.rows, Piece(file, rows, gen))) if rows else self

    def with_gone(self, file: str, rows: int, gen: int) -> Pieces:
        """With units ended by this run."""
        return msgspec.structs.replace(self, gone=(*self.gone, Piece(file, rows, gen))) if rows else self


class State(msgspec.Struct, frozen=True):
    """Where a derivation stands: the base's position, and of what site tables and parameters its codes were made.

    `exact`: no row is of a version after that position.
    """

    position: int = 0
    sites: str = ""
    gen: int = 0
    tables: Mapping[str, Pieces] = {}
    exact: bool = False

    def names(self) -> Iterator[str]:
        """Every file."""
        for pieces in self.tables.values():
            yield from pieces.files
            yield from pieces.ended

    def of(self, table: str) -> Pieces:
        """The pieces of one table."""
        return self.tables.get(table, Pieces())


def load(folder: Path) -> State:
    """The state in a folder; the empty one where there is none that can be read: the base then gives it anew."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError):
        return State()


def save(folder: Path, state: State) -> None:
    """Replace it, durably and in one step."""
    write_new(folder / FILE, msgspec.json.encode(state))


def schema(step: Step) -> pa.Schema:
    """The table's columns, the engine's own, and the run that made the row."""
    columns = [(name, TYPES[kind]) for name, kind in step.table.columns]
    return pa.schema([*columns, *OWN, (GEN, pa.int64())])


def units(step: Step) -> pa.Schema:
    """Of the files that name ended units."""
    kinds: dict[str, ColumnType] = dict(step.table.columns)
    return pa.schema([("unit", TYPES[kinds.get(step.unit, "int")]), (GEN, pa.int64())])


def standing(step: Step, pieces: Pieces) -> str:
    """A SELECT of the rows that count, over `__NAME` and `__gone_NAME`."""
    name = step.table.name
    where = f'g.unit = r."{step.unit}" AND g.{GEN} > r.{GEN}'
    ended = f' WHERE NOT EXISTS (SELECT 1 FROM "__gone_{name}" g WHERE {where})' if pieces.gone else ""
    return f'SELECT * FROM "__{name}" r{ended}'
