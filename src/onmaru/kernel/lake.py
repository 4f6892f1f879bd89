"""The Lake door: tables that projections keep, read through named views and scripts, always bound to one Caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from onmaru.fhir.columnar import Column
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
    """An Arrow table, the position it was true at, and for how many seconds something has been on the log that is not in it.

    `behind` is 0 where everything is, and of a past position that was asked for.
    """

    table: pa.Table
    t: int
    behind: float = 0.0


class Layout(msgspec.Struct, frozen=True):
    """How a table lies: its columns as SQL sees them, how many files and bytes, and the position that it has followed to.

    A resource table has the columns that the tenant's resources fill, nested as their JSON is; `tree` tells what each is.
    """

    columns: pa.Schema
    files: int
    bytes: int
    t: int
    tree: Column | None = None


class Script(msgspec.Struct, frozen=True):
    """Statements over `tables` of the lake, one after another, in a database of their own that ends with the run.

    They see only rows the Caller may see, whatever they say, and reach nothing else. `results`: tables that are there
    afterwards. `secondary`: as of a View. `seconds`: how long the whole run may take. `told`: texts that the statements may
    end the run with by SQL's own `error`; nothing else of an engine's text is told. `rowwise`: its results are rows of
    single persons, which data managers see and researchers do not. `care`: for whoever treats the patients alone, and then
    not `secondary`. `system`: for systems' accounts alone.
    """

    name: str
    statements: tuple[str, ...]
    tables: tuple[str, ...]
    results: tuple[str, ...]
    secondary: bool = True
    seconds: float = 60.0
    told: tuple[str, ...] = ()
    rowwise: bool = False
    care: bool = False
    system: bool = False


class Results(msgspec.Struct, frozen=True):
    """A script's results by name, the position they were true at, and how many persons they stand for."""

    tables: Mapping[str, pa.Table]
    t: int
    persons: int


class Run(Protocol):
    """A script that was permitted. Calling it computes, in any thread, and audits; `Invalid` 422 where it went on too long,
    409 where it was cancelled, 400 where a statement failed.
    """

    def __call__(self) -> Results: ...

    def cancel(self) -> None:
        """End it, from any thread, before or while it computes."""


class Lake(Protocol):
    def at(self, t: int) -> Lake:
        """The same lake as it was at t, of tables that keep their past: data at t, permission now."""

    def query(self, view: View, params: Mapping[str, Any]) -> Answer: ...

    def later(self, view: View, params: Mapping[str, Any]) -> Callable[[], Answer]:
        """Decide and audit now; what is returned computes the answer in any thread. For columnar views without patients."""

    def script(self, script: Script, given: Mapping[str, pa.Table] | None = None) -> Run:
        """Decide now; what is returned computes. `given`: tables of the asker's own, by the names statements give them."""

    def publish(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Replace a site table, such as a vocabulary, that no projection keeps; a reader is drawn as it is written."""

    def published(self) -> frozenset[str]:
        """The names of the site tables that somebody has published."""

    def tables(self) -> Sequence[Table]: ...

    def layout(self, name: str) -> Layout:
        """How one table lies; LookupError when there is none of that name."""
