"""A run of checks: one script over the CDM and one over the resources that its caller may see, then what the validator says.

What was counted can be judged again at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from onmaru.kernel.lake import Lake, Results, Script
from onmaru.kernel.room import Hall
from onmaru.rooms.quality import checks as ohdsi
from onmaru.rooms.quality.checks import Check
from onmaru.rooms.quality.resources import validity
from onmaru.rooms.quality.resources.counting import counting
from onmaru.rooms.quality.resources.listed import LEVEL, VALID
from onmaru.rooms.quality.statements import Plan, plan
from onmaru.rooms.quality.verdicts import Counted

TABLES = tuple(dict.fromkeys(check.table for check in ohdsi.checks()))
SECONDS, NEWEST = 600, 200
Numbered = Sequence[tuple[int, Check]]
Found = Mapping[int, Counted]
# A piece of a run that was permitted: what to compute in any thread, and what its answer says
Step = tuple[Callable[[], object], Callable[[object], Found]]


class Ran(msgspec.Struct, frozen=True):
    """What a run counted, in the order asked, and the position that it is true at."""

    counted: Sequence[Counted]
    t: int


class Running:
    """A run of some checks. `steps` decides each piece here and hands over what is to be computed, in any thread."""

    def __init__(self, hall: Hall, asked: Sequence[Check]) -> None:
        self._hall = hall
        self._asked = asked
        self._found: dict[int, Counted] = {}
        self._t: list[int] = []
        self._seconds = float(hall.settings.get("seconds", SECONDS))

    def steps(self) -> Iterator[Callable[[], object]]:
        """Each is computed, and its answer given to `took`, before the next is asked for."""
        for compute, told in self._steps():
            self._told = told
            yield compute

    def took(self, answer: object) -> None:
        """What the last step gave."""
        self._found |= self._told(answer)

    def _steps(self) -> Iterator[Step]:
        numbered = list(enumerate(self._asked))
        cdm = [one for one in numbered if one[1].level != LEVEL]
        sql = [one for one in numbered if one[1].level == LEVEL and one[1].kind != VALID]
        if cdm:
            yield self._cdm(cdm)
        if sql:
            yield self._hall.lake.script(counting(self._hall.lake, sql, self._seconds)), partial(self._sql, sql)
        for number, check in numbered:
            if check.kind == VALID:
                yield from self._valid(number, check)

    def _cdm(self, asked: Numbered) -> Step:
        there = columns(self._hall.lake)
        made = plan([check for _, check in asked], there)
        script = Script("quality", tuple(made.statements), tuple(there), ("found",), seconds=self._seconds)
        return self._hall.lake.script(script), partial(self._ohdsi, asked, there, made)

    def _ohdsi(self, asked: Numbered, there: Mapping[str, Sequence[str]], made: Plan, answer: object) -> Found:
        rows = self._rows(answer)
        every = enumerate(asked)
        return {number: _one(check, there, made.inapplicable.get(n, ""), rows.get(n)) for n, (number, check) in every}

    def _sql(self, asked: Numbered, answer: object) -> Found:
        rows = self._rows(answer)
        return {
            number: Counted(check.id, row.get("violated", 0), row.get("total", 0))
            for number, check in asked
            for row in [rows.get(number, {})]
        }

    def _rows(self, answer: object) -> dict[int, dict[str, int]]:
        assert isinstance(answer, Results)
        self._t.append(answer.t)
        return {row.pop("number"): row for row in answer.tables["found"].to_pylist()}

    def _valid(self, number: int, check: Check) -> Iterator[Step]:
        self._found[number] = Counted(check.id, 0, 0)
        for versions in validity.newest(
            self._hall.record, check.table, int(self._hall.settings.get("validated", NEWEST))
        ):
            yield (
                partial(validity.broken, versions, self._hall.rules.library),
                partial(self._seen, number, len(versions)),
            )

    def _seen(self, number: int, looked: int, answer: object) -> Found:
        assert isinstance(answer, list)
        before = self._found[number]
        return {number: Counted(before.id, before.violated + len(answer), before.total + looked)}

    @property
    def ran(self) -> Ran:
        """What was counted, once every step was taken. Tables that were derived during the run told no position before."""
        told = min((t for t in self._t if t), default=0)
        return Ran([self._found[number] for number in range(len(self._asked))], told)


def columns(lake: Lake) -> dict[str, tuple[str, ...]]:
    """The columns of each CDM table that the lake has."""
    known = {table.name: tuple(name for name, _ in table.columns) for table in lake.tables()}
    return {name: known[name] for name in TABLES if name in known}


def counted(hall: Hall, asked: Sequence[Check]) -> Ran:
    """A whole run, here and now."""
    running = Running(hall, asked)
    for step in running.steps():
        running.took(step())
    return running.ran


def _one(check: Check, there: Mapping[str, Sequence[str]], why: str, row: Mapping[str, int] | None) -> Counted:
    if check.kind == "cdmTable":
        return Counted(check.id, int(check.table not in there), 1)
    if check.kind == "cdmField":
        if check.table not in there:
            return Counted(check.id, 0, 0, "table-missing")
        return Counted(check.id, int(check.field not in there[check.table]), 1)
    return Counted(check.id, row["violated"], row["total"]) if row and not why else Counted(check.id, 0, 0, why)
