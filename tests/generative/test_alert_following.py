"""Following a history in any pieces, with time looked at in between, gives what the whole history gives."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alert_history import HOUR, MINUTE, START, limit, observation, procedure, version
from onmaru.rooms.monitor.alerts.engine import Transition, Watch
from onmaru.rooms.monitor.alerts.rules import standing
from onmaru.rooms.monitor.alerts.signals import newest
from onmaru.rooms.monitor.reading import Reading
from onmaru.rooms.monitor.score_table import score_tables
from onmaru.rooms.monitor.scoring import Asked, score

RULES = standing("news2-rising qsofa-positive")
VALUES = {"respiratory-rate": [12, 22, 28], "heart-rate": [70, 115, 140], "systolic": [85, 95, 120]}


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    patient, late = draw(st.sampled_from(["p1", "p2"])), draw(st.integers(-90, 20))
    kind = draw(st.sampled_from(["reading"] * 6 + ["procedure", "limit"]))
    if kind == "procedure":
        return procedure(draw(st.sampled_from(["in-progress", "completed"])), patient)
    if kind == "limit":
        return limit("news2-medium", 7, START + late * MINUTE, START + (late + 60) * MINUTE, patient)
    measure = draw(st.sampled_from(sorted(VALUES)))
    id = f"o{draw(st.integers(0, 5))}"
    return observation(id, measure, draw(st.sampled_from(VALUES[measure])), START + late * MINUTE, patient)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), bodies(), st.lists(st.integers(0, 39), max_size=3)), max_size=14))
def test_looking_at_the_clock_in_between_changes_nothing(history: list[tuple[int, dict[str, Any], list[int]]]) -> None:
    once, often = Watch(RULES, 12 * HOUR), Watch(RULES, 12 * HOUR)
    single: list[Transition] = []
    several: list[Transition] = []
    now = START
    for t, (gap, body, looks) in enumerate(history, 1):
        for look in sorted(looks):
            if look < gap:
                several += often.advance(now + look * MINUTE)
        now += gap * MINUTE
        said = version(t, body, now)
        single += once.take(said)
        several += often.take(said)
    end = now + 20 * HOUR
    assert [*several, *often.advance(end)] == [*single, *once.advance(end)]


READINGS = st.builds(
    lambda what, at, source: Reading(what[0], what[1], what[2], START + at * MINUTE, source),
    st.sampled_from(
        [
            *(("respiratory-rate", value, "/min") for value in ("26", "14", "x")),
            *(("oxygen-flow", value, "L/min") for value in ("0", "2")),
            ("oxygen-fraction", "21", "%"),
        ]
    ),
    st.integers(-800, 5),
    st.sampled_from(["Observation/a", "Observation/b"]),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(READINGS, max_size=8))
def test_the_newest_readings_alone_give_the_score_that_all_give(readings: list[Reading]) -> None:
    asked = Asked(START, 12 * HOUR, {"scale": "1"})
    for table in score_tables().values():
        if table.take == "latest":
            assert score(table, newest(readings, START), asked) == score(table, readings, asked)
