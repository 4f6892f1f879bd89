"""Asking the lake: with the vocabulary tables that are loaded now, in the name of one Caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    view = views.cdm(name, loaded(hall))
    return hall.lake.query(view, _given(hall, view, {}))


def report(hall: Hall, name: str, given: Mapping[str, Any] | None = None) -> Callable[[], list[dict[str, Any]]]:
    """One of the reports: permitted and audited now, computed as plain rows by calling what is returned, in any thread."""
    view = views.named(name, loaded(hall))
    answer = hall.lake.later(view, _given(hall, view, given or {}))
    return lambda: _plain(answer())


def _plain(answer: Answer) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer.table.to_pylist()
    return rows


def _given(hall: Hall, view: View, more: Mapping[str, Any]) -> dict[str, Any]:
    return views.parameters(view, {**parameters(str(hall.settings.get("systems", SYSTEMS))), **more})
