"""The Derivation door: tables that SQL makes of a projection's tables, kept, and renewed by what changed alone.

Its law: whatever was followed when, the rows equal those of one run over everything (decision 0189).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from onmaru.kernel.projection import Table

# lookup: few narrow rows by `id`, made whole each time; what changed in it renews the rows that refer to it.
# codes: rows by `key`, made once for each key that `asks` gives, and all again when a site table or a parameter changed.
# scope: not kept; a SELECT that later steps name.
# rows: each row comes of one row of one base table, by `_t`, with the lookups that the base table's `links` tell.
# groups: each row sums up rows of the tables `of` that share the column `unit`.
NAMED = re.compile(r"@(\w+)")
Kind = Literal["lookup", "codes", "scope", "rows", "groups"]


class Step(msgspec.Struct, frozen=True):
    """One table, or scope. `sql` names base tables, site tables and earlier steps as `@NAME`; it gives the table's columns
    and the engine's own (`_source`, `_version`, `_t`, `_patient`, `_patients`, `_labels`).

    `asks` (codes): each gives `key` and `text`, of a base table or of an earlier step, and together they give every key that
    a row refers to; `sql` is then asked of the relation `@asked`. `order`: how rows lie in their files, so that what a query
    asks lies together. `when` (rows, groups): gives a row wherever `sql` does, and costs less. `by`
    (groups): a table of `of`, its column, and the codes that this column refers to.

    `near` (lookup): gives as `id` the keys, in the column `unit`, of the rows that may be other than before where rows of a
    base came and none ended. It names what came of a base table as `@came_NAME`, and the keys of an earlier lookup that
    changed as `@changed_NAME`. Without it a lookup is made whole.
    """

    table: Table
    kind: Kind
    sql: str
    of: tuple[str, ...] = ()
    unit: str = "_t"
    asks: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    by: tuple[tuple[str, str, str], ...] = ()
    when: str = ""
    near: str = ""

    @property
    def names(self) -> frozenset[str]:
        """What its SQL names."""
        return frozenset(NAMED.findall(self.sql))


class Derivation(msgspec.Struct, frozen=True):
    """`base`: tables of one projection → their columns that refer to a lookup or to codes: (column, step).

    `sites`: site tables that it reads; they exist, empty, until they are published. `blank`: tables of the same data
    contract that nothing fills. `parameters` are made of the room's settings; `remakes` names lookups, made before the
    codes, of which any change asks all codes again.
    """

    name: str
    version: int
    projection: str
    base: Mapping[str, tuple[tuple[str, str], ...]]
    steps: tuple[Step, ...]
    sites: tuple[Table, ...] = ()
    blank: tuple[Table, ...] = ()
    remakes: tuple[str, ...] = ()
    parameters: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda settings: {}

    @property
    def kept(self) -> tuple[Step, ...]:
        """The steps whose rows are kept."""
        return tuple(step for step in self.steps if step.kind != "scope")
