"""Matching and weighting take away a difference that was planted, and give the same pairs each time."""

from __future__ import annotations

import random

import pytest

from onmaru.rooms.cohort.statistics import cox, matching


def planted() -> tuple[list[int], list[tuple[float, float]], list[tuple[int, int]]]:
    """600 persons: the old and those with covariate 0 are treated more often; covariate 1 says nothing."""
    chance = random.Random(11)
    treated, people, cells = [], [], []
    for line in range(600):
        age, ill, other = chance.gauss(60, 10), chance.random() < 0.4, chance.random() < 0.3
        treated.append(int(chance.random() < (0.15 + 0.3 * ill + 0.2 * (age > 60))))
        people.append((age, float(chance.random() < 0.5)))
        cells += [(line, 0)] * ill + [(line, 1)] * other
    return treated, people, cells


def test_what_was_planted_is_balanced_afterwards() -> None:
    found = matching.compared(*planted(), 2)
    before, matched, weighted = zip(*found.differences, strict=True)
    assert before[0] > 0.2 and before[2] > 0.5, "age and the covariate differ before"
    assert max(map(abs, matched)) < 0.12 and max(map(abs, weighted)) < 0.1
    assert 0.65 < found.auc < 0.85 and found.pairs > 150
    assert [sum(side) for side in found.overlap] == [sum(planted()[0]), 600 - sum(planted()[0])]
    assert matching.compared(*planted(), 2) == found


def test_scores_are_those_of_logistic_regression() -> None:
    """Two by two: with next to no penalty the scores are the shares of the two cells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "RIDGE", 1e-9)
        np = cox._numpy()
        x = np.array([[0.0]] * 10 + [[1.0]] * 20)
        t = np.array([1.0] * 2 + [0.0] * 8 + [1.0] * 15 + [0.0] * 5)
        score = matching._scores(np, x, t)
    assert score[0] == pytest.approx(0.2, abs=1e-6) and score[-1] == pytest.approx(0.75, abs=1e-6)


def test_a_cox_model_of_few_persons_is_the_one_by_hand() -> None:
    """Four persons leave in order, the last without the event: the score of their partial likelihood is 0."""
    found = cox.fit(("x",), [(1.0,), (0.0,), (1.0,), (0.0,)], [1, 2, 3, 4], [1, 1, 1, 0])
    b = found.terms[0].coefficient
    e = 2.718281828459045**b
    score = (1 - 2 * e / (2 + 2 * e)) + (0 - e / (2 + e)) + (1 - e / (1 + e))
    assert score == pytest.approx(0, abs=1e-8)
