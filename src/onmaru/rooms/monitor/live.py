"""Pure: what is known of one patient this second. Its law: a number carries its age; an old or doubtful one is not scored.

The wall draws this state and alerts are raised from its changes; both see the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from onmaru.rooms.monitor.reading import Reading
from onmaru.rooms.monitor.score_table import ScoreTable, score_tables
from onmaru.rooms.monitor.scoring import Asked, Part, score

SECOND = 1_000_000
# A number older than so many of its intervals is stale, and gone after so many, or after ten seconds where that is longer
STALE, GONE, SILENT = 3, 10, 10 * SECOND
Age = Literal["live", "stale", "gone"]
Kind = Literal["numeric", "age", "score"]


class Streamed(NamedTuple):
    """One numeric of one patient. `value`: the source's digits or an answer's letter; `at` when it was measured and
    `received` when it came, µs since 1970 UTC; `device` as the sender names it, "" for what a person charted.

    `interval`: µs until the next one is due, 0 where none is promised. `flag`: why it is not scored, "" where it is.
    """

    patient: str
    measure: str
    value: str
    unit: str
    at: int
    received: int
    device: str = ""
    interval: int = 0
    flag: str = ""


class Fresh(NamedTuple):
    """For how many µs a value counts in a score after it was measured: charted ones, and those of a device."""

    charted: int
    streamed: int


class Scores(msgspec.Struct, frozen=True, gc=False):
    """NEWS2 of this second. `total` and `level` are None while a part is open; then it lies between `least` and `most`.

    `parts`: (name, state, points or None, least, most).
    """

    total: int | None
    least: int
    most: int
    level: str | None
    least_level: str
    parts: tuple[tuple[str, str, int | None, int, int], ...]


class Live(msgspec.Struct, frozen=True, gc=False):
    """One patient. `newest`: the last numeric of each measure, whatever its flag; `usable`: the last that may be scored;
    `ages`: how old each of `newest` was when this state was made, at `now`. `scale`: NEWS2's of the saturation, `1` or `2`.
    """

    patient: str
    newest: Mapping[str, Streamed] = {}
    usable: Mapping[str, Streamed] = {}
    ages: Mapping[str, Age] = {}
    news2: Scores | None = None
    now: int = 0
    scale: str = "1"


class Change(NamedTuple):
    """What happened to a patient at `now`. numeric: `after` is the newest value of `measure`; age: its new age; score:
    the total, or `LEAST-MOST` while a part is open. `before` is "" where there was none.
    """

    patient: str
    kind: Kind
    measure: str
    before: str
    after: str
    now: int


def advance(state: Live, readings: Sequence[Streamed], now: int, fresh: Fresh) -> tuple[Live, Sequence[Change]]:
    """The state at `now` (µs) after these readings of its patient, in any order; with none, what the passing of time did.

    A reading that was measured before the newest of its measure changes nothing; of two of one instant the later one stands.
    """
    newest, usable, patient = dict(state.newest), dict(state.usable), state.patient
    changes: list[Change] = []
    for one in readings:
        measure, at = one.measure, one.at
        known = newest.get(measure)
        if known is None or at >= known.at:
            newest[measure] = one
            changes.append(Change(patient, "numeric", measure, known.value if known else "", one.value, now))
        scored = usable.get(measure)
        if not one.flag and (scored is None or at >= scored.at):
            usable[measure] = one
    ages = {measure: aged(one, now) for measure, one in newest.items()}
    changes += [
        Change(state.patient, "age", measure, state.ages.get(measure, ""), age, now)
        for measure, age in ages.items()
        if state.ages.get(measure, "live") != age
    ]
    found = news2(usable, now, fresh, state.scale)
    if _told(found) != _told(state.news2):
        changes.append(Change(state.patient, "score", "news2", _told(state.news2), _told(found), now))
    return Live(state.patient, newest, usable, ages, found, now, state.scale), changes


def aged(one: Streamed, now: int) -> Age:
    """How old a numeric is at `now`. What no interval is promised for, as what a person charts, does not age here."""
    every = one.interval
    if not every:
        return "live"
    # The earlier of both: a device whose clock is ahead cannot keep an old number young, nor a late delivery
    at, came = one.at, one.received
    age = now - (at if at < came else came)
    if age <= STALE * every:
        return "live"
    return "stale" if age <= max(GONE * every, SILENT) else "gone"


def news2(usable: Mapping[str, Streamed], now: int, fresh: Fresh, scale: str) -> Scores:
    """NEWS2 on one of its SpO2 scales (RCP 2017, chart 1), of what is fresh at `now`; what is not makes the part stale."""
    table = score_tables()["news2"]
    counted = {
        measure: (one.value, one.unit, now - one.at < (fresh.streamed if one.interval else fresh.charted))
        for measure, one in usable.items()
        if one.at <= now + SILENT
    }
    # Air or oxygen is told by any of these, and the columns of the saturation by it
    breathing = tuple((name, *counted[name]) for name in BREATHING if name in counted)
    parts = [
        _part(
            name,
            tuple((one, *counted[one]) for one in wanted if one in counted and one not in BREATHING),
            breathing,
            scale,
        )
        for name, wanted in _wanted().items()
    ]
    least, most = sum(one.least for one in parts), sum(one.most for one in parts)
    whole = all(one.points is not None for one in parts)
    level = table.level(least, max(one.least for one in parts))
    told = tuple((one.name, one.state, one.points, one.least, one.most) for one in parts)
    return Scores(least if whole else None, least, most, level if whole else None, level, told)


BREATHING = ("oxygen", "oxygen-flow", "oxygen-fraction")
_Given = tuple[tuple[str, str, str, bool], ...]


@lru_cache(1)
def _wanted() -> Mapping[str, tuple[str, ...]]:
    """Each part of NEWS2 with the measures it takes."""
    items = score_tables()["news2"].items
    return {item.name: item.measures for item in items}


@lru_cache(1)
def _rows() -> Mapping[str, ScoreTable]:
    """NEWS2 as one table a part, so that what one part gave once need not be worked out again."""
    whole = score_tables()["news2"]
    return {
        name: msgspec.structs.replace(whole, items=tuple(item for item in whole.items if item.name == name))
        for name in _wanted()
    }


@lru_cache(65_536)
def _part(name: str, given: _Given, breathing: _Given, scale: str) -> Part:
    """One part, of values of one moment: fresh ones at 1 and stale ones at 0, where what is fresh begins after 0."""
    readings = [
        Reading(measure, value, unit, int(fresh), measure) for measure, value, unit, fresh in (*given, *breathing)
    ]
    return score(_rows()[name], readings, Asked(1, 1, {"scale": scale})).parts[0]


def _told(found: Scores | None) -> str:
    if found is None:
        return ""
    return str(found.total) if found.total is not None else f"{found.least}-{found.most}"
