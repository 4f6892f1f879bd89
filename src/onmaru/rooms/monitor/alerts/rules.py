"""What raises an alert, as data: signals over scores, and how long they hold. An unverified rule is off."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

Urgency = Literal["stat", "urgent", "asap", "routine"]
Rung = Literal["nurse", "charge-nurse", "physician", "rapid-response"]
RUNGS: tuple[Rung, ...] = ("nurse", "charge-nurse", "physician", "rapid-response")
URGENCIES: tuple[Urgency, ...] = ("stat", "urgent", "asap", "routine")
SECOND = 1_000_000


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """About one score: its known total is at least `least`, one part has at least `part` points, or the total rose by
    at least `rise` within so many seconds. Exactly one of the three is not 0.
    """

    score: str
    least: int = 0
    part: int = 0
    rise: int = 0
    within: int = 0


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All signals of `when` must hold, for `delay` seconds before it is raised. It has ended when, `ease` points lower, it
    does not hold for `hold` seconds. Within `quiet` seconds of an acknowledgement it is not raised again.
    """

    name: str
    family: str
    urgency: Urgency
    when: tuple[Signal, ...]
    delay: int = 0
    ease: int = 0
    hold: int = 0
    quiet: int = 0
    on: bool = False
    verified: bool = False
    source: str = ""


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ladder of one urgency, in seconds (data/alerts/ladder.toml)."""

    after: Mapping[Rung, int]
    repeat: int
    reached: int
    snooze: int


class _Rules(msgspec.Struct, forbid_unknown_fields=True):
    rules: tuple[Rule, ...]


@cache
def shipped() -> Sequence[Rule]:
    """Every rule that ships; within a family the more urgent comes first."""
    return msgspec.convert(tomllib.loads(_text("rules")), _Rules).rules


@cache
def paces() -> Mapping[Urgency, Pace]:
    """The ladder by urgency."""
    return msgspec.convert(tomllib.loads(_text("ladder")), dict[Urgency, Pace])


def standing(names: str = "") -> tuple[Rule, ...]:
    """The rules that are on: those that ship so and those that the site names, separated by spaces."""
    wanted = frozenset(names.split())
    return tuple(rule for rule in shipped() if rule.on or rule.name in wanted)


def rank(urgency: str) -> int:
    """0 is the most urgent."""
    return URGENCIES.index(urgency) if urgency in URGENCIES else len(URGENCIES)


def _text(name: str) -> str:
    return (files("onmaru.rooms.monitor") / "data" / "alerts" / f"{name}.toml").read_text("utf-8")
