"""The Lake door of the embedded house: hot tables in SQLite, columnar tables in DuckDB over Parquet, one gate for both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.audit import Trail, access
from onmaru.kernel.caller import Caller, Purpose, Role
from onmaru.kernel.gate import Gate, Sight
from onmaru.kernel.lake import Answer, Layout, Results, Script, View
from onmaru.kernel.portion import Ruling
from onmaru.kernel.projection import Table

KEEPERS: frozenset[Role] = frozenset({"data-manager", "admin", "system"})
CARERS: frozenset[Role] = frozenset({"physician", "nurse"})
CARE: frozenset[Purpose] = frozenset({"TREAT", "ETREAT"})
SITE = "site"  # the physical name of every site table
Rulings = Mapping[str, tuple[Ruling, ...]]
PATIENT = frozenset({"_patient", "patient"})  # the columns that name a disclosed patient
IDS = PATIENT | {"_patients"}  # and those that do so by bare ids
NAMING = IDS | {"subject", "_source"}  # and by a reference
PERSON = frozenset({"person_id", "subject_id"})  # the columns that number the persons whom a script's results stand for


class Computing(Protocol):
    """A script's run in a store."""

    def compute(self) -> dict[str, pa.Table]: ...

    def cancel(self) -> None: ...


class Store(Protocol):
    """Where tables of one kind live. `tables` maps a name to its Table and physical name; `sites`: takes site tables."""

    @property
    def tables(self) -> Mapping[str, tuple[Table, str]]: ...

    @property
    def sites(self) -> bool: ...

    def query(self, view: View, params: Mapping[str, Any], sight: Sight, t: int | None = None) -> pa.Table: ...

    def keeps_past(self, name: str) -> bool:
        """Whether a table can be asked as it was at a position."""

    def layout(self, name: str) -> Layout: ...

    def publish(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None: ...

    def published(self) -> Sequence[str]: ...

    def script(
        self, script: Script, given: Mapping[str, pa.Table], sight: Sight, t: int | None = None
    ) -> Computing: ...

    def reached(self, names: Sequence[str]) -> int:
        """The position that all these tables have followed to."""


class Stores(msgspec.Struct, frozen=True):
    """What the lakes of one tenant stand on. `concealed`: what inherits these patients' compartments, or is in a part of
    theirs that these rulings hide, by the index; `concealed_at` the positions of all such versions. `head`: the last durable
    position, `since` when one was recorded, in µs since 1970 UTC.
    """

    gate: Gate
    trail: Trail
    now: Callable[[], int]
    kept: tuple[Store, ...]
    concealed: Callable[[frozenset[str], Rulings], frozenset[str]]
    concealed_at: Callable[[frozenset[str], Rulings], frozenset[int]]
    head: Callable[[], int]
    since: Callable[[int], int]


class EmbeddedLake:
    """Lake (kernel/lake.py) for one Caller: what is hidden from it is taken away before the view sees it."""

    def __init__(self, stores: Stores, caller: Caller, t: int | None = None) -> None:
        self._stores = stores
        self._caller = caller
        self._t = t

    def at(self, t: int) -> EmbeddedLake:
        """The same lake as it was at t: `Invalid` 404 where there is no such position."""
        if not 0 <= t <= self._stores.head():
            raise invalid("not-found", "no such position", status=404)
        return EmbeddedLake(self._stores, self._caller, t)

    def query(self, view: View, params: Mapping[str, Any]) -> Answer:
        """Run a view; every patient whose rows it shows is audited."""
        compute, told = self.asking(view, params)
        answer = compute()
        told(answer)
        return answer

    def asking(self, view: View, params: Mapping[str, Any]) -> tuple[Callable[[], Answer], Callable[[Answer], None]]:
        """`query` in three steps: decided now; the first gives the answer, in any thread if the tables are columnar, and the
        second audits it where this was called.
        """
        store, sight = self._store(view), self._sight(view)
        stands = self._stands(store, view)

        def told(answer: Answer) -> None:
            named = [str(params["patient"])] if "patient" in params else []
            self._audit(view, _patients(answer.table) or named, "")

        def computed() -> Answer:
            t, behind = stands()
            return Answer(store.query(view, params, sight, self._t), t, behind)

        return computed, told

    def later(self, view: View, params: Mapping[str, Any]) -> Callable[[], Answer]:
        """Decide and audit now; a view that shows patients is refused, since they could not be audited."""
        store, sight = self._store(view), self._sight(view)
        if not store.sites:
            raise LookupError(f"view {view.name} is over hot tables, which one thread alone may read")
        stands = self._stands(store, view)
        self._audit(view, (), "")

        def computed() -> Answer:
            t, behind = stands()
            return Answer(_counted(view, store.query(view, params, sight, self._t)), t, behind)

        return computed

    def _stands(self, store: Store, view: View) -> Callable[[], tuple[int, float]]:
        """`_fresh`, decided now and asked again where the answer is computed: derived tables are made there, if they lag."""
        t, behind = self._fresh(store, view)
        head = self._stores.head()

        def then() -> tuple[int, float]:
            if self._t is not None or not store.sites:
                return t, behind
            reached = store.reached(view.tables)
            return reached, behind if reached < head else 0.0

        return then

    def _fresh(self, store: Store, view: View) -> tuple[int, float]:
        """The position that an answer is true at, at least, and for how many seconds the log has had more than it holds.

        `Invalid` 400 where a table keeps no past, 503 where it has not followed to the position that was asked for.
        """
        reached = store.reached(view.tables)
        if self._t is not None:
            for name in view.tables:
                if not store.keeps_past(name):
                    raise invalid("not-supported", f"the table {name} keeps no past")
            if reached < self._t and any(store.tables[name][1] != SITE for name in view.tables):
                raise invalid("transient", "the tables have not followed to that position yet", status=503)
            return self._t, 0.0
        if not reached or reached >= self._stores.head():
            return reached, 0.0
        return reached, max(0.0, (self._stores.now() - self._stores.since(reached + 1)) / 1_000_000)

    def script(self, script: Script, given: Mapping[str, pa.Table] | None = None) -> AuditedRun:
        """Decide now; the run is audited when it ends, with the persons and patients that its results show."""
        view = View(script.name, "", script.tables, script.secondary)
        store, sight = self._store(view), self._sight(view, self._beyond(script))
        if not store.sites:
            raise LookupError(f"script {script.name} is over hot tables, which one thread alone may read")
        run = store.script(script, given or {}, sight, self._t)
        return AuditedRun(run, self._stands(store, view), partial(self._ended, script.name))

    def _ended(self, name: str, persons: int, patients: Sequence[str], why: str) -> None:
        target = f"script/{name}?persons={persons}"
        row = access(self._caller, "query", target, self._stores.now(), patients=patients, denied=why)
        self._stores.trail.add(row)

    def _beyond(self, script: Script) -> str:
        """Why the caller may not run a script that asks for more than its tables do; empty when it may."""
        if script.rowwise and self._caller.roles.isdisjoint(KEEPERS):
            return "role"
        if script.system and "system" not in self._caller.roles:
            return "role"
        if not script.care:
            return ""
        if self._caller.purpose not in CARE:
            return "purpose"
        return "role" if self._caller.roles.isdisjoint(CARERS) else ""

    def _sight(self, view: View, beyond: str = "") -> Sight:
        """What the caller sees through this view; `Invalid` 403 and an audit row when that is nothing."""
        refusal = self._refusal(view) or beyond
        if refusal:
            self._audit(view, (), refusal)
            raise invalid("forbidden", f"not permitted: {refusal}", status=403)
        gate = self._stores.gate
        sight = gate.research_sight(self._caller) if view.secondary else gate.sight(self._caller, "s")
        # A row of a table does not tell all that a scope's search asks of the resource
        sight = sight.whole_types()
        if not (sight.denied or sight.rulings):
            return sight
        if self._t is not None:
            return msgspec.structs.replace(sight, concealed_at=self._stores.concealed_at(sight.denied, sight.rulings))
        return msgspec.structs.replace(sight, concealed=self._stores.concealed(sight.denied, sight.rulings))

    def _refusal(self, view: View) -> str:
        if self._caller.tenant != self._stores.gate.tenant:
            return "tenant"
        if self._stores.gate.closed():
            return "suspended"
        if not self._caller.scopes:
            return "scope"
        return self._stores.gate.secondary(self._caller) if view.secondary else ""

    def publish(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Replace a site table, such as a vocabulary; for data managers of this tenant. Done or refused, it is audited."""
        refusal = "tenant" if self._caller.tenant != self._stores.gate.tenant else ""
        if self._stores.gate.closed():
            refusal = "suspended"
        if not refusal and self._caller.roles.isdisjoint(KEEPERS):
            refusal = "role"
        row = access(self._caller, "update", f"table/{name}", self._stores.now(), denied=refusal)
        self._stores.trail.add(row)
        if refusal:
            raise invalid("forbidden", f"not permitted: {refusal}", status=403)
        for store in self._stores.kept:
            if store.sites:
                store.publish(name, table)

    def tables(self) -> Sequence[Table]:
        """Every table there is, of both kinds."""
        return [table for store in self._stores.kept for table, _ in store.tables.values()]

    def published(self) -> frozenset[str]:
        """The names of the site tables that somebody has published."""
        return frozenset(name for store in self._stores.kept if store.sites for name in store.published())

    def layout(self, name: str) -> Layout:
        """How one table lies."""
        for store in self._stores.kept:
            if name in store.tables:
                return store.layout(name)
        raise LookupError(f"there is no table {name}")

    def _store(self, view: View) -> Store:
        for store in self._stores.kept:
            if all(name in store.tables for name in view.tables) and (view.tables or store.sites):
                return store
        raise LookupError(f"view {view.name} asks for tables that no single store keeps: {', '.join(view.tables)}")

    def _audit(self, view: View, patients: Sequence[str], denied: str) -> None:
        row = access(self._caller, "query", f"view/{view.name}", self._stores.now(), patients=patients, denied=denied)
        self._stores.trail.add(row)


class AuditedRun:
    """Run (kernel/lake.py): `stands` gives the position that it is true at, asked before it computes; `ended` takes
    persons, patients and why it failed.
    """

    def __init__(
        self,
        run: Computing,
        stands: Callable[[], tuple[int, float]],
        ended: Callable[[int, Sequence[str], str], None],
    ) -> None:
        self._run = run
        self._stands = stands
        self._ended = ended
        self.cancel = run.cancel

    def __call__(self) -> Results:
        t, _ = self._stands()
        try:
            tables = self._run.compute()
        except Invalid as error:
            self._ended(0, (), error.issues[0].code)
            raise
        persons = _persons(tables)
        self._ended(persons, sorted({one for table in tables.values() for one in _patients(table)}), "")
        return Results(tables, t, persons)


def _persons(tables: Mapping[str, pa.Table]) -> int:
    """How many different persons the results number."""
    columns = [
        table.column(field.name)
        for table in tables.values()
        for field in table.schema
        if field.name in PERSON and pa.types.is_integer(field.type)  # a view's own column may be called so
    ]
    chunks = [chunk.cast(pa.int64()) for column in columns for chunk in column.chunks]
    return int(pc.count_distinct(pa.chunked_array(chunks, pa.int64())).as_py()) if chunks else 0


def _counted(view: View, table: pa.Table) -> pa.Table:
    if not PATIENT.isdisjoint(table.column_names) or _patients(table):
        raise LookupError(f"view {view.name} shows patients: it has to be asked by query")
    return table


def _patients(table: pa.Table) -> list[str]:
    """The patients whom the columns name that are called after them: by ids, by a reference, or by the row's own source."""
    found: set[str] = set()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in NAMING:
            for value in _unique(column):
                found.update(_named(name, value))
    return sorted(found)


def _unique(column: Any) -> list[str]:
    """The different texts of a column, or those of its `reference`."""
    if pa.types.is_struct(column.type) and any(field.name == "reference" for field in column.type):
        column = pc.struct_field(column, "reference")
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return []
    return [value for value in pc.unique(column).to_pylist() if value]


def _named(name: str, text: str) -> list[str]:
    """The id in `Patient/id`; ids that stand alone where the column holds such."""
    kind, bar, id = text.partition("/")
    if bar:
        return [id.partition("/")[0]] if kind == "Patient" else []
    return text.split(" ") if name in IDS else []
