"""A replay tells what was known then: later versions change nothing before them, and a file without names names nobody."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from alert_history import HOUR, MINUTE, START, limit, observation, version
from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Version
from onmaru.rooms.monitor.alerts.alert import Alert, Step, stepped, written
from onmaru.rooms.monitor.review import paper
from onmaru.rooms.monitor.review.events import Event, Replay, Span
from onmaru.rooms.monitor.review.leaving_out import left_out

FRESH = 12 * HOUR
ALERT = Alert("alert-1", "p1", "news2-high", "news2", "stat", "Location/w1", START, "requested", "", "NEWS2 9", ())


def played(versions: list[Version], until: int, since: int = START - HOUR) -> list[Event]:
    return list(Replay("p1", Span(since, until), FRESH).events(versions))


def told(events: list[Event], kind: str) -> list[Event]:
    return [one for one in events if one["kind"] == kind]


def task(t: int, at: int, *steps: Step) -> Version:
    body = written(ALERT)
    for step in steps:
        body = stepped(body, step)
    return msgspec.structs.replace(version(t, body, at), version=len(steps) + 1)


def test_a_late_reading_is_known_from_when_it_was_recorded_and_a_correction_from_when_it_was_made() -> None:
    late = observation("late", "respiratory-rate", 30, START)
    versions = [
        version(1, late, START + 2 * HOUR, "create"),
        version(2, {**late, "valueQuantity": {**late["valueQuantity"], "value": 14}}, START + 3 * HOUR),
        version(3, late, START + 4 * HOUR, "delete"),
    ]
    found = played(versions, START + 5 * HOUR)
    assert [(one["at"] - START, one["what"]) for one in told(found, "reading")] == [
        (2 * HOUR, "new"), (3 * HOUR, "changed"), (4 * HOUR, "gone"),
    ]  # fmt: skip
    assert [(one["at"] - START, one["least"]) for one in told(found, "score")] == [
        (-HOUR, 0), (2 * HOUR, 3), (3 * HOUR, 0), (4 * HOUR, 0),
    ]  # fmt: skip
    assert told(played(versions, START + HOUR), "reading") == []


def test_a_score_goes_stale_by_itself_and_the_second_scale_holds_while_its_order_does() -> None:
    reading = version(1, observation("s", "oxygen-saturation", 90, START), START, "create")
    order = version(2, limit("news2-scale", 2, START + HOUR, START + 2 * HOUR), START + MINUTE, "create")
    found = played([reading, order], START + 13 * HOUR)
    saturation = [
        (one["at"] - START, next(p for p in one["parts"] if p["name"] == "saturation")) for one in told(found, "score")
    ]
    assert [(at, part["state"], part["points"]) for at, part in saturation] == [
        (-HOUR, "missing", None), (0, "scored", 3), (HOUR, "scored", 0), (2 * HOUR, "scored", 3), (12 * HOUR, "stale", None),
    ]  # fmt: skip
    (ordered,) = told(found, "limit")
    assert (ordered["rule"], ordered["what"]) == ("news2-scale", "new")


def test_an_alert_its_steps_and_who_was_told_come_as_they_were_written() -> None:
    took, done = Step("acknowledge", START + MINUTE, "nurse-1"), Step("outcome", START + HOUR, "nurse-1", "acted well")
    telling = {
        "resourceType": "Communication", "id": "told-1", "basedOn": [{"reference": "Task/alert-1"}], "status": "in-progress",
        "category": [{"coding": [{"system": "urn:onmaru:monitor", "code": "nurse"}]}], "sent": instant(START),
        "subject": {"reference": "Patient/p1"},
    }  # fmt: skip
    shown = {**telling, "received": instant(START + 2 * MINUTE), "note": [{"text": "shown", "authorString": "nurse-1"}]}
    versions = [
        task(1, START),
        version(2, telling, START + 1),
        task(3, START + MINUTE, took),
        version(4, shown, START + 2 * MINUTE),
        task(5, START + HOUR, took, done),
        version(6, {**written(ALERT), "for": {"reference": "Patient/p2"}}, START + 2 * HOUR),
    ]
    found = [one for one in played(versions, START + 3 * HOUR) if one["kind"] != "score"]
    assert [(one["kind"], one.get("what", one.get("code", one.get("reached")))) for one in found] == [
        ("alert", "raised"), ("told", None), ("step", "acknowledge"), ("told", START + 2 * MINUTE), ("step", "outcome"),
        ("alert", "gone"),
    ]  # fmt: skip


def test_care_is_told_when_it_is_written_and_what_is_anothers_is_not() -> None:
    gave: dict[str, Any] = {
        "resourceType": "MedicationAdministration", "id": "m1", "status": "completed",
        "subject": {"reference": "Patient/p1"}, "effectiveDateTime": instant(START),
        "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "B05BB01"}], "text": "수액"},
    }  # fmt: skip
    death = {"resourceType": "Patient", "id": "p1", "deceasedDateTime": instant(START + HOUR)}
    stay = {
        "resourceType": "Encounter", "id": "e1", "status": "finished", "subject": {"reference": "Patient/p1"},
        "class": {"code": "IMP"}, "location": [{"location": {"reference": "Location/icu"}}],
        "hospitalization": {"dischargeDisposition": {"text": "전원"}},
    }  # fmt: skip
    versions = [
        msgspec.structs.replace(version(1, {"resourceType": "Patient", "id": "p1"}, START), version=1),
        msgspec.structs.replace(version(2, gave, START + MINUTE), version=1),
        msgspec.structs.replace(
            version(3, {**gave, "id": "m2", "subject": {"reference": "Patient/p2"}}, START), version=1
        ),
        version(4, {**gave, "status": "entered-in-error"}, START + 2 * MINUTE),
        version(5, stay, START + HOUR),
        version(6, death, START + HOUR),
        version(7, gave, START + 2 * HOUR, "delete"),
    ]
    found = told(played(versions, START + 3 * HOUR), "care")
    assert [(one["type"], one["what"], one["status"], one["text"]) for one in found] == [
        ("MedicationAdministration", "new", "completed", "수액"),
        ("MedicationAdministration", "changed", "entered-in-error", "수액"),
        ("Encounter", "changed", "finished", "전원 · Location/icu"),
        ("Patient", "changed", "deceased", ""),
        ("MedicationAdministration", "gone", "entered-in-error", "수액"),
    ]


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["respiratory-rate", "oxygen-saturation", "systolic"]),
        st.integers(5, 230),
        st.integers(-30, 30),
        st.integers(0, 90),
        st.sampled_from(["update", "update", "delete"]),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None)
@given(WRITES, st.integers(0, 20 * 60))
def test_the_replay_up_to_a_moment_is_the_start_of_every_longer_one(writes: Any, minutes: int) -> None:
    versions, at = [], START
    for t, (id, measure, value, measured, passed, op) in enumerate(writes, 1):
        at += passed * MINUTE
        versions.append(version(t, observation(id, measure, value, at + measured * MINUTE), at, op))
    moment = START + minutes * MINUTE
    short = played([one for one in versions if one.at <= moment], moment)
    assert short == played(versions, moment)
    assert short == [one for one in played(versions, START + 40 * HOUR) if one["at"] <= moment]


SECRETS = ("홍길동", "nurse-1", "Location", "alert-1", "2025-", "secret", "p1", "urn:site")


def everything() -> dict[str, Any]:
    """A replay with something personal wherever a sender or a person can write."""
    odd = observation("secret-id", "respiratory-rate", 30, START)
    odd["valueQuantity"]["unit"] = odd["valueQuantity"]["code"] = "secret unit"
    order = {
        "resourceType": "ServiceRequest", "id": "o1", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "urn:site", "code": "secret"}], "text": "홍길동"},
    }  # fmt: skip
    steps = (Step("acknowledge", START, "nurse-1", "홍길동 secret"), Step("hand-over", START, "nurse-1", "nurse-2 secret"),
             Step("act", START, "nurse-1", "secret words"), Step("outcome", START, "nurse-1", "acted 홍길동"))  # fmt: skip
    versions = [version(1, odd, START, "create"), version(2, order, START), task(3, START), task(4, START, *steps),
                version(5, limit("secret", 2, START, START + HOUR), START)]  # fmt: skip
    return {
        "patient": "p1",
        "from": START,
        "to": START + HOUR,
        "fresh": FRESH,
        "events": played(versions, START + HOUR, START),
    }


def test_a_file_without_names_holds_nothing_that_somebody_wrote_or_that_is_of_one_person() -> None:
    kept = left_out(everything())
    drawn = paper.page(kept, paper.Head(None, "", START, "TRAIN", "Asia/Seoul", "ko"))
    for text in (msgspec.json.encode(kept).decode(), drawn):
        assert [one for one in SECRETS if one in text] == []
    assert [one["by"] for one in kept["events"] if one["kind"] == "step"] == ["person 1"] * 4
    assert [one["text"] for one in kept["events"] if one["kind"] == "step"] == ["", "", "", "acted"]
    assert {one["at"] for one in kept["events"]} == {0}


def test_a_file_with_names_escapes_what_people_wrote_and_runs_nothing() -> None:
    whole = everything()
    whole["events"][-1]["rule"] = "<script>alert(1)</script>"
    for language in ("ko", "en"):
        head = paper.Head(
            paper.who({"name": [{"family": "<b>", "given": ["x"]}]}), "nurse-1", START, "PATSFTY", "no/zone", language
        )
        drawn = paper.page(whole, head)
        assert "<script" not in drawn and "x &lt;b&gt;" in drawn and "홍길동" in drawn
        assert "review." not in drawn and "default-src 'none'" in drawn
