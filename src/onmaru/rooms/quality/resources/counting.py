"""The checks of resources that are SQL, as one script: a pass over a type for each set of joins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from onmaru.kernel.lake import Lake, Script
from onmaru.rooms.quality.checks import Check
from onmaru.rooms.quality.conditions import Condition
from onmaru.rooms.quality.resources import flat, listed
from onmaru.rooms.quality.statements import FOUND, passes

_FLAT = re.compile(r"\bflat_([A-Z]\w+)")
COUNTED = "quality-resources"


class Looked(NamedTuple):
    """What a condition of a check is asked of: the statements that make it, and the tables of the lake that they read."""

    statements: tuple[str, ...]
    tables: tuple[str, ...]


def looked(lake: Lake, conditions: Iterable[tuple[str, Condition]], more: Iterable[str] = ()) -> Looked:
    """What has to be there for conditions on types: (type, condition). `more`: types that are wanted besides."""
    needed = set(more)
    for type, condition in conditions:
        needed |= {type, *_FLAT.findall(condition.join)}
        if "flat_sent" in condition.join:
            needed.add(flat.PROVENANCE)
    tables = tuple(sorted(needed))
    return Looked(tuple(flat.views(flat.trees(lake, tables))), tables)


def counting(lake: Lake, asked: Sequence[tuple[int, Check]], seconds: float) -> Script:
    """The script that leaves number, violated and total of each of these checks in `found`."""
    rows = [(number, check.table, listed.conditions()[check.id]) for number, check in asked]
    needed = looked(lake, ((type, condition) for _, type, condition in rows))
    counted = passes((number, f"flat_{type}", condition) for number, type, condition in rows)
    statements = (FOUND, *needed.statements, *counted)
    return Script(COUNTED, statements, needed.tables, ("found",), seconds=seconds)
