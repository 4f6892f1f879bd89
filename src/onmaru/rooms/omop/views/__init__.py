"""The room's views: every CDM table whole, and what the coverage report counts. All are secondary use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

from onmaru.kernel.lake import View
from onmaru.rooms.omop.cdm import CLINICAL, COLUMNS, DOMAINS
from onmaru.rooms.omop.tables import TABLES

_MADE = ("omop_people", "omop_things", "omop_mapping", "omop_visits", "omop_specimens", "omop_episodes")
_FACTS = (*DOMAINS.values(), "fact_relationship", "episode_event")


def _text(name: str) -> str:
    return re.sub(r"^--.*\n", "", (files(__name__) / f"{name}.sql").read_text("utf-8"), flags=re.MULTILINE).strip()


def cdm(table: str) -> View:
    """One CDM table with all its columns in order, then `_source`, `_version`, `_t` and `_patient`."""
    key = COLUMNS[table][0][0]
    select = f"SELECT * FROM {table} ORDER BY {key}"  # noqa: S608 - a table of the CDM
    return View(f"omop_{table}", select, (table,), secondary=True)


def named(name: str) -> View:
    """One of REPORTS."""
    domains = " ".join(f"WHEN '{domain}' THEN '{table}'" for domain, table in DOMAINS.items())
    sql = f"WITH {_text('resolved')}\n{_text(name)}".replace("{domains}", domains)
    known = (*(table.name for table in TABLES), *_MADE, *_FACTS, "concept", "concept_relationship")
    named = set(re.findall(r"\b(?:FROM|JOIN) (\w+)", sql))
    return View(f"omop_{name}", sql, tuple(table for table in known if table in named), secondary=True)


REPORTS = ("coverage", "unmapped", "balance", "status", "inventory", "promised")


CANDIDATES = View(
    "omop_candidates",
    f"WITH {_text('candidates')}",
    ("concept", "concept_relationship", "concept_synonym"),
    secondary=True,
)


def every() -> tuple[View, ...]:
    """All views."""
    return (*(cdm(table) for table in CLINICAL), *(named(name) for name in REPORTS), CANDIDATES)


def parameters(view: View, given: Mapping[str, object]) -> dict[str, object]:
    """Those of `given` that the view names."""
    return {name: value for name, value in given.items() if f":{name}" in view.sql}
