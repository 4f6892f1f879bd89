"""The kept tables of one run of a derivation: how they stand, what is added to them and which of their units end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa

from onmaru.engines.duck.pieces import GEN, Pieces, State, schema, standing, units
from onmaru.engines.duck.session import Session
from onmaru.engines.duck.vault import OWN, Vault
from onmaru.kernel.derivation import Derivation, Step

# Rows of a lookup or of codes, which a dozen steps join, that are read once and stay in memory; of more rows each step
# reads the columns that it names
HELD = {"lookup": range(2_000, 20_000), "codes": range(1, 500_000)}
KEPT = "kept_"  # before the name of a table, so that no column is called so


class Renewed:
    """`touched`: by table and unit, the groups of which a row came or went; of a run over everything nobody asks."""

    def __init__(self, derivation: Derivation, session: Session, vault: Vault, before: State) -> None:
        self.gen = before.gen + 1
        self.whole = not before.position
        empty = State()
        kept = {step.table.name: step for step in derivation.kept}
        self.tables = {name: (empty if self.whole else before).of(name) for name in kept}
        self.touched: dict[tuple[str, str], set[int]] = defaultdict(set)
        groups = [step for step in derivation.steps if step.kind == "groups"]
        self._hanging = {name: sorted({step.unit for step in groups if name in step.of}) for name in kept}
        self._session = session
        self._vault = vault
        for step in derivation.kept:
            self.show(step)

    def known(self, step: Step) -> bool:
        """Whether the table has, or had, any row."""
        return bool(self.tables[step.table.name].rows)

    def show(self, step: Step, where: str = "") -> None:
        """Name the table's rows as they are now, or some of them."""
        name, pieces = step.table.name, self.tables[step.table.name]
        self._session.data(f"__{name}", partial(self._vault.rows, pieces.files, schema(step)))
        self._session.data(f"__gone_{name}", partial(self._vault.rows, pieces.ended, units(step)))
        held = not step.near and sum(piece.rows for piece in pieces.rows) in HELD.get(step.kind, ())
        put = self._session.held if held else self._session.view
        select = standing(step, pieces)
        put(f"{KEPT}{name}", f"SELECT * FROM ({select}) WHERE {where}" if where else select)

    def add(self, step: Step, select: str, source: str = "") -> int:
        """Write rows of this run; how many. `source`: the step's own text, where the SELECT is made of it."""
        name, of = step.table.name, schema(step)
        columns = ", ".join(f'"{column}"' for column, _ in (*step.table.columns, *OWN))
        order = f" ORDER BY {', '.join(step.order)}" if step.order else ""
        sql = f"SELECT {columns}, {self.gen} AS {GEN} FROM ({select}){order}"
        if self.whole:
            made = self._session.batches(sql, source)
        elif self._session.table("made", sql, source):
            made = self._session.rows("made")
        else:
            return 0
        file, rows = self._vault.write(self._noted(name, (batch.cast(of) for batch in made)), of)
        self.tables[name] = self.tables[name].with_rows(file, rows, self.gen)
        return rows

    def _noted(self, name: str, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same batches; whose groups they touch is noted."""
        for batch in batches:
            for unit in () if self.whole else self._hanging[name]:
                self.touched[name, unit].update(batch.column(unit).unique().to_pylist())
            yield batch

    def bury(self, step: Step, where: str) -> int:
        """Write down that the units of such rows, made by earlier runs, count no more; how many. Call it before `show`."""
        name, hanging = step.table.name, self._hanging[step.table.name]
        if not self.known(step):
            return 0
        more = "".join(f', "{unit}"' for unit in hanging)
        dead = f'SELECT DISTINCT "{step.unit}" AS unit{more} FROM "{KEPT}{name}" WHERE {where}'
        if not self._session.table("dead", dead):
            return 0
        for unit in hanging:
            self.touched[name, unit].update(self._session.column(f'SELECT DISTINCT "{unit}" FROM "dead"'))
        of = units(step)
        made = self._session.batches(f'SELECT DISTINCT unit, {self.gen} AS {GEN} FROM "dead"')
        file, rows = self._vault.write((batch.cast(of) for batch in made), of)
        self.tables[name] = self.tables[name].with_gone(file, rows, self.gen)
        return rows

    def replace(self, step: Step) -> None:
        """Forget all earlier rows."""
        self.tables[step.table.name] = Pieces()
