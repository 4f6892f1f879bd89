"""Care at home as pure functions: how a plan is read, what counts as received, and when silence is what."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.rooms.remote import plan as plans
from onmaru.rooms.remote.adherence import cells, counted
from onmaru.rooms.remote.forms import answered, asked_items
from onmaru.rooms.remote.moments import DAY, HOUR, MINUTE, moment
from onmaru.rooms.remote.plan import Plan
from onmaru.rooms.remote.readings import got
from onmaru.rooms.remote.states import Contact, Standing, standing
from onmaru.rooms.remote.values import converted
from onmaru.rooms.remote.writing import _ENCODER, Asked, careplan
from remote_plan import FORM, WEIGHT, measured, questionnaire, wanted

START = 1_760_000_000_000_000


def body(**more: Any) -> dict[str, Any]:
    said = msgspec.json.decode(msgspec.json.encode(wanted("p1", START, **more)), type=Asked)
    made: dict[str, Any] = msgspec.json.decode(_ENCODER.encode({**careplan(said, "nurse-1"), "id": "c1"}))
    return made


def plan(**more: Any) -> Plan:
    found = plans.read(body(**more))
    assert found is not None
    return found


def stands(at: int, times: list[int], contacts: list[Contact] | None = None, of: Plan | None = None) -> Standing:
    return standing(of or plan(), {WEIGHT: times}, contacts or [], START, at)


def test_what_a_clinician_writes_is_read_back_whole() -> None:
    found = plan()
    assert (found.faults, found.silence, found.attempts, found.author) == ((), 48 * HOUR, 2, "nurse-1")
    weight, form = found.activities
    assert (weight.key, weight.frequency, weight.every) == (WEIGHT, 1, DAY)
    assert [weight.limits[WEIGHT].crossed(Fraction(one)) for one in ("80.0", "80.1", "1")] == ["", "high", ""]
    assert (form.kind, form.key, list(form.limits)) == ("form", FORM, [f"{FORM}#breath"])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"period": {"start": "2026-11-01"}}, "period.start"),
        ({"period": {"start": "2026-11-01T00:00:00Z", "end": "2026"}}, "period.end"),
        ({"extension": []}, "extension(urn:onmaru:remote:silence)"),
        ({"activity": []}, "activity"),
        ({"activity": [{"detail": {"code": {"text": "x"}}}]}, "activity[0].detail.code"),
        ({"contained": []}, "activity[0].detail.goal[0]"),
    ],
)
def test_a_plan_that_cannot_be_read_wholly_says_where_and_is_never_normal(change: Any, fault: str) -> None:
    found = plans.read({**body(), **change})
    assert found is not None and fault in found.faults
    assert stands(START + 40 * DAY, [START + 39 * DAY], of=found).state == "unreadable"


@pytest.mark.parametrize(
    "repeat",
    [{}, {"period": 1, "periodUnit": "mo"}, {"period": 1, "periodUnit": "d", "when": ["MORN"]},
     {"period": 0, "periodUnit": "d"}, {"period": 1, "periodUnit": "d", "frequency": 99}],
)  # fmt: skip
def test_a_timing_that_says_more_or_less_than_how_often_is_no_rhythm(repeat: Any) -> None:
    changed = body()
    changed["activity"][0]["detail"]["scheduledTiming"]["repeat"] = repeat
    found = plans.read(changed)
    assert found is not None and found.faults == ("activity[0].detail.scheduledTiming",)


def test_a_careplan_of_another_kind_is_none() -> None:
    assert plans.read({**body(), "category": []}) is None
    for reference in ("Group/1", "Patient/", "Patient/p1/_history/1"):
        assert plans.read({**body(), "subject": {"reference": reference}}) is None


def test_adherence_counts_ended_periods_and_no_more_than_was_due() -> None:
    found = plan()
    weight = found.activities[0]
    twice_then_none_then_one = [START + HOUR, START + 2 * HOUR, START + 2 * DAY + HOUR, START + 3 * DAY + MINUTE]
    told = cells(found, weight, twice_then_none_then_one, START, START + 3 * DAY + HOUR)
    assert [(one.came, one.due, one.open) for one in told] == [
        (2, 1, False),
        (0, 1, False),
        (1, 1, False),
        (1, 1, True),
    ]
    assert counted(told) == (2, 3)
    # A period that the plan's end cuts short is not due
    short = msgspec.structs.replace(found, end=START + 36 * HOUR)
    assert len(cells(short, weight, [], START, START + 9 * DAY)) == 1


def test_every_state_has_its_name_and_silence_is_one() -> None:
    half = DAY // 2
    assert stands(START - 1, []).state == "planned"
    assert stands(START + half, []).state == "waiting"
    assert stands(START + DAY + half, [START + HOUR]).state == "receiving"
    assert stands(START + DAY + half, []).state == "late"
    assert stands(START + 2 * DAY, []).state == "silent"
    # Two days after the last, though adherence before was full
    assert stands(START + 3 * DAY + 2 * HOUR, [START + HOUR, START + DAY + HOUR]).state == "silent"
    assert stands(START + 3 * DAY, [START + 5 * DAY]).state == "silent"
    assert stands(START + 9 * DAY, [], of=plan(end="2025-10-10T00:00:00Z")).state == "ended"
    for status, state in (("on-hold", "on-hold"), ("revoked", "ended"), ("draft", "ended")):
        assert stands(START + 9 * DAY, [], of=msgspec.structs.replace(plan(), status=status)).state == state


def test_unreachable_is_silence_and_attempts_that_nobody_answered() -> None:
    now = START + 3 * DAY
    failed = [Contact(START + 2 * DAY + n, False) for n in (1, 2)]
    assert stands(now, [], failed[:1]).state == "silent"
    assert stands(now, [], failed).state == "unreachable"
    assert stands(now, [], [*failed, Contact(now - 1, None)]).state == "unreachable"
    answered = stands(now, [], [*failed, Contact(now - 1, True)])
    assert (answered.state, answered.failed, answered.reached) == ("silent", 2, now - 1)
    # Attempts before the last reading are about an earlier silence
    assert stands(START + 6 * DAY, [START + 2 * DAY + HOUR], failed).state == "silent"


def test_what_cannot_be_used_is_kept_with_its_reason() -> None:
    def came(known: int = START, **more: Any) -> list[tuple[str, str, str]]:
        raw = msgspec.json.encode({**measured("w", "p1", 81.50, START), **more})
        return [(one.key, one.value, one.matter) for _, _, one in got("Observation", raw, known)]

    assert came() == [(WEIGHT, "81.5", "")]
    assert came(category=[]) == [] and came(status="entered-in-error") == [] and came(subject={}) == []
    assert came(known=START - HOUR) == [(WEIGHT, "81.5", "clock")]
    assert came(effectiveDateTime="2026-11") == [(WEIGHT, "81.5", "clock")]
    assert came(valueQuantity={"value": 5, "comparator": ">"}) == [(WEIGHT, "5", "value")]
    absent = {name: value for name, value in measured("w", "p1", 1, START).items() if name != "valueQuantity"}
    raw = msgspec.json.encode({**absent, "dataAbsentReason": {"text": "error"}})
    assert [one.matter for _, _, one in got("Observation", raw, START)] == ["value"]


def test_units_are_converted_exactly_or_not_at_all() -> None:
    assert converted("81500", "g", "kg") == converted("81.5", "kg", "kg")
    assert [
        converted(*one) for one in (("80", "%", "kg"), ("x", "kg", "kg"), ("1e99", "kg", "kg"), ("98", "[degF]", "Cel"))
    ] == [None] * 4


def test_a_form_is_asked_and_answered_by_its_own_items() -> None:
    form = questionnaire()
    assert [one["linkId"] for one in asked_items(form)] == ["any", "breath", "when", "more"]
    items = answered(form, {"any": True, "breath": 3, "when": "쉴 때"})
    assert [one["answer"][0] for one in items] == [
        {"valueBoolean": True}, {"valueInteger": 3}, {"valueCoding": {"code": "rest", "display": "쉴 때"}},
    ]  # fmt: skip
    raw = msgspec.json.encode(
        {"resourceType": "QuestionnaireResponse", "id": "q", "status": "completed", "questionnaire": f"{FORM}|1",
         "subject": {"reference": "Patient/p1"}, "authored": "2025-10-09T09:00:00Z", "item": items}
    )  # fmt: skip
    assert [(one.key, one.value) for _, _, one in got("QuestionnaireResponse", raw, START + DAY)] == [
        (FORM, ""), (f"{FORM}#any", "1"), (f"{FORM}#breath", "3"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answers",
    [{"breath": 1}, {"any": 1, "breath": 1}, {"any": True, "breath": 1.5}, {"any": True, "breath": 1, "x": 1},
     {"any": True, "breath": 1, "when": "never"}, {"any": True, "breath": 1, "more": " "}],
)  # fmt: skip
def test_an_answer_that_is_not_asked_for_in_this_way_is_refused(answers: Any) -> None:
    with pytest.raises(Invalid) as refused:
        answered(questionnaire(), answers)
    assert refused.value.status == 422


def test_a_form_that_asks_what_cannot_be_asked_here_is_not_offered() -> None:
    for odd in (
        {"type": "attachment"},
        {"type": "string", "repeats": True},
        {"type": "choice"},
        {"enableWhen": [{}], "type": "text"},
    ):
        form = {**questionnaire(), "item": [{"linkId": "a", "text": "a", **odd}]}
        assert asked_items(form) == []


def test_a_moment_has_its_zone() -> None:
    assert moment("2026-11-23T00:00:00.5+09:00") == moment("2026-11-22T15:00:00.500Z")
    assert [moment(text) for text in ("2026-11-23", "2026-11-23T00:00:00", "T", None, 5, "2026-13-01T00:00:00Z")] == [
        None
    ] * 6
