"""One run of a derivation: what changed in the base is found, and the rows that hang on it are made again.

Its law: what a run leaves is what a run over everything would leave (decision 0189).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from onmaru.engines.duck.pieces import GEN, Pieces, State, schema, standing, units
from onmaru.engines.duck.reader import BATCH, Reader
from onmaru.engines.duck.settling import settled
from onmaru.engines.duck.sql import dollars
from onmaru.engines.duck.vault import OWN, Vault
from onmaru.kernel.derivation import NAMED, Derivation, Step

MADE = ("scope", "rows")
NONE = 2**62  # a position that no version has
NAMED_OFTEN = ("lookup", "codes")  # a dozen steps join these
HELD = 500_000  # rows of such a table that are read once and stay in memory
CHUNK = 500_000  # versions whose rows are made together in a run over everything


class Ground(msgspec.Struct, frozen=True):
    """What a run stands on: each base table's SELECT and the Arrow data it names, and the same of what came after the last
    run alone; the site tables; the base's position.

    `mark` changes with the site tables and the parameters. `ended`: the resources of which a version ended since the last
    run, None where nobody noted them; `erased` when one of them must be in no file.
    """

    selects: Mapping[str, str]
    recent: Mapping[str, str]
    parts: Mapping[str, Any]
    mark: str
    position: int
    ended: Sequence[str] | None
    erased: bool = False


class Run:
    """Makes one State of another. Files are written and durable; nothing is removed, and no state saved."""

    def __init__(self, derivation: Derivation, given: Mapping[str, Any], vault: Vault, reader: Reader) -> None:
        self._of = derivation
        self._given = given
        self._vault = vault
        self._reader = reader
        self._cursor: Any = None
        self._tables: dict[str, Pieces] = {}
        self._shown: dict[str, Pieces] = {}
        self._gen = 0
        self._whole = True
        self._some: dict[str, int] = {}
        self._changes: dict[str, int] = {}
        self._ended = 0
        self._since = NONE

    def made(self, before: State, ground: Ground) -> State:
        """The next state; its files are in the vault."""
        with self._reader.cursor(ground.parts) as self._cursor:
            self._begin(before, ground)
            self._find(before, ground)
            for step in self._of.steps:
                anew = before.sites != ground.mark
                if step.kind == "lookup" and (anew or self._concerns(step, ground)):
                    self._lookup(step)
                elif step.kind == "codes":
                    self._codes(step, anew, ground.erased)
            self._close()
            self._rows(ground.position)
            self._touch()
            for step in self._steps("groups"):
                if self._whole or self._count(f'SELECT count(*) FROM "touched_{step.unit}"'):
                    self._groups(step)
        for step in self._of.kept:
            pieces = self._tables[step.table.name]
            self._tables[step.table.name] = settled(step, pieces, self._vault, self._reader, ground.erased)
        self._vault.sync()
        return State(ground.position, ground.mark, self._gen, self._tables)

    def _steps(self, kind: str) -> list[Step]:
        return [step for step in self._of.steps if step.kind == kind]

    # What there is

    def _begin(self, before: State, ground: Ground) -> None:
        self._gen = before.gen + 1
        self._tables = {step.table.name: before.of(step.table.name) for step in self._of.kept}
        self._whole = not before.position
        for base, select in ground.selects.items():
            self._run(f'CREATE TEMP VIEW "whole_{base}" AS {select}')
            self._run(f'CREATE TEMP VIEW "recent_{base}" AS {ground.recent[base]}')
        for step in self._of.kept:
            self._show(step)
            if step.kind != "lookup" and not self._whole:
                self._run(f'CREATE TEMP TABLE "dead_{step.table.name}" (unit BIGINT)')

    def _show(self, step: Step) -> None:
        """Name the rows of a kept table as they are now."""
        name, pieces = step.table.name, self._tables[step.table.name]
        self._shown[name] = pieces
        self._cursor.register(f"__{name}", self._vault.dataset(pieces.files, schema(step)))
        self._cursor.register(f"__gone_{name}", self._vault.dataset(pieces.ended, units(step)))
        held = step.kind in NAMED_OFTEN and sum(piece.rows for piece in pieces.rows) <= HELD
        self._run(f'CREATE OR REPLACE TEMP {"TABLE" if held else "VIEW"} "{name}" AS {standing(step, pieces)}')

    def _made(self, name: str, gen: int) -> str:
        """A table's rows in the pieces that were made, or joined, since run `gen`: few files, whatever there was before."""
        step = next(one for one in self._of.kept if one.table.name == name)
        files = [piece.file for piece in self._tables[name].rows if piece.gen >= gen]
        self._cursor.register(f"__made_{name}", self._vault.dataset(files, schema(step)))
        return f'"__made_{name}"'

    def _over(self, sql: str, which: str) -> str:
        """The SQL with base tables' names standing for `whole`, `part` (what changed) or `now` (what is made now)."""
        bases = self._of.base
        return NAMED.sub(lambda one: f'"{which}_{one[1]}"' if one[1] in bases else f'"{one[1]}"', dollars(sql)[0])

    # What changed

    def _find(self, before: State, ground: Ground) -> None:
        """`new_BASE`: positions whose rows are to be made; `ended`: positions whose rows are to go."""
        self._run("CREATE TEMP TABLE ended (_t BIGINT)")
        self._since = NONE if ground.ended is None else before.position
        for base in self._of.base:
            if self._whole:
                self._run(f'CREATE TEMP VIEW "part_{base}" AS SELECT * FROM "whole_{base}"')
                continue
            found = f'SELECT DISTINCT _t FROM "recent_{base}" WHERE _t > {before.position}'
            if ground.ended is None:
                found = self._differing(base)
            self._run(f'CREATE TEMP TABLE "new_{base}" AS {found}')
            self._part(base)
        counts = (f"(SELECT count(*) FROM (SELECT 1 FROM part_{base} LIMIT 1))" for base in self._of.base)
        (found,) = self._run(f"SELECT {', '.join(counts)}")
        self._some = dict(zip(self._of.base, found, strict=True))
        if ground.ended:
            self._cursor.register("__names", pa.table({"name": pa.array(ground.ended, pa.string())}))
            for step in self._steps("rows"):
                among = f"WHERE _t <= {before.position} AND _source IN (SELECT name FROM __names)"
                self._run(f'INSERT INTO ended SELECT DISTINCT _t FROM "{step.table.name}" {among}')

    def _part(self, base: str) -> None:
        """Name the rows that changed: those after the last run from the files that came since, others one by one."""
        recent = "whole" if self._since == NONE else "recent"
        select = f'SELECT * FROM "{recent}_{base}" WHERE _t > {self._since}'
        older = f'SELECT _t FROM "new_{base}" WHERE _t <= {self._since}'
        if self._count(f"SELECT count(*) FROM ({older})"):
            self._some[base] = 1
            select += f' UNION ALL SELECT * FROM "whole_{base}" WHERE _t <= {self._since} AND _t IN ({older})'
        self._run(f'CREATE OR REPLACE TEMP VIEW "part_{base}" AS {select}')

    def _differing(self, base: str) -> str:
        """Where nobody noted what ended: positions on one side only."""
        made = [step.table.name for step in self._steps("rows") if base in step.of]
        kept = " UNION ".join(f'SELECT _t FROM "{name}"' for name in made) or "SELECT 0 AS _t WHERE false"
        self._run(f'INSERT INTO ended SELECT * FROM ({kept}) EXCEPT SELECT _t FROM "whole_{base}"')
        return f'SELECT DISTINCT _t FROM "whole_{base}" EXCEPT ({kept})'

    def _close(self) -> None:
        """Add to what changed all rows of the base that refer to a changed lookup or code."""
        self._ended = self._count("SELECT count(*) FROM ended")
        if self._whole:
            return
        for base, links in self._of.base.items():
            found = [
                f'"{column}" IN (SELECT id FROM "changed_{lookup}")'
                for column, lookup in links
                if self._changes.get(lookup)
            ]
            if found:
                fresh = f'_t NOT IN (SELECT _t FROM "new_{base}")'
                select = f'SELECT DISTINCT _t FROM "whole_{base}" WHERE ({" OR ".join(found)}) AND {fresh}'
                self._run(f'INSERT INTO "new_{base}" {select}')
                self._part(base)

    def _concerns(self, step: Step, ground: Ground) -> bool:
        """Whether anything that a lookup is made of may have changed."""
        if not self._whole and (ground.ended is None or ground.ended):
            return True
        made = any(self._changes.get(one.table.name) for one in self._of.steps if one.table.name in step.names)
        bases = step.names & self._of.base.keys()
        return made or any(self._some[base] for base in bases) or not bases

    # Codes and lookups

    def _codes(self, step: Step, anew: bool, erased: bool) -> None:
        """Rows for keys not met before, or for all; what nothing names any more leaves with an erasure."""
        name = step.table.name
        if not self._whole and not anew and not erased and not any(self._some.values()) and not self._changes:
            return
        again = anew or erased or any(self._changes.get(one) for one in self._of.remakes)
        asks = self._over(step.asks, "whole" if erased else "part")
        text = f'SELECT "key", max("text") AS "text" FROM ({asks}) WHERE "key" IS NOT NULL GROUP BY "key"'
        self._run(f"CREATE OR REPLACE TEMP TABLE found AS {text}")
        unmet = f'SELECT "key", "text" FROM found WHERE "key" NOT IN (SELECT "key" FROM "{name}")'
        met = f'SELECT DISTINCT "key", "text" FROM "{name}"'
        if erased:
            met += ' WHERE "key" IN (SELECT "key" FROM found)'
        self._run(f"CREATE OR REPLACE TEMP TABLE asked AS {unmet}" + (f" UNION ALL {met}" if again else ""))
        self._run(f'CREATE TEMP TABLE "fresh_{name}" AS {self._over(step.sql, "whole")}', step.sql)
        self._changed(step, "key", f' WHERE "key" IN (SELECT "key" FROM {"found" if erased else "asked"})', erased)
        among = f'WHERE "key" IN (SELECT id FROM "changed_{name}")'
        if not self._whole:
            self._run(f'INSERT INTO "dead_{name}" SELECT DISTINCT "key" FROM "{name}" {among}')
        self._bury(step)
        self._add(step, f'SELECT * FROM "fresh_{name}" {among}')
        self._show(step)

    def _lookup(self, step: Step) -> None:
        """All rows anew; written only if anything is other than before."""
        name = step.table.name
        self._run(f'CREATE TEMP TABLE "fresh_{name}" AS {self._over(step.sql, "whole")}', step.sql)
        self._changed(step, step.table.columns[0][0], "", everything=True)
        newer = f'SELECT _source, _t FROM "fresh_{name}" EXCEPT SELECT _source, _t FROM "{name}"'
        if self._changes[name] or self._count(f"SELECT count(*) FROM ({newer})"):
            self._tables[name] = Pieces()
            self._add(step, f'SELECT * FROM "fresh_{name}"')
            self._show(step)

    def _changed(self, step: Step, key: str, among: str, everything: bool) -> None:
        """`changed_NAME`: keys of which a row came, went or is other than before."""
        name = step.table.name
        columns = ", ".join(f'"{column}"' for column, _ in step.table.columns)
        fresh, kept = (f'SELECT {columns} FROM "{one}{name}"' for one in ("fresh_", ""))
        old = kept if everything else f"{kept}{among}"
        both = f"({fresh} EXCEPT ALL {kept}) UNION ALL ({old} EXCEPT ALL {fresh})"
        self._run(f'CREATE TEMP TABLE "changed_{name}" AS SELECT DISTINCT "{key}" AS id FROM ({both})')
        self._changes[name] = self._count(f'SELECT count(*) FROM "changed_{name}"')

    # Rows and groups

    def _rows(self, position: int) -> None:
        """Rows of what changed; in a run over everything of so many versions at a time."""
        for first in range(1, max(position, 1) + 1, CHUNK) if self._whole else (0,):
            between = f" WHERE _t BETWEEN {first} AND {first + CHUNK - 1}" if self._whole else ""
            for base in {base for step in self._of.steps for base in self._bases(step) if self._some[base]}:
                self._run(f'CREATE OR REPLACE TEMP TABLE "now_{base}" AS SELECT * FROM "part_{base}"{between}')
            for step in self._of.steps:
                there = all(self._some[base] for base in self._bases(step))
                if step.kind == "scope" and there:
                    select = f'CREATE OR REPLACE TEMP TABLE "{step.table.name}" AS {self._over(step.sql, "now")}'
                    self._run(select, step.sql)
                elif step.kind == "rows":
                    self._row(step, there)

    def _bases(self, step: Step) -> set[str]:
        """The base tables of which a scope or a table of rows is made; of what has none of them there is nothing to make."""
        return {base for base in (*step.of, *step.names) if base in self._of.base} if step.kind in MADE else set()

    def _row(self, step: Step, there: bool) -> None:
        name = step.table.name
        if not self._whole and (self._ended or there):
            older = " UNION ALL ".join(f'SELECT _t FROM "new_{base}" WHERE _t <= {self._since}' for base in step.of)
            again = f"{older} UNION ALL SELECT _t FROM ended"
            # Rows after the last position are there only if the base went on while that run read it
            dead = f"SELECT _t FROM {self._made(name, self._gen - 1)} WHERE _t > {self._since}"
            if self._count(f"SELECT count(*) FROM ({again})"):
                dead += f' UNION ALL SELECT _t FROM "{name}" WHERE _t IN ({again})'
            self._run(f'INSERT INTO "dead_{name}" SELECT DISTINCT _t FROM ({dead})')
        if there:
            self._add(step, self._over(step.sql, "now"), step.sql)

    def _touch(self) -> None:
        """`touched_UNIT`: the groups of which a row came, changed or went; then the rows as they are now."""
        groups = self._steps("groups")
        units = {
            step.unit: sorted({name for one in groups if one.unit == step.unit for name in one.of}) for step in groups
        }
        for unit, names in units.items():
            dead = (
                f'SELECT "{unit}" FROM "{name}" WHERE _t IN (SELECT unit FROM "dead_{name}")'
                for name in names
                if not self._whole and self._count(f'SELECT count(*) FROM "dead_{name}"')
            )
            nothing = "SELECT 0::BIGINT WHERE false"
            self._run(
                f'CREATE TEMP TABLE "touched_{unit}" AS SELECT * FROM ({" UNION ".join((nothing, *dead))}) t(unit)'
            )
        for step in self._steps("rows"):
            before = self._shown[step.table.name]
            self._bury(step)
            if self._tables[step.table.name] is not before:
                self._show(step)
        if self._whole:
            return
        for unit, names in units.items():
            fresh = (f'SELECT "{unit}" FROM {self._made(name, self._gen)} WHERE {GEN} = {self._gen}' for name in names)
            hanging = (
                f'SELECT "{unit}" FROM "{name}" WHERE "{column}" IN (SELECT id FROM "changed_{codes}")'
                for step in groups
                for name, column, codes in step.by
                if step.unit == unit and self._changes.get(codes)
            )
            self._run(f'INSERT INTO "touched_{unit}" {" UNION ".join((*fresh, *hanging))}')

    def _groups(self, step: Step) -> None:
        """The groups that were touched, of the rows as they are now."""
        name, touched = step.table.name, f'(SELECT unit FROM "touched_{step.unit}")'
        if not self._whole:
            self._run(
                f'INSERT INTO "dead_{name}" SELECT DISTINCT "{step.unit}" FROM "{name}" WHERE "{step.unit}" IN {touched}'
            )
        for one in self._of.kept:
            if one.table.name in step.of:
                select = standing(one, self._tables[one.table.name])
                among = "" if self._whole else f' WHERE "{step.unit}" IN {touched}'
                self._run(f'CREATE OR REPLACE TEMP VIEW "{one.table.name}" AS SELECT * FROM ({select}){among}')
        self._add(step, self._over(step.sql, "whole"), step.sql)
        self._bury(step)

    # Writing

    def _bury(self, step: Step) -> None:
        """Write down which units of earlier runs count no more."""
        name = step.table.name
        if self._whole or not self._count(f'SELECT count(*) FROM "dead_{name}"'):
            return
        select = f'SELECT DISTINCT unit, {self._gen} AS {GEN} FROM "dead_{name}"'
        file, rows = self._written(select, units(step))
        self._tables[name] = self._tables[name].with_gone(file, rows, self._gen)

    def _add(self, step: Step, select: str, source: str = "") -> None:
        """Write rows of this run."""
        name = step.table.name
        columns = ", ".join(f'"{column}"' for column, _ in (*step.table.columns, *OWN))
        order = f" ORDER BY {', '.join(step.order)}" if step.order else ""
        select = f"SELECT {columns}, {self._gen} AS {GEN} FROM ({select}){order}"
        file, rows = self._written(select, schema(step), source)
        self._tables[name] = self._tables[name].with_rows(file, rows, self._gen)

    def _written(self, select: str, of: pa.Schema, source: str = "") -> tuple[str, int]:
        batches = self._cursor.sql(select, params=self._named(source)).to_arrow_reader(BATCH)
        return self._vault.write((batch.cast(of) for batch in batches), of)

    def _run(self, sql: str, source: str = "") -> Any:
        """Execute, with the parameters that a step's own SQL names."""
        return self._cursor.execute(sql, self._named(source)).fetchall()

    def _named(self, source: str) -> dict[str, Any] | None:
        names = dollars(source)[1] if source else frozenset()
        return {name: self._given[name] for name in names} or None

    def _count(self, sql: str) -> int:
        ((found,),) = self._run(sql)
        return int(found)
