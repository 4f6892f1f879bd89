"""Asking the lake: with the vocabulary tables that are loaded now, in the name of one Caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onmaru.kernel.lake import Answer, View
from onmaru.kernel.room import Hall
from onmaru.rooms.omop import views
from onmaru.rooms.omop.vocabulary import SITE, parameters

SYSTEMS = ""  # the setting `systems` when the site gives none


def loaded(hall: Hall) -> frozenset[str]:
    """Which vocabulary tables the site has."""
    return frozenset(table.name for table in hall.lake.tables()) & SITE.keys()


def table(hall: Hall, name: str) -> Answer:
    """One CDM table with its lineage columns."""
    return _ask(hall, views.cdm(name, loaded(hall)))


def report(hall: Hall, name: str, given: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """One of the reports as plain rows."""
    rows: list[dict[str, Any]] = _ask(hall, views.named(name, loaded(hall)), given).table.to_pylist()
    return rows


def _ask(hall: Hall, view: View, given: Mapping[str, Any] | None = None) -> Answer:
    known = parameters(str(hall.settings.get("systems", SYSTEMS)))
    return hall.lake.query(view, views.parameters(view, {**known, **(given or {})}))
