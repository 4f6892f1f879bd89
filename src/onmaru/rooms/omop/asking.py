"""Asking the lake for the CDM tables and the reports, in the name of one Caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onmaru.kernel.lake import Answer
from onmaru.kernel.room import Hall
from onmaru.rooms.omop import views
from onmaru.rooms.omop.cdm import VOCABULARY


def loaded(hall: Hall) -> frozenset[str]:
    """Which vocabulary tables the site has; those that it has not are there and empty."""
    return hall.lake.published() & frozenset(VOCABULARY)


def table(hall: Hall, name: str) -> Answer:
    """One CDM table with its lineage columns."""
    return hall.lake.query(views.cdm(name), {})


def report(hall: Hall, name: str, given: Mapping[str, Any] | None = None) -> Callable[[], list[dict[str, Any]]]:
    """One of the reports: permitted and audited now, computed as plain rows by calling what is returned, in any thread."""
    view = views.named(name)
    answer = hall.lake.later(view, views.parameters(view, given or {}))
    return lambda: _plain(answer())


def _plain(answer: Answer) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer.table.to_pylist()
    return rows
