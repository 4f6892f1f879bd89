"""The room's views: the seven CDM tables whole, and what the coverage report counts. All are secondary use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

from onmaru.kernel.lake import View
from onmaru.rooms.omop.cdm import COLUMNS, DOMAINS
from onmaru.rooms.omop.tables import TABLES
from onmaru.rooms.omop.views.columns import FROM, VALUES
from onmaru.rooms.omop.vocabulary import SITE

KEPT = tuple(table.name for table in TABLES)
_TYPES = {"id": "BIGINT", "n": "BIGINT", "x": "DOUBLE", "d": "DATE", "t": "TIMESTAMP"}


def _text(name: str) -> str:
    return re.sub(r"^--.*\n", "", (files(__name__) / f"{name}.sql").read_text("utf-8"), flags=re.MULTILINE).strip()


def _empty(table: str) -> str:
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in SITE[table].items())
    return f"{table} AS (SELECT {columns} WHERE false)"


def _resolved(select: str, loaded: frozenset[str]) -> str:
    """The SELECT behind the resolving scopes; a vocabulary table that the site has not loaded is empty."""
    domains = " ".join(f"WHEN '{domain}' THEN '{table}'" for domain, table in DOMAINS.items())
    empty = [_empty(table) for table in SITE if table not in loaded]
    return f"WITH {', '.join([*empty, _text('resolve').replace('{domains}', domains)])}\n{select}"


def _view(name: str, select: str, loaded: frozenset[str]) -> View:
    tables = (*KEPT, *(table for table in SITE if table in loaded))
    return View(f"omop_{name}", _resolved(select, loaded), tables, secondary=True)


def _column(table: str, name: str, kind: str) -> str:
    value = VALUES[table].get(name, "NULL")
    if kind.isdigit():
        return f"nullif(left(CAST({value} AS VARCHAR), {kind}), '') AS {name}"
    return f"CAST({value} AS {_TYPES.get(kind, 'VARCHAR')}) AS {name}"


def cdm(table: str, loaded: frozenset[str]) -> View:
    """One CDM table with all its columns in order, then `_source`, `_version`, `_t` and `_patient`."""
    columns = [_column(table, name, kind) for name, kind, _ in COLUMNS[table]]
    lineage = [f"f.{name}" for name in ("_source", "_version", "_t", "_patient")]
    select = f"SELECT {', '.join(columns + lineage)}\nFROM {FROM[table]}\nORDER BY f.id"
    return _view(table, select, loaded)


def named(name: str, loaded: frozenset[str]) -> View:
    """`coverage`, `unmapped`, `balance` or `status`."""
    return _view(name, _text(name), loaded)


REPORTS = ("coverage", "unmapped", "balance", "status")


def every(loaded: frozenset[str] = frozenset()) -> tuple[View, ...]:
    """All views, for the vocabulary tables that are loaded."""
    return (*(cdm(table, loaded) for table in COLUMNS), *(named(name, loaded) for name in REPORTS))


def parameters(view: View, given: Mapping[str, object]) -> dict[str, object]:
    """Those of `given` that the view names."""
    return {name: value for name, value in given.items() if f":{name}" in view.sql}
