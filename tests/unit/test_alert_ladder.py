"""Who is told when, and who is on duty."""

from __future__ import annotations

from msgspec.structs import replace

from alert_history import MINUTE, START
from onmaru.rooms.monitor.alerts import ladder
from onmaru.rooms.monitor.alerts.alert import UNREACHED, Alert, Step
from onmaru.rooms.monitor.alerts.ladder import Shift

ALERT = Alert("alert-1", "p1", "news2-high", "news2", "stat", "Location/w", START, "requested", "", "", ())


def rungs(alert: Alert, minutes: float) -> list[tuple[str, float]]:
    return [(one.rung, (one.at - START) / MINUTE) for one in ladder.tellings(alert, START + int(minutes * MINUTE))]


def test_the_ladder_climbs_while_nobody_acknowledges_and_repeats_on_each_rung() -> None:
    assert rungs(ALERT, 10) == [
        ("nurse", 0), ("nurse", 1), ("charge-nurse", 2), ("charge-nurse", 3), ("charge-nurse", 4),
        ("physician", 5), ("physician", 6), ("physician", 7), ("physician", 8), ("physician", 9), ("rapid-response", 10),
    ]  # fmt: skip


def test_an_acknowledgement_ends_the_telling_and_a_hand_over_begins_it_anew() -> None:
    taken = replace(ALERT, steps=(Step("acknowledge", START + MINUTE, "n"),))
    assert rungs(taken, 60) == []
    handed = replace(taken, steps=(*taken.steps, Step("hand-over", START + 5 * MINUTE, "n", "other")))
    assert rungs(handed, 7) == [("nurse", 5), ("nurse", 6), ("charge-nurse", 7)]
    ids = {one.id("alert-1") for one in ladder.tellings(handed, START + 7 * MINUTE)}
    assert ids.isdisjoint(one.id("alert-1") for one in ladder.tellings(ALERT, START + 7 * MINUTE))


def test_a_snoozed_alert_is_told_again_when_its_time_is_up() -> None:
    put_off = replace(ALERT, steps=(Step("snooze", START + MINUTE, "n", "600 at lunch"),))
    assert rungs(put_off, 10) == []
    assert rungs(put_off, 12)[0] == ("nurse", 11)


def test_what_reached_nobody_begins_above_those_whom_it_did_not_reach() -> None:
    assert rungs(replace(ALERT, rule=UNREACHED), 0) == [("physician", 0)]


def test_the_wards_own_shift_comes_before_the_houses() -> None:
    roster = [
        Shift("a", "nurse", "Location/w", START, START + MINUTE),
        Shift("b", "nurse", "", START, START + 10 * MINUTE),
        Shift("c", "physician", "Location/other", START, START + 10 * MINUTE),
    ]
    assert ladder.on_duty(roster, "Location/w", "nurse", START) == ("a",)
    assert ladder.on_duty(roster, "Location/w", "nurse", START + MINUTE) == ("b",)
    assert ladder.on_duty(roster, "Location/w", "physician", START) == ()
