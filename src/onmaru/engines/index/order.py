"""The order of many matches, read off the tables: one pass over a parameter's rows instead of every body."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyroaring import BitMap

from onmaru.engines.index.names import TYPE_NAMES
from onmaru.engines.index.tables import Tables
from onmaru.engines.index.work import Work
from onmaru.fhir.query import Sort

ROWS = {
    "date": "SELECT t, lo FROM dat WHERE sp = ?",
    "string": "SELECT t, norm FROM str WHERE sp = ?",
    "number": "SELECT t, value FROM qty WHERE sp = ?",
    "quantity": "SELECT t, value FROM qty WHERE sp = ?",
    "reference": "SELECT f.t, r.type, r.id FROM ref f JOIN res r ON r.rid = f.rid WHERE f.sp = ?",
}
"""Kinds whose rows hold what is sorted by; the codes of the others are hashes."""


def told(file: Tables | None, sort: Sort, found: BitMap, work: Work) -> tuple[dict[int, Any], BitMap]:
    """What the tables tell of these, and those that bodies have to be asked for: all where the tables cannot tell.

    `file`: of a tenant's own parameter the one with its rows, which may lag behind; None where it has none.
    """
    if file is None:
        return {}, found
    behind = BitMap()
    if sort.parameter.expression:
        behind = found.copy()
        behind.remove_range(0, file.position + 1)
    values = keyed(file, sort, found - behind, work)
    return ({}, found) if values is None else (values, behind)


def keyed(file: Tables, sort: Sort, found: BitMap, work: Work) -> dict[int, Any] | None:
    """The value that each of these positions is sorted by, where it has one; None where the tables cannot tell."""
    if sort.parameter.code == "_id":
        rows: Any = file.db.execute("SELECT v.t, r.id FROM ver v JOIN res r ON r.rid = v.rid", ())
    elif sort.parameter.kind in ROWS:
        rows = file.db.execute(ROWS[sort.parameter.kind], (sort.parameter.sp,))
    else:
        return None
    if sort.parameter.kind == "reference":
        rows = ((t, f"{TYPE_NAMES[type]}/{id}" if type else id) for t, type, id in rows)
    return _best(rows, sort.descending, found, work)


def _best(rows: Iterable[tuple[int, Any]], descending: bool, found: BitMap, work: Work) -> dict[int, Any]:
    """The lowest value of each position, the highest where the order descends (R4 search 3.1.1.5.2)."""
    best: dict[int, Any] = {}
    for t, value in rows:
        work.read(1)
        if t in found and (t not in best or (value > best[t] if descending else value < best[t])):
            best[t] = value
    return best
