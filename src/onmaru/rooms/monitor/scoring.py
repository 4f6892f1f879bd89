"""Pure: readings to a score with its parts. What is missing is never taken for normal: it leaves a range of totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal

import msgspec

from onmaru.rooms.monitor.reading import Reading, converted, measures
from onmaru.rooms.monitor.score_table import Item, ScoreTable

State = Literal["scored", "open", "missing", "stale", "unreadable"]
# Room air (MSD Manual, "Modified Marshall", note on FiO2): above it somebody is given oxygen
AIR = Fraction(21)
NOTHING = Reading("", "", "", 0, "")


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """One row of the table. `points` None: it lies between `least` and `most`.

    open: the value is known, but which column counts is not. `at` is µs since 1970 UTC, 0 without a reading.
    """

    name: str
    state: State
    points: int | None
    least: int
    most: int
    value: str = ""
    unit: str = ""
    at: int = 0
    source: str = ""


class Scored(msgspec.Struct, frozen=True, rename="camel"):
    """`total` and `level` are None while a part is missing; `least_level` is what the known parts alone give."""

    name: str
    total: int | None
    least: int
    most: int
    level: str | None
    least_level: str
    verified: bool
    source: str
    parts: Sequence[Part]


class Asked(msgspec.Struct, frozen=True):
    """What a score needs besides readings. `now` and `fresh` in µs; `given`: scale, support and pressor where known."""

    now: int
    fresh: int
    given: Mapping[str, str] = {}


def score(table: ScoreTable, readings: Sequence[Reading], asked: Asked) -> Scored:
    """The score at `asked.now`; readings after it are not looked at."""
    known = [one for one in (*readings, *_derived(readings, asked)) if one.at <= asked.now]
    context = _context(known, asked)
    names = dict.fromkeys(item.name for item in table.items)
    parts = [_part(table, name, known, (asked, context)) for name in names]
    parts = _joined(table, parts)
    least, most = sum(one.least for one in parts), sum(one.most for one in parts)
    whole = least == most and all(one.points is not None for one in parts)
    worst = max((one.least for one in parts), default=0)
    level = table.level(least, worst)
    return Scored(
        table.name, least if whole else None, least, most, level if whole else None, level, table.verified,
        table.source, parts,
    )  # fmt: skip


def _part(table: ScoreTable, name: str, known: Sequence[Reading], asked: tuple[Asked, Mapping[str, str]]) -> Part:
    when, context = asked
    rows = [item for item in table.items if item.name == name]
    rows = [item for item in rows if all(context.get(key, one) == one for key, one in item.when.items())]
    if not rows:
        return Part(name, "missing", None, 0, 0)
    every = [points for row in rows for points in row.cells()]
    wanted = {measure for row in rows for measure in row.measures}
    found = sorted((one for one in known if one.measure in wanted), key=lambda one: one.at, reverse=True)
    fresh = [one for one in found if one.at > when.now - when.fresh]
    if not fresh:
        state: State = "stale" if found else "missing"
        return _shown(name, state, (min(every), max(every)), found[0] if found else NOTHING)
    if table.take == "latest":
        # Two readings of one instant that differ: the worse one counts
        fresh = [one for one in fresh if one.at == fresh[0].at]
    judged = [(one, cells) for one in fresh if (cells := _cells(rows, one))]
    if not judged:
        return _shown(name, "unreadable", (min(every), max(every)), fresh[0])
    worst, cells = max(judged, key=lambda one: (max(one[1]), min(one[1])))
    bounds = (min(cells), max(cells))
    return _shown(name, "scored" if bounds[0] == bounds[1] else "open", bounds, worst)


def _shown(name: str, state: State, bounds: tuple[int, int], one: Reading) -> Part:
    points = bounds[0] if state == "scored" else None
    return Part(name, state, points, *bounds, one.value, one.unit, one.at, one.source)


def _cells(rows: Sequence[Item], one: Reading) -> list[int]:
    """The points that the rows which may count give to a reading; none where it cannot be read. A row that takes another
    measure is there because it is not known which counts: all its cells are open.
    """
    measure = measures().get(one.measure)
    exact = converted(one.value, one.unit, measure.unit if measure else one.unit)
    found = [row.points(exact, one.value) for row in rows if one.measure in row.measures]
    scored = [points for points in found if points is not None]
    others = [points for row in rows if one.measure not in row.measures for points in row.cells()]
    return [*scored, *others] if scored else []


def _joined(table: ScoreTable, parts: Sequence[Part]) -> list[Part]:
    """Rows of one `either` as one part: the worst that is known, all of them when none is."""
    either = {item.name: item.either for item in table.items if item.either}
    kept: list[Part] = []
    for group in dict.fromkeys(either.get(one.name, one.name) for one in parts):
        same = [one for one in parts if either.get(one.name, one.name) == group]
        known = [one for one in same if one.points is not None]
        kept.append(max(known or same, key=lambda one: one.most))
    return kept


def _context(known: Sequence[Reading], asked: Asked) -> Mapping[str, str]:
    found = dict(asked.given)
    pressor = found.pop("pressor", "")
    if pressor:
        found["pressor"] = "none" if pressor == "none" else "given"
    breathing = [one for one in known if one.measure == "oxygen" and one.at > asked.now - asked.fresh]
    if breathing:
        found["oxygen"] = max(breathing, key=lambda one: (one.at, one.value)).value
    return found


def _derived(readings: Sequence[Reading], asked: Asked) -> list[Reading]:
    """Air or oxygen by what is given, PaO2/FiO2 of each pressure with the fraction last known, and what was asked for."""
    found = [one for reading in readings if (one := _breathing(reading))]
    fractions = sorted((one for one in readings if one.measure == "oxygen-fraction"), key=lambda one: one.at)
    for pressure in (one for one in readings if one.measure == "oxygen-pressure"):
        with_it = [one for one in fractions if pressure.at - asked.fresh < one.at <= pressure.at]
        ratio = _ratio(pressure, with_it[-1]) if with_it else None
        if ratio is not None:
            found.append(Reading("oxygenation", ratio, "mm[Hg]", pressure.at, pressure.source))
    pressor = asked.given.get("pressor", "")
    if pressor and pressor != "none":
        found.append(Reading("pressor", pressor, "", asked.now, ""))
    return found


def _breathing(reading: Reading) -> Reading | None:
    unit = {"oxygen-flow": "L/min", "oxygen-fraction": "%"}.get(reading.measure)
    exact = converted(reading.value, reading.unit, unit) if unit else None
    if exact is None:
        return None
    given = exact > (AIR if unit == "%" else 0)
    return Reading("oxygen", "oxygen" if given else "air", "", reading.at, reading.source)


def _ratio(pressure: Reading, fraction: Reading) -> str | None:
    above, below = converted(pressure.value, pressure.unit, "mm[Hg]"), converted(fraction.value, fraction.unit, "%")
    if above is None or not below:
        return None
    # Rounded down for showing; a tenth of a mmHg is finer than any cell
    return str(int(above * 1000 / below) / 10)


def shock_index(readings: Sequence[Reading], asked: Asked) -> str | None:
    """Heart rate over systolic pressure with two decimals (Allgöwer; https://www.medicalalgorithms.com/shock-index);
    None while one of them is not fresh.
    """
    found: list[Fraction] = []
    for name, unit in (("heart-rate", "/min"), ("systolic", "mm[Hg]")):
        rows = [one for one in readings if one.measure == name and asked.now - asked.fresh < one.at <= asked.now]
        newest = max(rows, key=lambda one: one.at, default=None)
        exact = converted(newest.value, newest.unit, unit) if newest else None
        if exact is None:
            return None
        found.append(exact)
    if found[1] <= 0:
        return None
    hundredths = int(found[0] * 100 / found[1] + Fraction(1, 2))
    return f"{hundredths // 100}.{hundredths % 100:02}"
