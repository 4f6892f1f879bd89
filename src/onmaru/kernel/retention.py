"""Which law still keeps a record, and until when: rules as data; nothing is judged that the record cannot tell."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

import msgspec

from onmaru.fhir.keys import MIN


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `retention.toml`; its head says what the fields mean."""

    name: str
    english: str
    years: int
    types: frozenset[str]
    source: str
    since: Literal["record", "care"] = "record"
    unjudged: str = ""


class Kept(NamedTuple):
    """A resource as the rules see it: its type, and its moment in µs since 1970 UTC."""

    type: str
    at: int


class Hold(msgspec.Struct, frozen=True):
    """A rule that still runs: over how many resources, and the last day (UTC) that it keeps one of them."""

    rule: Rule
    resources: int
    until: date

    @property
    def until_text(self) -> str:
        """The rule and how long, without a count."""
        rule = self.rule
        return f"{rule.name} ({rule.english}) is kept {rule.years} years, {rule.source}: until {self.until.isoformat()}"

    @property
    def text(self) -> str:
        """The rule as a refusal names it; of the person it tells only how long."""
        rule = self.rule
        return (
            f"{rule.name} ({rule.english}) is kept {rule.years} years, {rule.source}: "
            f"{self.resources} resource{'s' if self.resources > 1 else ''}, the last until {self.until.isoformat()}"
        )


def read(source: str) -> tuple[Rule, ...]:
    """The rules of a TOML text; a rule without types has to say why it is not judged (ValueError)."""
    rules = msgspec.convert(tomllib.loads(source)["rule"], tuple[Rule, ...])
    for rule in rules:
        if bool(rule.types) == bool(rule.unjudged):
            raise ValueError(f"{rule.name}: a rule has types, or says why it is not judged")
    return rules


@cache
def standard() -> tuple[Rule, ...]:
    """The rules that ship with the house."""
    return read(files("onmaru.kernel").joinpath("retention.toml").read_text("utf-8"))


def holds(records: Sequence[Kept], now: int, rules: Iterable[Rule]) -> list[Hold]:
    """The rules that still run at `now`; none for a person of whom there is no care to keep."""
    today = _day(now)
    rules = tuple(rules)
    care = [kept for kept in records if any(rule.since == "record" and kept.type in rule.types for rule in rules)]
    last = max((kept.at for kept in care), default=None)
    found = []
    for rule in rules:
        moments = _moments(rule, records, last)
        ends = [end for at in moments if (end := ended(_day(at), rule.years)) >= today]
        if ends:
            found.append(Hold(rule, len(ends), max(ends)))
    return found


def _moments(rule: Rule, records: Sequence[Kept], last: int | None) -> list[int]:
    mine = [kept.at for kept in records if kept.type in rule.types]
    if rule.since == "record":
        return mine
    return [last] * len(mine) if last is not None else []


def last_date(dates: Iterable[tuple[int, int, int]], now: int) -> int | None:
    """The latest past moment among a resource's search keys of dates, in µs; None where it tells of none."""
    return max((high - 1 if high <= now else low for _, low, high in dates if MIN < low <= now), default=None)


def ended(day: date, years: int) -> date:
    """The same day years later; the 29th of February ends on the 1st of March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def _day(at: int) -> date:
    return datetime.fromtimestamp(max(at, 0) / 1e6, UTC).date()
