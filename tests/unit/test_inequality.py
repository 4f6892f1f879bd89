"""WHO's summary measures beside examples that are worked by hand here, step by step."""

from __future__ import annotations

import math

import pytest

from onmaru.rooms.equity.funnel import opening
from onmaru.rooms.equity.inequality import impact, ordered, simple, spread
from onmaru.rooms.equity.inequality.groups import Dimension, Group, average, ranks
from onmaru.rooms.equity.inequality.summary import DRAWS, draws, summaries


def dimension(*groups: tuple[int, int], in_order: bool = True, favourable: bool = True) -> Dimension:
    """Groups of (persons, events)."""
    made = tuple(Group(str(place), persons, events) for place, (persons, events) in enumerate(groups))
    return Dimension(made, in_order, favourable)


# 100 poorest with 20 %, 300 with 40 %, 100 richest with 60 %: (20 + 120 + 60) / 500 = 40 % on average
FIFTHS = dimension((100, 20), (300, 120), (100, 60))


def test_the_ends_of_ordered_groups_are_compared_by_whether_more_is_better() -> None:
    assert (simple.difference(FIFTHS), simple.ratio(FIFTHS)) == (60 - 20, 60 / 20)
    adverse = dimension((100, 20), (300, 120), (100, 60), favourable=False)
    assert (simple.difference(adverse), simple.ratio(adverse)) == (20 - 60, pytest.approx(20 / 60))


def test_groups_without_order_are_compared_highest_with_lowest() -> None:
    mixed = dimension((100, 40), (100, 10), (100, 30), in_order=False)
    assert (simple.difference(mixed), simple.ratio(mixed)) == (30, 4)
    assert simple.ratio(dimension((10, 5), (10, 0), in_order=False)) is None


def test_concentration_indices_equal_the_worked_example() -> None:
    # Shares 0.2, 0.6, 0.2; middles of their ranks 0.1, 0.5, 0.9; 2X - 1 = -0.8, 0, 0.8
    assert ranks(FIFTHS.groups) == pytest.approx([0.1, 0.5, 0.9])
    # ACI = 0.2 * -0.8 * 20 + 0 + 0.2 * 0.8 * 60 = -3.2 + 9.6 = 6.4; RCI = 100 * 6.4 / 40 = 16
    assert ordered.absolute_concentration(FIFTHS) == pytest.approx(6.4)
    assert ordered.relative_concentration(FIFTHS) == pytest.approx(16)


def test_slope_and_relative_index_equal_the_worked_example() -> None:
    # Equal groups stand at 1/6, 1/2 and 5/6. Odds of 20, 50, 80 % are 1/4, 1, 4: their logarithms rise evenly by ln 4 each
    # third of the ranks, so that the line fits exactly. From 1/6 back to 0 is half a step: odds 1/4 / 2 = 1/8, so 1/9; at
    # rank 1 odds are 4 * 2 = 8, so 8/9. SII = 7/9, RII = 8.
    even = dimension((100, 20), (100, 50), (100, 80))
    assert ordered.slope(even) == pytest.approx(100 * 7 / 9)
    assert ordered.relative(even) == pytest.approx(8)


def test_equal_groups_have_no_slope_and_groups_apart_have_no_end() -> None:
    same = dimension((50, 10), (100, 20), (150, 30))
    assert ordered.slope(same) == pytest.approx(0, abs=1e-9)
    assert ordered.relative(same) == pytest.approx(1)
    assert ordered.slope(dimension((50, 0), (100, 0), (150, 150))) is None
    assert ordered.slope(dimension((50, 0), (50, 0))) is None


def test_variance_and_theil_equal_the_worked_example() -> None:
    # BGV = 0.2 * (20 - 40)^2 + 0.6 * 0 + 0.2 * (60 - 40)^2 = 80 + 80 = 160
    assert spread.between_group_variance(FIFTHS) == pytest.approx(160)
    # r = 0.5, 1, 1.5: Theil = 1000 * (0.2 * 0.5 * ln 0.5 + 0.6 * 0 + 0.2 * 1.5 * ln 1.5)
    assert spread.theil(FIFTHS) == pytest.approx(1000 * (0.1 * math.log(0.5) + 0.3 * math.log(1.5)))
    # With ln 0.5 = -0.693147 and ln 1.5 = 0.405465: -69.3147 + 121.6395 = 52.3248
    assert spread.theil(FIFTHS) == pytest.approx(52.3248, abs=1e-3)
    assert spread.theil(dimension((10, 0), (10, 5), in_order=False)) == pytest.approx(1000 * math.log(2))


def test_attributable_risk_and_fraction_equal_the_worked_example() -> None:
    # The richest have 60 %, all 40 %: PAR = 20 points, PAF = 100 * 20 / 40 = 50 %
    assert (impact.attributable_risk(FIFTHS), impact.attributable_fraction(FIFTHS)) == (20, 50)
    # Where more is worse the richest are no example: nothing would be gained
    adverse = dimension((100, 20), (300, 120), (100, 60), favourable=False)
    assert impact.attributable_risk(adverse) == 0
    # Without order the best is the example: of an adverse measure 20 %, so -20 points
    mixed = dimension((100, 20), (300, 120), (100, 60), in_order=False, favourable=False)
    assert (impact.attributable_risk(mixed), impact.attributable_fraction(mixed)) == (-20, -50)


def test_measures_suit_the_dimension() -> None:
    assert [one.name for one in summaries(FIFTHS)] == [
        "difference", "ratio", "par", "paf", "aci", "rci", "sii", "rii",
    ]  # fmt: skip
    mixed = dimension((10, 2), (30, 12), (10, 6), in_order=False)
    assert {one.name for one in summaries(mixed)} >= {"bgv", "theil"}
    assert len(summaries(dimension((10, 2), (30, 12)))) == 4 and summaries(dimension((10, 2))) == []


def test_a_bootstrap_draws_each_group_from_itself_and_is_the_same_each_time() -> None:
    drawn = draws(FIFTHS)
    assert len(drawn) == DRAWS and drawn == draws(FIFTHS)
    events = [one.groups[0].events for one in drawn]
    # Binomial(100, 0.2): mean 20, standard deviation 4; the mean of 1000 draws lies within 5 * 4 / sqrt(1000) = 0.63
    mean = sum(events) / DRAWS
    assert mean == pytest.approx(20, abs=0.63)
    assert math.sqrt(sum((one - mean) ** 2 for one in events) / DRAWS) == pytest.approx(4, abs=0.5)


def test_the_interval_of_a_difference_is_that_of_two_proportions() -> None:
    big = dimension((10_000, 2_000), (10_000, 6_000))
    found = next(one for one in summaries(big) if one.name == "difference")
    # Standard error: sqrt(0.2 * 0.8 / 10000 + 0.6 * 0.4 / 10000) = 0.00632; 40 points and 1.96 * 0.632 = 1.24 each way
    assert (found.value, found.low, found.high) == (40, pytest.approx(38.76, abs=0.25), pytest.approx(41.24, abs=0.25))
    assert average(big.groups) == 40


def test_a_gap_opens_at_the_step_where_groups_part_and_nowhere_by_chance() -> None:
    found = opening([("a", (200, 180, 170)), ("b", (200, 178, 90))])
    assert found is not None and found.step == 2
    first, second = found.gaps
    assert (first.difference, second.high, second.low) == (pytest.approx(1), "a", "b")
    alike = opening([("a", (200, 180, 150)), ("b", (200, 178, 152))])
    assert alike is not None and alike.step is None
    assert opening([("a", (200, 180))]) is None
