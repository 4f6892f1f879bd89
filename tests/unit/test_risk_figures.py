"""Figures of a risk against values worked out by hand and against the example in the challenge's own script."""

from __future__ import annotations

import numpy as np
import pytest

from onmaru.rooms.monitor.risk import figures
from onmaru.rooms.monitor.risk.figures import Judged


def judged(y: list[int], risk: list[float], stay: list[int] | None = None) -> Judged:
    stays = np.array(stay or [0] * len(y), float)
    hours = np.concatenate([np.arange(1.0, (stays == one).sum() + 1) for one in np.unique(stays)])
    return Judged(np.array(y, float), np.array(risk, float), stays, hours)


def test_auroc_halves_ties_and_is_unknown_with_one_kind_of_label() -> None:
    assert figures.auroc(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])) == 0.75
    assert figures.auroc(np.array([0.0, 1]), np.array([0.5, 0.5])) == 0.5
    assert np.isnan(figures.auroc(np.array([1.0, 1]), np.array([0.5, 0.6])))


def test_auprc_is_as_in_the_challenges_example() -> None:
    """evaluation-2019/evaluate_sepsis_score.py at 4edb431, example of compute_auc."""
    assert figures.auprc(np.array([0.0, 0, 0, 0, 1, 1]), np.array([0.3, 0.4, 0.6, 0.7, 0.8, 0.8])) == 1.0
    assert figures.auprc(np.array([1.0, 0, 1]), np.array([0.9, 0.8, 0.7])) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_utility_is_as_in_the_challenges_example() -> None:
    """There, labels 0 0 0 0 1 1 with alerts 0 0 1 1 1 1 are worth 3.388888888888889 before it is normalised."""
    one = judged([0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 1, 1])
    (alert, silent), best, idle = figures._worths(one)
    assert np.where(one.risk >= 1, alert, silent).sum() == pytest.approx(3.388888888888889)
    assert figures.utility(one, 1) == pytest.approx((3.388888888888889 - idle) / (best - idle))
    assert figures.utility(one, 2) == 0


def test_a_false_alert_costs_and_silence_about_the_well_is_free() -> None:
    both = judged([0, 0, 0, 0, 0, 0, 0, 0, 1, 1], [1, 0, 0, 0] + [0] * 6, [0, 0, 0, 0] + [1] * 6)
    (alert, silent), _, _ = figures._worths(both)
    assert (alert[:4] == -0.05).all() and (silent[:4] == 0).all()


def test_the_best_threshold_has_the_most_utility_of_all() -> None:
    dice = np.random.default_rng(3)
    one = judged([0] * 30 + [1] * 6, list(dice.random(36)))
    best = figures.utility(one, figures.best_threshold(one))
    assert best == pytest.approx(max(figures.utility(one, limit) for limit in one.risk))


def test_calibration_finds_the_line_that_was_put_in() -> None:
    dice = np.random.default_rng(5)
    odds = dice.normal(0, 1.5, 20_000)
    y = (dice.random(20_000) < 1 / (1 + np.exp(-(0.5 * odds - 1)))).astype(float)
    slope, intercept = figures.calibration(y, 1 / (1 + np.exp(-odds)))
    assert (slope, intercept) == (pytest.approx(0.5, abs=0.04), pytest.approx(-1, abs=0.04))


def test_a_budget_is_never_exceeded_even_where_risks_are_equal() -> None:
    one = judged([0] * 200, [0.5] * 10 + [0.1] * 190)
    assert (one.risk >= figures.budget(one, 5)).sum() == 10
    assert (one.risk >= figures.budget(one, 4)).sum() == 0


def test_an_onset_counts_as_foreseen_only_one_to_twelve_hours_before_it() -> None:
    """The label begins six hours before the onset: its first row is hour 15, so the onset is at 21."""
    labels = [0] * 14 + [1] * 10

    def at(hour: int) -> tuple[float, float]:
        return figures.foreseen(judged(labels, [float(one == hour) for one in range(1, 25)]), 1)

    assert at(9) == (1.0, 12.0)
    assert at(20) == (1.0, 1.0)
    assert at(8)[0] == at(21)[0] == 0.0


def test_who_is_septic_from_the_first_row_cannot_be_foreseen() -> None:
    assert figures.onsets(judged([1, 1, 1], [0, 0, 0])) == {}
    assert figures.onsets(judged([0, 1, 1], [0, 0, 0])) == {0.0: 2.0}


def test_intervals_are_drawn_by_patient() -> None:
    one = judged([0, 1] * 20, [0.2, 0.8] * 20, [stay for stay in range(20) for _ in range(2)])
    assert figures.interval(one, lambda drawn: figures.auroc(drawn.y, drawn.risk), 20) == (1.0, 1.0)


def test_small_groups_are_hidden() -> None:
    one = judged([0, 1] * 20, [0.2, 0.8] * 20, [stay for stay in range(20) for _ in range(2)])
    found = figures.groups(one, {"sex": ["a"] * 15 + ["b"] * 5})
    assert found["sex: b"] == {"stays": "<10"}
    assert found["sex: a"]["auroc"] == 1.0
