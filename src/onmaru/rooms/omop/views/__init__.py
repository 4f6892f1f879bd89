"""The room's views: every CDM table whole, and what the coverage report counts. All are secondary use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

from onmaru.kernel.lake import View
from onmaru.rooms.omop.cdm import CLINICAL, COLUMNS, DOMAINS

_BASE = ("omop_fact", "omop_visit", "omop_person", "omop_dropped")
_MADE = ("omop_people", "omop_things", "omop_mapping")


def _text(name: str) -> str:
    return re.sub(r"^--.*\n", "", (files(__name__) / f"{name}.sql").read_text("utf-8"), flags=re.MULTILINE).strip()


def cdm(table: str) -> View:
    """One CDM table with all its columns in order, then `_source`, `_version`, `_t` and `_patient`."""
    key = COLUMNS[table][0][0]
    select = f"SELECT * FROM {table} ORDER BY {key}"  # noqa: S608 - a table of the CDM
    return View(f"omop_{table}", select, (table,), secondary=True)


def named(name: str) -> View:
    """`coverage`, `unmapped`, `balance` or `status`."""
    domains = " ".join(f"WHEN '{domain}' THEN '{table}'" for domain, table in DOMAINS.items())
    scope = _text("resolved").replace("{domains}", domains)
    tables = (*_BASE, *_MADE, "concept", "concept_relationship")
    return View(f"omop_{name}", f"WITH {scope}\n{_text(name)}", tables, secondary=True)


REPORTS = ("coverage", "unmapped", "balance", "status")


def every() -> tuple[View, ...]:
    """All views."""
    return (*(cdm(table) for table in CLINICAL), *(named(name) for name in REPORTS))


def parameters(view: View, given: Mapping[str, object]) -> dict[str, object]:
    """Those of `given` that the view names."""
    return {name: value for name, value in given.items() if f":{name}" in view.sql}
