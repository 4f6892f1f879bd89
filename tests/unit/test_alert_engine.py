"""What raises an alert, when, and what holds it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from alert_history import HOUR, MINUTE, START, limit, observation, procedure, version
from onmaru.kernel.log import Version
from onmaru.rooms.monitor.alerts.alert import Alert, Step, named, stepped, written
from onmaru.rooms.monitor.alerts.engine import Transition, Watch
from onmaru.rooms.monitor.alerts.rules import Rule, Signal, standing

FRESH = 12 * HOUR


def following(*steps: tuple[int, dict[str, Any]], until: int = 0, rules: Sequence[Rule] = ()) -> list[Transition]:
    """Bodies at minutes after START, and what time alone brings up to `until` minutes."""
    watch = Watch(rules or standing(), FRESH)
    found: list[Transition] = []
    for t, (minute, body) in enumerate(steps, 1):
        found += watch.take(version(t, body, START + minute * MINUTE))
    return [*found, *watch.advance(START + until * MINUTE)] if until else found


def told(found: Sequence[Transition]) -> list[tuple[str, str, int]]:
    return [(one.kind, one.rule.name, (one.at - START) // MINUTE) for one in found]


def breathing(minute: int, rate: float, id: str = "") -> tuple[int, dict[str, Any]]:
    return minute, observation(id or f"rr{minute}", "respiratory-rate", rate, START + minute * MINUTE)


def pulse(minute: int, rate: float) -> tuple[int, dict[str, Any]]:
    return minute, observation(f"hr{minute}", "heart-rate", rate, START + minute * MINUTE)


def test_the_highest_rule_of_a_family_is_the_one_alert() -> None:
    pressure = (2, observation("bp", "systolic", 85, START + 2 * MINUTE))
    found = following(breathing(0, 26), pulse(1, 131), pressure)
    assert told(found) == [
        ("raised", "news2-single", 0), ("worse", "news2-medium", 1), ("worse", "news2-high", 2),
    ]  # fmt: skip
    assert {one.raised for one in found} == {START}


def test_it_ends_only_after_it_was_below_the_eased_threshold_for_its_hold() -> None:
    calm = following(breathing(0, 30), pulse(1, 115), breathing(10, 22), until=60)
    # 2 + 2 is 4: below 5 but not below the eased 4, so it goes on
    assert told(calm) == [("raised", "news2-single", 0), ("worse", "news2-medium", 1)]
    over = following(breathing(0, 30), pulse(1, 115), breathing(10, 15), until=60)
    assert told(over)[2:] == [("ended", "news2-medium", 15)]


def test_a_value_that_goes_stale_ends_nothing() -> None:
    assert told(following(breathing(0, 30), until=48 * 60)) == [("raised", "news2-single", 0)]


def test_an_old_reading_that_comes_late_raises_nothing() -> None:
    late = observation("late", "respiratory-rate", 40, START - 13 * HOUR)
    assert following((0, late), until=10) == []


def test_a_corrected_value_and_another_patient_take_the_fact_away() -> None:
    wrong = breathing(0, 30, "same")
    mended = breathing(1, 15, "same")
    assert told(following(wrong, mended, until=30)) == [("raised", "news2-single", 0), ("ended", "news2-single", 6)]
    moved = observation("same", "respiratory-rate", 30, START, "p2")
    found = following(wrong, (1, moved), until=30)
    assert [(one.kind, one.patient) for one in found] == [("raised", "p1"), ("raised", "p2")]


def test_the_same_value_from_two_devices_is_one_alert() -> None:
    other = observation("monitor-2", "respiratory-rate", 30, START)
    assert told(following(breathing(0, 30), (0, other))) == [("raised", "news2-single", 0)]


def test_a_procedure_holds_an_alert_back_until_it_ends() -> None:
    found = following((0, procedure("in-progress")), breathing(1, 30), (20, procedure("completed")))
    assert told(found) == [("raised", "news2-single", 20)]
    forgotten = following((0, procedure("in-progress")), breathing(1, 30), until=5 * 60)
    assert told(forgotten) == [("raised", "news2-single", 240)]


def test_a_patients_own_limit_stands_until_it_expires() -> None:
    own = (0, limit("news2-medium", 8, START, START + 60 * MINUTE))
    rules = [rule for rule in standing() if rule.name == "news2-medium"]
    assert told(following(own, breathing(1, 30), pulse(2, 115), until=59, rules=rules)) == []
    again = following(own, breathing(1, 30), pulse(2, 115), until=90, rules=rules)
    assert told(again) == [("raised", "news2-medium", 60)]


def task(raised: int, *steps: Step) -> dict[str, Any]:
    alert = Alert(
        named("p1", "news2", raised), "p1", "news2-single", "news2", "asap", "", raised, "requested", "", "", ()
    )
    body = written(alert)
    for one in steps:
        body = stepped(body, one, "completed" if one.code == "outcome" else "accepted")
    return body


def test_after_an_outcome_it_stays_quiet_and_then_is_another_alert() -> None:
    closed = task(START, Step("outcome", START + 2 * MINUTE, "n", "not-needed"))
    quiet = [breathing(0, 30), (2, closed), breathing(5, 15), breathing(20, 30), (21, procedure("completed"))]
    assert told(following(*quiet)) == [("raised", "news2-single", 0), ("ended", "news2-single", 10)]
    later = following(*quiet, until=120)
    assert told(later)[2:] == [("raised", "news2-single", 62)]
    assert later[2].raised != START


def test_one_that_nobody_closed_comes_again_as_the_same_alert() -> None:
    heard = task(START, Step("acknowledge", START + 2 * MINUTE, "n"))
    found = following(breathing(0, 30), (2, heard), breathing(5, 15), breathing(90, 30))
    assert told(found)[2:] == [("again", "news2-single", 90)]
    assert found[2].raised == START


def test_an_alert_that_was_raised_elsewhere_is_not_raised_again() -> None:
    assert told(following((1, task(START)), breathing(2, 30))) == []
    over = following((1, task(START)), breathing(2, 15), until=60)
    assert told(over) == [("ended", "news2-single", 7)]
    assert told(following((1, task(START)), until=60)) == []


def test_a_limit_without_an_end_is_none_and_none_lasts_longer_than_a_week() -> None:
    rules = [rule for rule in standing() if rule.name == "news2-medium"]
    ill = (breathing(1, 30), pulse(2, 115))
    open_ended = limit("news2-medium", 20, START, START + HOUR)
    del open_ended["occurrencePeriod"]["end"]
    assert told(following((0, open_ended), *ill, rules=rules)) == [("raised", "news2-medium", 2)]
    for_ever = limit("news2-medium", 20, START - 8 * 24 * HOUR, START + 9999 * HOUR)
    assert told(following((0, for_ever), *ill, rules=rules)) == [("raised", "news2-medium", 2)]


def test_a_snooze_that_somebody_else_wrote_puts_off_for_two_hours_at_most() -> None:
    alert = Alert("a", "p1", "news2-high", "news2", "stat", "", START, "on-hold", "", "", ())
    for text, seconds in (("99999 x", 7200), ("9" * 30, 0), ("soon", 0), ("", 0), ("³ x", 0)):
        step = Step("snooze", START, "n", text)
        assert replace(alert, steps=(step,)).snoozed == (START + seconds * 1_000_000 if seconds else 0)


def test_a_delay_asks_that_the_rule_holds_all_the_while() -> None:
    slow = [Rule("slow", "slow", "asap", (Signal("news2", least=3),), delay=600)]
    assert told(following(breathing(0, 30), until=60, rules=slow)) == [("raised", "slow", 10)]
    assert told(following(breathing(0, 30), breathing(5, 15), until=60, rules=slow)) == []
    assert told(following(breathing(0, 30), breathing(5, 15), breathing(8, 30), until=60, rules=slow)) == [
        ("raised", "slow", 18)
    ]


def test_a_rise_is_counted_from_what_was_known_then() -> None:
    rising = [Rule("up", "up", "asap", (Signal("qsofa", rise=1, within=3600),))]
    alert = {
        "resourceType": "Observation", "id": "avpu", "status": "final", "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "urn:onmaru:monitor", "code": "consciousness"}]},
        "valueCodeableConcept": {"coding": [{"system": "urn:onmaru:monitor", "code": "A"}]},
        "effectiveDateTime": "2025-10-09T08:53:20Z",
    }  # fmt: skip
    base = [(0, alert), breathing(0, 15), (0, observation("bp0", "systolic", 120, START))]
    assert told(following(*base, breathing(90, 30), rules=rising)) == [("raised", "up", 90)]
    # Without what it was an hour before nobody knows that it rose
    assert following(breathing(90, 30), rules=rising) == []


def test_a_watch_begun_from_the_record_goes_on_as_the_one_that_never_stopped() -> None:
    versions: list[Version] = [
        version(t, body, START + minute * MINUTE)
        for t, (minute, body) in enumerate(
            [breathing(0, 30), pulse(60, 115), breathing(120, 15), breathing(125, 16)], 1
        )
    ]
    whole = Watch(standing(), FRESH)
    first = [one for v in versions[:2] for one in whole.take(v)]
    rest = [one for v in versions[2:] for one in whole.take(v)]
    alert = Alert(
        named("p1", "news2", START), "p1", "news2-medium", "news2", "urgent", "", START, "requested", "", "", ()
    )
    begun = Watch(standing(), FRESH)
    begun.seed([alert], {}, START + 100 * MINUTE)
    stale = Watch(standing(), FRESH)
    stale.seed([replace(alert, parts=("respiration",))], {}, START + 100 * MINUTE)
    assert stale.take(version(1, pulse(120, 80)[1], START + 120 * MINUTE)) == stale.advance(START + 200 * MINUTE) == []
    for one in versions[:2]:
        begun.learn(one)
    assert [one for v in versions[2:] for one in begun.take(v)] == rest
    assert [one.kind for one in (*first, *rest)] == ["raised", "worse", "ended"]
    assert msgspec.json.encode(rest)


def test_a_streams_minutes_take_the_place_of_one_another_and_a_charted_value_of_none() -> None:
    watch, charted = Watch(standing(), FRESH), observation("charted", "temperature", 36.5, START)
    watch.take(version(1, charted, START))
    for minute in range(60):
        body = observation(f"m{minute}", "respiratory-rate", 15, START + minute * MINUTE)
        body["identifier"] = [{"system": "urn:onmaru:stream", "value": f"p/{minute}"}]
        watch.take(version(minute + 2, body, START + minute * MINUTE))
    [person] = watch._persons.values()
    assert set(person.sources) == {"Observation/charted", "Observation/m59"}
    late = observation("m60", "respiratory-rate", 30, START + 60 * MINUTE)
    assert told(watch.take(version(62, late, START + 60 * MINUTE))) == [("raised", "news2-single", 60)]
