"""The Lake door of the embedded house: hot tables in SQLite, columnar tables in DuckDB over Parquet, one gate for both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from onmaru.fhir.outcome import invalid
from onmaru.kernel.audit import Trail, access
from onmaru.kernel.caller import Caller, Role
from onmaru.kernel.gate import Gate, Sight
from onmaru.kernel.lake import Answer, View
from onmaru.kernel.portion import Ruling
from onmaru.kernel.projection import Table

KEEPERS: frozenset[Role] = frozenset({"data-manager", "admin", "system"})
PATIENT = frozenset({"_patient", "patient"})  # the columns that name a disclosed patient


class Store(Protocol):
    """Where tables of one kind live. `tables` maps a name to its Table and physical name; `sites`: takes site tables."""

    @property
    def tables(self) -> Mapping[str, tuple[Table, str]]: ...

    @property
    def sites(self) -> bool: ...

    def query(self, view: View, params: Mapping[str, Any], sight: Sight) -> pa.Table: ...

    def publish(self, name: str, table: pa.Table) -> None: ...

    def published(self) -> Sequence[str]: ...

    def reached(self, names: Sequence[str]) -> int:
        """The position that all these tables have followed to."""


class Stores(msgspec.Struct, frozen=True):
    """What the lakes of one tenant stand on. `concealed`: what inherits these patients' compartments, or is in a part of
    theirs that these rulings hide, by the index.
    """

    gate: Gate
    trail: Trail
    now: Callable[[], int]
    kept: tuple[Store, ...]
    concealed: Callable[[frozenset[str], Mapping[str, tuple[Ruling, ...]]], frozenset[str]]


class EmbeddedLake:
    """Lake (kernel/lake.py) for one Caller: what is hidden from it is taken away before the view sees it."""

    def __init__(self, stores: Stores, caller: Caller) -> None:
        self._stores = stores
        self._caller = caller

    def query(self, view: View, params: Mapping[str, Any]) -> Answer:
        """Run a view; every patient whose rows it shows is audited."""
        store = self._store(view)
        table = store.query(view, params, self._sight(view))
        shown = _patients(table) or ([str(params["patient"])] if "patient" in params else [])
        self._audit(view, shown, "")
        return Answer(table, store.reached(view.tables))

    def later(self, view: View, params: Mapping[str, Any]) -> Callable[[], Answer]:
        """Decide and audit now; a view that shows patients is refused, since they could not be audited."""
        store, sight = self._store(view), self._sight(view)
        if not store.sites:
            raise LookupError(f"view {view.name} is over hot tables, which one thread alone may read")
        self._audit(view, (), "")
        return partial(_counted, store, view, params, sight)

    def _sight(self, view: View) -> Sight:
        """What the caller sees through this view; `Invalid` 403 and an audit row when that is nothing."""
        refusal = self._refusal(view)
        if refusal:
            self._audit(view, (), refusal)
            raise invalid("forbidden", f"not permitted: {refusal}", status=403)
        gate = self._stores.gate
        sight = gate.research_sight(self._caller) if view.secondary else gate.sight(self._caller, "s")
        # A row of a table does not tell all that a scope's search asks of the resource
        sight = sight.whole_types()
        if not (sight.denied or sight.rulings):
            return sight
        return msgspec.structs.replace(sight, concealed=self._stores.concealed(sight.denied, sight.rulings))

    def _refusal(self, view: View) -> str:
        if self._caller.tenant != self._stores.gate.tenant:
            return "tenant"
        if self._stores.gate.closed():
            return "suspended"
        if not self._caller.scopes:
            return "scope"
        return self._stores.gate.secondary(self._caller) if view.secondary else ""

    def publish(self, name: str, table: pa.Table) -> None:
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

    def _store(self, view: View) -> Store:
        for store in self._stores.kept:
            if all(name in store.tables for name in view.tables):
                return store
        raise LookupError(f"view {view.name} asks for tables that no single store keeps: {', '.join(view.tables)}")

    def _audit(self, view: View, patients: Sequence[str], denied: str) -> None:
        row = access(self._caller, "query", f"view/{view.name}", self._stores.now(), patients=patients, denied=denied)
        self._stores.trail.add(row)


def _counted(store: Store, view: View, params: Mapping[str, Any], sight: Sight) -> Answer:
    table = store.query(view, params, sight)
    if not PATIENT.isdisjoint(table.column_names):
        raise LookupError(f"view {view.name} shows patients: it has to be asked by query")
    return Answer(table, store.reached(view.tables))


def _patients(table: pa.Table) -> list[str]:
    for column in table.column_names:
        if column in PATIENT:
            return sorted({value for value in table.column(column).to_pylist() if value})
    return []
