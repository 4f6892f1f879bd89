"""One run of a derivation: what changed in the base is found, and the rows that hang on it are made again.

Its law: what a run leaves is what a run over everything would leave (decision 0189).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from onmaru.engines.duck.pieces import State
from onmaru.engines.duck.reader import Reader
from onmaru.engines.duck.renewed import KEPT, Renewed
from onmaru.engines.duck.session import Session
from onmaru.engines.duck.settling import settled
from onmaru.engines.duck.sql import dollars
from onmaru.engines.duck.vault import Vault
from onmaru.kernel.derivation import NAMED, Derivation, Step

MADE = ("scope", "rows")
NONE = 2**62  # a position that no version has
LISTED = 1_000  # keys that a statement lists
CHUNK = 500_000  # versions whose rows are made together in a run over everything


class Ground(msgspec.Struct, frozen=True):
    """What a run stands on: each base table's SELECT and the Arrow data it names, and what came of it since the last run, as
    rows or as another SELECT; the site tables; the base's position.

    `empty`: base tables without any file. `mark` changes with the site tables and the parameters. `ended`: resources of
    which the versions before a position ended since the last run, None where nobody noted them; `erased` when one of them
    must be in no file. `exact`: none of these rows is of a version after the position.
    """

    selects: Mapping[str, str]
    came: Mapping[str, pa.Table | str]
    parts: Mapping[str, Any]
    empty: Collection[str]
    mark: str
    position: int
    ended: Sequence[tuple[str, int]] | None = None
    erased: bool = False
    exact: bool = False


class Run:
    """Makes one State of another. Files are written and durable; nothing is removed, and no state saved."""

    def __init__(self, derivation: Derivation, given: Mapping[str, Any], vault: Vault, reader: Reader) -> None:
        self._of = derivation
        self._given = given
        self._vault = vault
        self._reader = reader
        self._session: Session
        self._kept: Renewed
        self._ground: Ground
        self._before = State()
        self._since = NONE
        self._lost: list[str] = []
        self._there: dict[str, bool] = {}
        self._older: set[str] = set()
        self._changes: dict[str, int] = {}
        self._linked: set[str] = set()

    def made(self, before: State, ground: Ground) -> State:
        """The next state; its files are in the vault."""
        self._before, self._ground = before, ground
        with self._reader.cursor({}) as cursor:
            self._session = Session(cursor, self._given)
            self._kept = Renewed(self._of, self._session, self._vault, before)
            self._find()
            for step in self._of.steps:
                if step.kind == "lookup" and self._concerns(step):
                    self._lookup(step)
                elif step.kind == "codes":
                    self._codes(step)
            self._close()
            self._rows()
            self._touch()
            for step in self._steps("groups"):
                self._groups(step)
        for step in self._of.kept:
            pieces = self._kept.tables[step.table.name]
            self._kept.tables[step.table.name] = settled(step, pieces, self._vault, self._reader, ground.erased)
        self._vault.sync()
        return State(ground.position, ground.mark, self._kept.gen, self._kept.tables, ground.exact)

    def _steps(self, kind: str) -> list[Step]:
        return [step for step in self._of.steps if step.kind == kind]

    def _over(self, sql: str, which: str) -> str:
        """The SQL with base tables' names standing for `whole`, `part` (what changed) or `now` (what is made now)."""
        kept = {step.table.name for step in self._of.kept}

        def named(one: re.Match[str]) -> str:
            role, _, name = one[1].partition("_")
            if role == "changed":
                return f'"{one[1]}"' if name in self._linked else "(SELECT 0 AS id WHERE false)"
            if role == "came":
                return f'"part_{name}"'
            if one[1] in self._of.base:
                return f'"{which}_{one[1]}"'
            return f'"{KEPT if one[1] in kept else ""}{one[1]}"'

        return NAMED.sub(named, dollars(sql)[0])

    @property
    def _anew(self) -> bool:
        """Whether site tables or parameters are other than before."""
        return self._before.sites != self._ground.mark

    # What changed

    def _find(self) -> None:
        """`part_BASE`: the rows of the base that came. What went is known by name or, where nobody noted it, by position."""
        ground, last = self._ground, self._before.position
        self._since = NONE if ground.ended is None else last
        for name, data in ground.parts.items():
            self._session.data(name, data)
        if not self._kept.whole and ground.ended is None:
            self._session.table("ended", "SELECT 0::BIGINT AS _t WHERE false")
        for base in self._of.base:
            self._session.view(f"whole_{base}", ground.selects[base])
            self._there[base] = self._came(base, f"part_{base}")
        if ground.ended:
            names, ends = zip(*ground.ended, strict=True)
            self._session.data(
                "__ends", pa.table({"name": pa.array(names, pa.string()), "at": pa.array(ends, pa.int64())})
            )
            self._lost.append('EXISTS (SELECT 1 FROM "__ends" e WHERE e.name = _source AND e.at > _t)')
        if not self._before.exact and self._since != NONE:
            # The base may have gone on while the last run read it
            self._lost.append(f"_t > {last}")

    def _came(self, base: str, part: str) -> bool:
        """Name the rows of a base table that came; whether there may be any."""
        ground = self._ground
        if self._kept.whole:
            self._session.view(part, f'SELECT * FROM "whole_{base}"')
            return base not in ground.empty
        if ground.ended is None:
            return self._differing(base, part)
        came = ground.came[base]
        if isinstance(came, str):
            return self._session.table(part, came) > 0
        self._session.data(part, came)
        return bool(came.num_rows)

    def _differing(self, base: str, part: str) -> bool:
        """Where nobody noted what ended: positions on one side only."""
        made = [step.table.name for step in self._steps("rows") if base in step.of]
        kept = " UNION ".join(f'SELECT _t FROM "{KEPT}{name}"' for name in made) or "SELECT 0 AS _t WHERE false"
        if self._session.insert("ended", f'SELECT * FROM ({kept}) EXCEPT SELECT _t FROM "whole_{base}"'):
            self._lost = ['_t IN (SELECT _t FROM "ended")']
        if not self._session.table(part, f'SELECT * FROM "whole_{base}" WHERE _t NOT IN ({kept})'):
            return False
        self._older.add(base)
        return True

    def _close(self) -> None:
        """Add to what changed all rows of the base that refer to a changed lookup or code."""
        for base, links in () if self._kept.whole else self._of.base.items():
            found = [
                f'"{column}" IN (SELECT id FROM "changed_{lookup}")'
                for column, lookup in links
                if lookup in self._linked
            ]
            if found and base not in self._ground.empty:
                self._again(base, " OR ".join(found))

    def _again(self, base: str, condition: str) -> None:
        """Rows of the base that came earlier: looked for by the columns that refer, and only what is found is read whole."""
        part, there = f"part_{base}", self._there[base]
        fresh = f' AND _t NOT IN (SELECT _t FROM "{part}")' if there and self._since == NONE else ""
        among = f'SELECT DISTINCT _t FROM "whole_{base}" WHERE ({condition}) AND _t <= {self._since}{fresh}'
        found = self._session.column(among)
        if found:
            rows = f'SELECT * FROM "whole_{base}" WHERE {self._among("_t", "again", found)}'
            self._session.table(f"all_{base}", f'SELECT * FROM "{part}" UNION ALL {rows}' if there else rows)
            self._session.view(part, f'SELECT * FROM "all_{base}"')
            self._there[base] = True
            self._older.add(base)

    def _concerns(self, step: Step) -> bool:
        """Whether anything that a lookup is made of may have changed."""
        if self._anew or self._ground.ended is None or self._ground.ended:
            return True
        return any(self._changes.get(name) or self._there.get(name) for name in step.names)

    # Codes and lookups

    def _codes(self, step: Step) -> None:
        """Rows for keys not met before, or for all; what nothing names any more leaves with an erasure."""
        name, erased = step.table.name, self._ground.erased
        remade = any(self._changes.get(one) for one in self._of.remakes)
        again = self._kept.known(step) and (self._anew or erased or remade)
        if not (again or any(self._there.values()) or any(self._changes.values())):
            return
        asks = self._asks(step, "whole" if erased else "part")
        named = f'SELECT "key", max("text") AS "text" FROM ({asks}) WHERE "key" IS NOT NULL GROUP BY "key"'
        if erased:
            self._session.table("found", named)
            named = 'SELECT * FROM "found"'
        unmet = f'SELECT "key", "text" FROM ({named})'
        unmet += f' WHERE "key" NOT IN (SELECT "key" FROM "{KEPT}{name}")' if self._kept.known(step) else ""
        met = f'SELECT DISTINCT "key", "text" FROM "{KEPT}{name}"'
        met += ' WHERE "key" IN (SELECT "key" FROM "found")' if erased else ""
        if self._session.table("asked", f"{unmet} UNION ALL {met}" if again else unmet) or again:
            self._answer(step, again)

    def _asks(self, step: Step, which: str) -> str:
        """The questions of a table of codes, but for those about base tables of which there is nothing."""
        bases = {text: [name for name in NAMED.findall(text) if name in self._of.base] for text in step.asks}
        asks = [text for text, names in bases.items() if which == "whole" or all(self._there[name] for name in names)]
        nothing = 'SELECT 0::BIGINT AS "key", \'\' AS "text" WHERE false'
        return " UNION ALL ".join(self._over(text, which) for text in asks) or nothing

    def _answer(self, step: Step, again: bool) -> None:
        """Write down the rows of what was asked. No row that came earlier refers to a key that was not met before."""
        name, among = step.table.name, ""
        fresh = self._session.table(f"fresh_{name}", self._over(step.sql, "whole"), step.sql)
        if again:
            fresh = self._changed(step, "" if self._ground.erased else ' WHERE "key" IN (SELECT "key" FROM "asked")')
            changed = f'"key" IN (SELECT id FROM "changed_{name}")'
            if fresh:
                self._kept.bury(step, changed)
            among = f" WHERE {changed}"
        self._changes[name] = fresh
        if fresh:
            self._kept.add(step, f'SELECT * FROM "fresh_{name}"{among}')
            self._kept.show(step)

    def _lookup(self, step: Step) -> None:
        """Rows anew; written only where anything is other than before."""
        name, select = step.table.name, self._over(step.sql, "whole")
        if self._kept.whole:
            self._changes[name] = self._kept.add(step, select, step.sql)
            self._kept.show(step)
            return
        if step.near and not self._anew and self._ground.ended is not None and not self._ground.ended:
            self._nearby(step, select)
            return
        self._session.table(f"fresh_{name}", select, step.sql)
        if self._changed(step, ""):
            self._kept.replace(step)
            self._kept.add(step, f'SELECT * FROM "fresh_{name}"')
            self._session.view(f"{KEPT}{name}", f'SELECT * FROM "fresh_{name}"')

    def _nearby(self, step: Step, select: str) -> None:
        """The rows of a lookup that hang on what came."""
        name = step.table.name
        ids = self._session.column(f"SELECT id FROM ({self._over(step.near, 'whole')}) WHERE id IS NOT NULL")
        if not ids:
            return
        among = self._among(step.unit, "near", ids)
        self._session.table(f"fresh_{name}", f"SELECT * FROM ({select}) WHERE {among}", step.sql)
        if self._changed(step, f" WHERE {among}"):
            other = f'"{step.unit}" IN (SELECT "{step.unit}" FROM "differs")'
            self._kept.bury(step, other)
            self._kept.add(step, f'SELECT * FROM "fresh_{name}" WHERE {other}')
            self._kept.show(step)

    def _changed(self, step: Step, among: str) -> int:
        """`changed_NAME`: by their first column, rows that came, went or are other than before; how many rows differ.

        Where only the version that a row comes from is another, rows differ and none has changed.
        """
        name, key = step.table.name, step.table.columns[0][0]
        columns = ", ".join(f'"{column}"' for column, _ in step.table.columns)
        both = " UNION ALL ".join(
            f'SELECT {columns}, _source, _t, {sign}1 AS _n FROM "{table}"{where}'
            for table, sign, where in ((f"fresh_{name}", "", ""), (f"{KEPT}{name}", "-", among))
        )
        summed = f"SELECT {columns}, _source, _t, sum(_n) AS _n FROM ({both}) GROUP BY ALL HAVING sum(_n) <> 0"
        found = self._session.table("differs", summed)
        other = f'SELECT {columns} FROM "differs" GROUP BY ALL HAVING sum(_n) <> 0'
        self._changes[name] = found and self._session.table(
            f"changed_{name}", f'SELECT DISTINCT "{key}" AS id FROM ({other})'
        )
        if self._changes[name]:
            self._linked.add(name)
        return found

    # Rows and groups

    def _rows(self) -> None:
        """Rows of what changed; in a run over everything of so many versions at a time."""
        if not self._kept.whole:
            self._make(self._there, "part")
            return
        for first in range(1, max(self._ground.position, 1) + 1, CHUNK):
            there = {}
            for base in {base for step in self._of.steps for base in self._bases(step) if self._there[base]}:
                # In memory DuckDB knows how many rows there are, and joins the large side to the small ones
                between = f'SELECT * FROM "part_{base}" WHERE _t BETWEEN {first} AND {first + CHUNK - 1}'
                there[base] = self._session.table(f"now_{base}", between) > 0
            self._make(there, "now")

    def _make(self, some: Mapping[str, bool], which: str) -> None:
        """Scopes and rows of those base tables of which there are some."""
        for step in self._of.steps:
            there = all(some.get(base) for base in self._bases(step))
            if step.kind == "scope" and there:
                self._session.table(step.table.name, self._over(step.sql, which), step.sql)
            elif step.kind == "rows":
                self._die(step)
                if there and self._some(step, which):
                    self._kept.add(step, self._over(step.sql, which), step.sql)

    def _bases(self, step: Step) -> set[str]:
        """The base tables of which a scope or a table of rows is made; of what has none of them there is nothing to make."""
        return {base for base in (*step.of, *step.names) if base in self._of.base} if step.kind in MADE else set()

    def _die(self, step: Step) -> None:
        """Rows of what ended, and of what is made again."""
        again = (
            f'_t IN (SELECT _t FROM "part_{base}" WHERE _t <= {self._since})' for base in step.of if base in self._older
        )
        if not self._kept.whole and (where := " OR ".join((*self._lost, *again))):
            self._kept.bury(step, where)

    def _touch(self) -> None:
        """The rows as they are now, and the groups that hang on a code of another meaning."""
        for step in self._steps("rows"):
            self._kept.show(step)
        for step in () if self._kept.whole else self._steps("groups"):
            for name, column, codes in step.by:
                if codes in self._linked:
                    among = f'"{column}" IN (SELECT id FROM "changed_{codes}")'
                    found = self._session.column(f'SELECT DISTINCT "{step.unit}" FROM "{KEPT}{name}" WHERE {among}')
                    self._kept.touched[name, step.unit].update(found)

    def _groups(self, step: Step) -> None:
        """The groups that were touched, of the rows as they are now."""
        if not self._kept.whole:
            touched = set().union(*(self._kept.touched[name, step.unit] for name in step.of)) - {None}
            if not touched:
                return
            among = self._among(step.unit, "touched", sorted(touched))
            self._kept.bury(step, among)
            for one in self._steps("rows"):
                if one.table.name in step.of:
                    self._kept.show(one, among)
        if self._some(step, "whole"):
            self._kept.add(step, self._over(step.sql, "whole"), step.sql)

    def _some(self, step: Step, which: str) -> bool:
        """Whether there may be anything to make."""
        return not step.when or bool(self._session.column(f"{self._over(step.when, which)} LIMIT 1"))

    def _among(self, column: str, name: str, keys: Sequence[int]) -> str:
        """The condition that a column is one of these: in a list while the scan can be asked it, else in a table."""
        if len(keys) <= LISTED:
            return f'"{column}" IN ({", ".join(map(str, keys))})'
        self._session.data(name, pa.table({"id": pa.array(keys, pa.int64())}))
        return f'"{column}" IN (SELECT id FROM "{name}")'
