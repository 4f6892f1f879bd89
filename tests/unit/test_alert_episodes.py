"""Alert episodes of hourly stays: raised once while it lasts, never within the refractory time, counted from the onset."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")

from onmaru.rooms.monitor.risk import episodes  # noqa: E402 - it needs the extra that was just asked for
from onmaru.rooms.monitor.risk.episodes import Tuned  # noqa: E402
from onmaru.rooms.monitor.risk.features import Rows  # noqa: E402


def hours(labels: list[int]) -> Rows:
    count = len(labels)
    return Rows((), np.zeros((count, 0)), np.array(labels, float), np.zeros(count), np.arange(1.0, count + 1))


def test_a_condition_is_raised_once_and_again_only_after_it_was_over() -> None:
    risk = np.array([0.1, 0.6, 0.6, 0.4, 0.6, 0.2, 0.6, 0.6])
    assert np.flatnonzero(episodes.held(risk, [0, 8], Tuned(0.5, 1, 0.5))).tolist() == [1, 6]
    assert np.flatnonzero(episodes.held(risk, [0, 8], Tuned(0.5, 2, 0.5))).tolist() == [2, 7]
    assert np.flatnonzero(episodes.held(risk, [0, 7, 8], Tuned(0.5, 1, 0.5))).tolist() == [1, 6, 7]


def test_every_way_of_alerting_waits_for_the_refractory_time() -> None:
    data = hours([0] * 14)
    assert episodes.told(data, np.ones(14), [0, 14]).episodes.tolist() == [3]


def test_an_onset_is_found_by_an_alert_one_to_twelve_hours_before() -> None:
    # The label begins in the tenth hour, the onset is six hours later
    data = hours([0] * 9 + [1] * 11)
    for hour, found in ((3, 0), (4, 1), (15, 1), (16, 0)):
        alerting = np.zeros(20)
        alerting[hour - 1] = 1
        told = episodes.told(data, alerting, [0, 20])
        assert (told.onset.tolist(), told.found.tolist()) == ([1], [found]), hour
    assert episodes.told(hours([1, 1]), np.ones(2), [0, 2]).onset.tolist() == [0]


def test_the_fixed_limits_are_the_cells_of_three_points() -> None:
    names = ["HR last", "O2Sat last", "SBP last", "Resp last", "Temp last"]
    well, ill = (
        [80, 97, 120, 15, 37],
        [[131, 97, 120, 15, 37], [80, 91, 120, 15, 37], [80, 97, 90, 15, 37], [80, 97, 120, 8, 37]],
    )
    x = np.array([well, *ill, [130, 92, 91, 24, 35.1], [np.nan] * 5])
    data = Rows(names, x, np.zeros(7), np.zeros(7), np.arange(7.0))
    assert episodes.single(data).tolist() == [0, 1, 1, 1, 1, 0, 0]
