"""The Lake door: tables that projections keep, read through named views, always bound to one Caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from onmaru.kernel.projection import Table


class View(msgspec.Struct, frozen=True):
    """A named SELECT with `:name` parameters over tables of one store. It sees only rows the Caller may see.

    `secondary` True: for a researcher or data manager with the purpose HRESCH or HOPERAT; whoever is hidden from research
    is hidden here, from the house's own caller too.
    """

    name: str
    sql: str
    tables: tuple[str, ...]
    secondary: bool = False


class Answer(msgspec.Struct, frozen=True):
    """An Arrow table and the position it was true at."""

    table: pa.Table
    t: int


class Lake(Protocol):
    def query(self, view: View, params: Mapping[str, Any]) -> Answer: ...

    def later(self, view: View, params: Mapping[str, Any]) -> Callable[[], Answer]:
        """Decide and audit now; what is returned computes the answer in any thread. For columnar views without patients."""

    def publish(self, name: str, table: pa.Table) -> None:
        """Replace a site table, such as a vocabulary, that no projection keeps."""

    def published(self) -> frozenset[str]:
        """The names of the site tables that somebody has published."""

    def tables(self) -> Sequence[Table]: ...
