"""The Projection door: a pure function from versions to rows. A version's rows replace those of the version before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from onmaru.kernel.log import Version

ColumnType = Literal["text", "int", "float", "bool", "date", "timestamp"]


class Table(msgspec.Struct, frozen=True):
    """A table that a projection keeps. `store`: "hot" rows answer a page at once, "columnar" rows serve analysis.

    The engine adds the columns `_source` (Type/id), `_version`, `_t`, `_patient` (logical id or ""), `_labels`.
    timestamp is µs since 1970 UTC, date is days since 1970. `index` lists columns of one hot index, after `_patient`.
    """

    name: str
    columns: tuple[tuple[str, ColumnType], ...]
    store: Literal["hot", "columnar"] = "columnar"
    index: tuple[str, ...] = ()


class Row(NamedTuple):
    """One row: its table, the patients whose consent covers it (usually one), security labels, then the values."""

    table: str
    patient: str
    labels: str
    values: tuple[Any, ...]


def labels_of(body: Mapping[str, Any]) -> str:
    """The `labels` of a decoded resource's rows: meta.security as `system|code`, separated by spaces."""
    security = (body.get("meta") or {}).get("security") or []
    return " ".join(f"{label.get('system', '')}|{label['code']}" for label in security if label.get("code"))


class Projection(Protocol):
    """Pure: for every batch size, following equals rebuilding. Rows and position are saved by the sink in one step."""

    name: str
    version: int
    types: frozenset[str]
    tables: tuple[Table, ...]

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        """For each version of `types` give the rows that it stands for now; a deletion gives none."""


def rows_of(
    projection: Projection, batch: Sequence[Version], made: Mapping[int, Sequence[Row]]
) -> Iterable[tuple[Version, Sequence[Row]]]:
    """What `apply` gives for a batch, but for versions whose rows, by position, were `made` elsewhere."""
    mine = [version for version in batch if version.type in projection.types]
    if not any(version.t in made for version in mine):
        return projection.apply(mine)
    return [
        (version, rows)
        for one in mine
        for version, rows in ([(one, made[one.t])] if one.t in made else projection.apply([one]))
    ]
