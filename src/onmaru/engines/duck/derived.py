"""Derived tables of one tenant: kept files while a caller is hidden whole patients only, else made anew of what it sees."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from onmaru.engines.duck import pieces
from onmaru.engines.duck.deriving import Ground, Run
from onmaru.engines.duck.nested.scope import Scope
from onmaru.engines.duck.pieces import GEN, State
from onmaru.engines.duck.reader import ANEW, Reader
from onmaru.engines.duck.sql import dollars, narrowed
from onmaru.engines.duck.vault import OWN, TYPES, Vault
from onmaru.kernel.derivation import NAMED, Derivation, Step
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.projection import Table

HIDDEN = f"EXCLUDE (_patients, _labels, {GEN})"
SHOWN = tuple(column for column in OWN if column[0] not in ("_patients", "_labels"))
Source = Callable[[str, Scope, int], str]


class Derived:
    """The tables of one derivation. `source` gives the SELECT of a base or site table, or of what came of a base after a
    position, its data handed over in the scope.
    """

    def __init__(self, folder: Path, key: bytes, wanted: tuple[Derivation, Mapping[str, Any]], reader: Reader) -> None:
        derivation, settings = wanted
        self.derivation = derivation
        self.given = dict(derivation.parameters(settings))
        self._folder = folder
        self.vault = Vault(folder / derivation.name / str(derivation.version), key)
        self.state = pieces.load(self.vault.folder)
        self.vault.remove(self.vault.names() - set(self.state.names()))
        self._steps = {step.table.name: step for step in derivation.steps}
        self._reader = reader
        self._judged: tuple[int, dict[Any, bool]] = (0, {})
        self.noted: list[tuple[str, int]] | None = None if self.state.position else []
        self.erased = False
        self._noting = threading.Lock()

    @property
    def tables(self) -> dict[str, Table]:
        """What can be asked: kept tables, and the site tables that are there empty until somebody publishes them."""
        empty = {table.name: table for table in (*self.derivation.sites, *self.derivation.blank)}
        return {**empty, **{step.table.name: step.table for step in self.derivation.kept}}

    def keeps(self, name: str) -> bool:
        """Whether it makes this table."""
        return name in self._steps and self._steps[name].kind != "scope"

    def codes(self, name: str) -> bool:
        """Whether it is a table of codes."""
        return name in self._steps and self._steps[name].kind == "codes"

    def owns(self, name: str) -> bool:
        """Whether nobody else may publish a table of this name."""
        return self.keeps(name) or any(table.name == name for table in self.derivation.blank)

    def empty(self, name: str) -> pa.Table | None:
        """A site table that nobody has published yet, or one that nothing fills."""
        for table in (*self.derivation.sites, *self.derivation.blank):
            if table.name == name:
                own = SHOWN if self.owns(name) else ()
                columns = ((column, TYPES[kind]) for column, kind in table.columns)
                return pa.schema([*columns, *own]).empty_table()
        return None

    def columns(self, name: str) -> pa.Schema:
        """A table's columns as SQL sees them."""
        kinds = ((column, TYPES[kind]) for column, kind in self.tables[name].columns)
        return pa.schema([*kinds, *SHOWN])

    def mark(self, sites: Mapping[str, str]) -> str:
        """What codes are made of, beside the record: the site tables' files and the parameters."""
        own = {table.name: sites.get(table.name, "") for table in self.derivation.sites}
        return sha256(msgspec.json.encode([own, self.given], order="sorted")).hexdigest()[:32]

    def note(self, ended: Sequence[tuple[str, int]], *, erased: bool) -> None:
        """Of these resources the versions before a position ended; some were erased."""
        with self._noting:
            self.erased = self.erased or erased
            if self.noted is not None:
                self.noted += ended

    def refresh(self, stands: Callable[[], int], mark: str, source: Source) -> set[str]:
        """Make what changed up to the base's position; the files that count no more. The new state is saved."""
        position = stands()
        with self._noting:
            # What is noted from now on waits for the next run, and ends nothing that this one makes
            ended, self.noted, erased, self.erased = self.noted, [], self.erased, False
        try:
            ground = self._ground(position, mark, source, 0 if ended is None else self.state.position)
            exact = stands() == position
            ground = msgspec.structs.replace(ground, ended=ended, erased=erased, exact=exact)
            made = Run(self.derivation, self.given, self.vault, self._reader).made(self.state, ground)
        except BaseException:
            with self._noting:
                self.noted, self.erased = None, self.erased or erased
            raise
        pieces.save(self.vault.folder, made)
        left = (set(self.state.names()) | self.vault.fresh) - set(made.names())
        self.state = made
        self.vault.fresh.clear()
        return left

    def _ground(self, position: int, mark: str, source: Source, last: int) -> Ground:
        """What a run stands on; what came is told apart after a position, unless that is 0."""
        scope, sites = Scope(ALL, None), Scope(ALL, None)
        selects = {base: source(base, scope, 0) for base in self.derivation.base}
        empty = {base for base in selects if _bare(scope.parts[f"__{base}"])}
        came = {base: self._came(base, last, source, scope) for base in self.derivation.base if last}
        for table in self.derivation.sites:
            source(table.name, sites, 0)
        parts = {**scope.parts, **{name.removeprefix("__"): data for name, data in sites.parts.items()}}
        return Ground(selects, came, parts, empty, mark, position)

    def _came(self, base: str, last: int, source: Source, scope: Scope) -> pa.Table | str:
        """What came of a base table after a position: its rows, where they are at hand and none of them ended."""
        select = source(base, scope, last)
        rows = scope.parts[f"__new_{base}"]
        if isinstance(rows, pa.Table) and (not rows.num_rows or f"__new_gone_{base}" not in scope.parts):
            return rows.filter(pc.field("_t") > last)
        return f"SELECT * FROM ({select}) WHERE _t > {last}"

    def selects(self, names: Sequence[str], scope: Scope, source: Source) -> Iterator[tuple[str, str]]:
        """Each table that is named here or behind one of these, in order, with its SELECT for what this caller may see."""
        state = self.state
        if not _within(scope.sight) or not self._hides(state, scope.sight, source):
            for name in names:
                yield name, self._kept(self._steps[name], state, scope)
            return
        needed = self._needed(names)
        for name in (*self.derivation.base, *(table.name for table in self.derivation.sites)):
            if name in needed:
                yield name, source(name, scope, 0)
        for step in self.derivation.steps:
            name = step.table.name
            if name in needed:
                yield (
                    f"{ANEW}{name}",
                    self._kept(step, state, scope) if step.kind == "codes" else self._anew(step, scope),
                )
            if name in names:
                hidden = "" if step.kind == "codes" else " EXCLUDE (_patients, _labels)"
                yield name, f'SELECT *{hidden} FROM "{ANEW}{name}"'

    def _hides(self, state: State, sight: Sight, source: Source) -> bool:
        """Whether a row that these tables are made of is hidden for more than whose it is; asked once a state and sight."""
        asked = (sight.types, sight.only, sight.denied, sight.concealed, sight.masked, sight.lifted)
        if self._judged[0] != state.gen:
            self._judged = (state.gen, {})
        judged = self._judged[1]
        if asked not in judged:
            plain = msgspec.structs.replace(sight, types=None, only=None, concealed=frozenset(), masked=frozenset())
            counts = [self._count(one, source) for one in (sight, plain)]
            judged[asked] = counts[0] != counts[1]
        return judged[asked]

    def _count(self, sight: Sight, source: Source) -> Any:
        scope = Scope(sight, None)
        selects = [f"(SELECT count(*) FROM ({source(base, scope, 0)}))" for base in self.derivation.base]
        named = ", ".join(f"{select} AS n{place}" for place, select in enumerate(selects))
        return self._reader.table(f"SELECT {named}", scope.given, scope.parts).to_pylist()

    def _kept(self, step: Step, held: State, scope: Scope) -> str:
        state, name = held.of(step.table.name), step.table.name
        scope.parts[f"__{name}"] = self.vault.rows(state.files, pieces.schema(step))
        if state.gone:
            scope.parts[f"__gone_{name}"] = self.vault.rows(state.ended, pieces.units(step))
        seen = scope.sight if step.kind != "codes" else msgspec.structs.replace(scope.sight, types=None, only=None)
        select, given = narrowed(f"({pieces.standing(step, state)})", "", seen)
        scope.given.update(given)
        return f"SELECT * {HIDDEN} FROM ({select})"

    def _anew(self, step: Step, scope: Scope) -> str:
        """The step's own SQL; its names are ours alone, and its parameters do not meet a view's."""
        scope.given.update({f"__of_{name}": self.given[name] for name in dollars(step.sql)[1]})
        text = re.sub(r"(?<![:\w]):(\w+)", r"$__of_\1", step.sql)
        return NAMED.sub(lambda one: f'"{ANEW if one[1] in self._steps else ""}{one[1]}"', text)

    def _needed(self, names: Sequence[str]) -> set[str]:
        """These tables and all that their SQL names."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            step = self._steps.get(name)
            if name not in found and step and step.kind != "codes":
                waiting += step.names
            found.add(name)
        return found


def _within(sight: Sight) -> bool:
    """Whether something within a patient's record is hidden: then sums over kept rows would tell of it."""
    return bool(sight.types is not None or sight.only is not None or sight.concealed or sight.masked)


def _bare(data: Any) -> bool:
    """Whether no file stands behind a table."""
    return isinstance(data, pa.Table) and not data.num_rows
