"""From rows that violate a check to the messages that brought them, and how a check fares by sender and day.

Its one law: whatever is told of a row passed the gate, the row itself, the Provenance and the message alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from onmaru.kernel.lake import Results, Script
from onmaru.kernel.room import Hall
from onmaru.rooms.quality.checks import Check
from onmaru.rooms.quality.resources import flat, validity
from onmaru.rooms.quality.resources.listed import VALID
from onmaru.rooms.quality.rows import MOST, Subject, subject
from onmaru.rooms.quality.running import NEWEST, SECONDS

ASKED = pa.schema([("source", pa.string()), ("t", pa.int64()), ("wrong", pa.bool_())])
# Of several messages about a resource the one of the same instant, else the nearest on the log, is that of this version
_NEAREST = (
    "LEFT JOIN origins o ON o.target = a.source "
    "QUALIFY row_number() OVER (PARTITION BY a.n ORDER BY abs(o._t - a.t), o._t) = 1"
)
_NUMBERED = "(SELECT *, row_number() OVER () AS n FROM asked) a"
_TRACED = (
    "CREATE TABLE traced AS SELECT x.source, x.sender, x.sent, x.message, m.control, m.kind, x._patient "  # noqa: S608 - our own names
    f"FROM (SELECT a.source, a.t, o.sender, o.sent, o.message, o._patient FROM {_NUMBERED} {_NEAREST}) x "
    "LEFT JOIN messages m ON m._source = x.message"
)
_SENT = (
    "SELECT a.source, a.wrong, o.sender, o.sent, w.written "  # noqa: S608 - as above
    f"FROM {_NUMBERED} LEFT JOIN written w ON w.source = a.source {_NEAREST}"
)
_BY = (
    "CREATE TABLE found AS SELECT coalesce(x.sender, '') AS sender, left(coalesce(x.sent, x.written), 10) AS day, "  # noqa: S608 - as above
    f"count(*) FILTER (x.wrong) AS violated, count(*) AS total FROM ({_SENT}) x GROUP BY ALL ORDER BY day, sender"
)
_OWN = "t._source AS source, t._version AS version, t._t AS t, t._patient AS patient"
Row = dict[str, Any]
# Computed by whoever asks for the next step, in any thread
Steps = Iterator[Callable[[], Results]]


class Tracing:
    """The rows that violate a check with their messages, or its counts by sender and day; driven step by step.

    Each of `steps` is computed, in any thread, and given to `took` before the next is asked for.
    """

    def __init__(self, hall: Hall, check: Check) -> None:
        self._hall = hall
        self._check = check
        self._seconds = float(hall.settings.get("seconds", SECONDS))
        self._answer: Any = None
        self.rows: list[Row] = []

    def took(self, answer: Any) -> None:
        """What the last step gave."""
        self._answer = answer

    def traced(self, most: int) -> Iterator[Callable[[], Any]]:
        """Leaves `rows`: source, version, t, patient, value, and of the message its name, control number, kind, sender."""
        if self._check.kind == VALID:
            yield from self._invalid(most)
        else:
            yield from self._violating(most)
        if self.rows:
            asked = pa.Table.from_pylist([{**row, "wrong": True} for row in self.rows], schema=ASKED)
            yield self._run(
                "quality-messages", (_TRACED,), "traced", {"asked": asked}, (flat.PROVENANCE, flat.DOCUMENT)
            )
            found = {row.pop("source"): row for row in self._answer.tables["traced"].to_pylist()}
            for row in self.rows:
                told = found.get(row["source"], {})
                row |= {name: told.get(name) for name in ("message", "control", "kind", "sender", "sent")}

    def by_sender(self) -> Iterator[Callable[[], Any]]:
        """Leaves `rows`: sender, day, violated, total; `day` is the sender's own where a message tells it."""
        asked = subject(self._hall.lake, self._check)
        if asked is None:
            return
        wrong = f"coalesce({asked.wrong}, false) AS wrong"
        looked = f"CREATE TABLE looked AS SELECT t._source AS source, t._t AS t, {wrong} {asked.source}"
        yield self._of(asked, looked, "looked")
        table = self._answer.tables["looked"].cast(ASKED)
        types = sorted({name.partition("/")[0] for name in table.column("source").unique().to_pylist() if name})
        if types:
            written = " UNION ALL ".join(_written(self._hall, type) for type in types)
            made = (f"CREATE VIEW written AS {written}", _BY)
            yield self._run("quality-senders", made, "found", {"asked": table}, (flat.PROVENANCE, *types))
            self.rows = self._answer.tables["found"].to_pylist()

    def _violating(self, most: int) -> Iterator[Callable[[], Any]]:
        asked = subject(self._hall.lake, self._check)
        if asked is None:
            return
        shown = (
            f"SELECT {_OWN}, CAST({asked.value} AS VARCHAR) AS value "
            f"{asked.source} AND ({asked.wrong}) ORDER BY t._t, t._source LIMIT {min(max(most, 1), MOST)}"
        )
        yield self._of(asked, f"CREATE TABLE looked AS {shown}", "looked")
        self.rows = self._answer.tables["looked"].to_pylist()

    def _invalid(self, most: int) -> Iterator[Callable[[], Any]]:
        """By the validator, among the newest as a run has it; the value is the place of the first error."""
        looked = int(self._hall.settings.get("validated", NEWEST))
        for versions in validity.newest(self._hall.record, self._check.table, looked):
            yield lambda versions=versions: validity.broken(versions, self._hall.rules.library)  # type: ignore[misc]  # bound here
            self.rows += [
                {"source": one.name, "version": one.version, "t": one.t, "patient": "", "value": place}
                for one, place in self._answer
            ][: most - len(self.rows)]

    def _of(self, asked: Subject, statement: str, result: str) -> Callable[[], Results]:
        script = Script(
            "quality-rows",
            (*asked.before, statement),
            tuple(dict.fromkeys(asked.tables)),
            (result,),
            seconds=self._seconds,
        )
        return self._hall.lake.script(script)

    def _run(
        self, name: str, statements: Sequence[str], result: str, given: dict[str, pa.Table], tables: tuple[str, ...]
    ) -> Callable[[], Results]:
        lake = self._hall.lake
        named = tuple(dict.fromkeys(tables))
        origins = flat.trees(lake, [one for one in named if one in (flat.PROVENANCE, flat.DOCUMENT)])
        made = (*flat.views(origins), *statements)
        return lake.script(Script(name, made, named, (result,), seconds=self._seconds), given)


def _written(hall: Hall, type: str) -> str:
    """When each resource of a type was recorded, as SQL."""
    known = flat.trees(hall.lake, [type])[type].at("meta", "lastUpdated") is not None
    return f'SELECT _source AS source, {"meta.lastUpdated" if known else "NULL"} AS written FROM "{type}"'  # noqa: S608 - a type of the record


def driven(tracing: Tracing, steps: Iterator[Callable[[], Any]]) -> list[Row]:
    """All steps, here and now."""
    for step in steps:
        tracing.took(step())
    return tracing.rows
