"""Survival, Cox and competing risks equal R's survival on made data; the five data sets of its own are in the proof.

survival.R made survival_figures.csv of survival.csv, whose ninety persons are invented.
"""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest
from tests.survival_figures import differing, figures, ours, read

from onmaru.fhir.outcome import Invalid
from onmaru.rooms.cohort.statistics import competing, cox, kaplan_meier, matching
from onmaru.rooms.cohort.statistics.distributions import chi_square_tail, poisson_interval, wilson

HERE = Path(__file__).parent
R = figures((HERE / "survival_figures.csv").read_text())
ROWS = read(HERE / "survival.csv")
OURS = ours(ROWS)


def test_every_figure_is_that_of_r() -> None:
    assert len(R) == 38 and differing(OURS, R) == []


def test_what_is_found_can_be_told_as_json() -> None:
    """No number of a library's own kind is left in it."""
    times, ends = [row["time"] for row in ROWS], [int(row["end"]) for row in ROWS]
    events = [int(end == 1) for end in ends]
    model = cox.fit(("x1", "x2"), [(row["x1"], row["x2"]) for row in ROWS], times, events)
    balanced = matching.compared(events, [(row["x1"], row["x2"]) for row in ROWS], [(0, 0), (1, 0)], 1)
    for found in (model, competing.shares(times, ends), kaplan_meier.curve(times, events), balanced):
        assert msgspec.json.encode(found)


def test_a_figure_that_differs_is_noticed() -> None:
    wrong = {**OURS, ("cox", "coefficient"): [value + 1e-4 for value in OURS["cox", "coefficient"]]}
    assert differing(wrong, R) != []


def test_numbers_at_risk_are_those_who_have_not_left_before() -> None:
    times = [row["time"] for row in ROWS]
    assert kaplan_meier.at_risk(times, (0, 10, 10.5, 1000)) == [
        90,
        sum(1 for time in times if time >= 10),
        sum(1 for time in times if time >= 10.5),
        0,
    ]


def test_shares_and_whoever_is_free_add_up_to_all() -> None:
    free = 1.0
    for time in sorted({row["time"] for row in ROWS}):
        risk = sum(1 for row in ROWS if row["time"] >= time)
        free *= 1 - sum(1 for row in ROWS if row["time"] == time and row["end"]) / risk
    last = [OURS[f"aj{kind}", "share"][-1] for kind in (1, 2)]
    assert math.isclose(sum(last) + free, 1.0, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("rows", "events", "reason"),
    [
        ([(1,), (2,), (3,)], [0, 0, 0], "nobody has the event"),
        ([(1,), (1,), (1,)], [1, 1, 0], "same for everybody: x"),
        ([(0,), (0,), (1,), (1,)], [0, 0, 1, 1], "without fail"),
    ],
)
def test_what_no_model_can_tell_is_refused(rows: list[tuple[float]], events: list[int], reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        cox.fit(("x",), rows, list(range(len(rows), 0, -1)), events)


def test_tails_and_intervals_are_those_of_the_tables() -> None:
    # chi-square: 3.841 and 18.307 are the 5 % points of 1 and 10 degrees; Garwood's interval of 3 events
    assert math.isclose(chi_square_tail(3.841458821, 1), 0.05, rel_tol=1e-8)
    assert math.isclose(chi_square_tail(18.30703805, 10), 0.05, rel_tol=1e-8)
    assert poisson_interval(3) == pytest.approx((0.6186721, 8.767273), rel=1e-6)
    assert poisson_interval(0) == pytest.approx((0.0, 3.688879), rel=1e-6)
    assert wilson(1, 10) == pytest.approx((0.01787621, 0.4041500), rel=1e-6)
