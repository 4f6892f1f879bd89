"""A case played again on the real embedded engine: the same before and after what was written later, and its files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.journeys.test_alerts import Ward, request

from alert_history import HOUR, observation
from journey_ward import encounter, patient
from onmaru.app.house import system
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.caller import Role
from onmaru.kernel.record import Change
from onmaru.kernel.room import Response
from onmaru.rooms.monitor.review import routes


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    made = Ward(tmp_path_factory.mktemp("review"))
    yield made
    made.house.close()


def drawn(response: Response) -> bytes:
    assert not isinstance(response.body, bytes) and not callable(response.body)
    return b"".join(response.body)  # type: ignore[arg-type]  # it is a plain iterator


def played(ward: Ward, who: str, until: int, since: int = 0) -> Any:
    asked = request(id=who, **{"from": instant(since or until - HOUR), "to": instant(until)})
    return msgspec.json.decode(drawn(routes.replay(asked, ward.hall("nurse-1"))))


def taken(ward: Ward, who: str, role: Role = "nurse", **body: Any) -> bytes:
    now = time.time_ns() // 1000
    said = {"start": instant(now - HOUR), "end": instant(now), "purpose": "PATSFTY", "reason": "증례 검토 회의", **body}
    done = drawn(routes.export(request(said, id=who), ward.hall("nurse-1", role)))
    ward.settle()
    return done


def test_what_is_written_later_changes_nothing_of_what_was_known_then(ward: Ward) -> None:
    ward.ill("p1")
    ward.beat()
    (alert,) = ward.alerts("p1")
    ward.step(alert["id"], step="acknowledge")
    ward.put(observation("wrong", "respiratory-rate", 40, time.time_ns() // 1000, "p1"))
    ward.beat()
    then = time.time_ns() // 1000
    before = played(ward, "p1", then)
    kinds = {one["kind"] for one in before["events"]}
    assert {"reading", "score", "alert", "step", "told", "care"} <= kinds
    # A correction, a deletion, a reading of then that came late, an outcome, and a chart that goes on
    ward.put(observation("wrong", "respiratory-rate", 14, then - HOUR // 2, "p1"))
    ward.house.hall(system("main")).record.write([Change("delete", "Observation", "bp-p1")])
    ward.put(observation("late", "oxygen-saturation", 70, then - HOUR // 3, "p1"))
    ward.step(alert["id"], step="outcome", text="acted")
    ward.house.hall(system("main")).record.write([Change("delete", "Task", alert["id"])])
    ward.put(
        patient("p1", "김환자", "p1", deceasedDateTime=instant(then)), encounter("e-p1", "p1", "b1", status="finished")
    )
    ward.beat()
    assert played(ward, "p1", then) == before
    longer = played(ward, "p1", time.time_ns() // 1000, then - HOUR)
    assert [one for one in longer["events"] if one["at"] <= then] == before["events"]
    later = [one for one in longer["events"] if one["at"] > then]
    assert {
        ("alert", "gone"),
        ("reading", "changed"),
        ("reading", "gone"),
        ("reading", "new"),
        ("care", "changed"),
    } <= {(one["kind"], one.get("what", "")) for one in later}


def test_a_file_is_taken_for_a_purpose_and_that_it_was_is_in_the_chart(ward: Ward) -> None:
    ward.ill("p2")
    ward.beat()
    named = taken(ward, "p2", names=True).decode()
    assert "김환자" in named and "nurse-1" in named and "<svg" in named
    nameless = taken(ward, "p2", form="json", purpose="TRAIN")
    assert msgspec.json.decode(nameless)["names"] == "left out"
    assert [one for one in ("김환자", "p2", "nurse-1", "알림") if one.encode() in nameless] == []
    versions = ward.house.hall(system("main")).record.history("Task").matches
    found = [body for one in versions if b"review-export" in (body := one.body or b"")]
    reasons = [msgspec.json.decode(body)["reasonCode"]["coding"][0]["code"] for body in found]
    assert reasons == ["TRAIN", "PATSFTY"] and b'"nurse-1"' in found[0]


@pytest.mark.parametrize(
    "body",
    [
        {"purpose": "HMARKT"}, {"purpose": "TRAIN", "names": True}, {"form": "exe"}, {"reason": "x"}, {"reason": "a\nb cd"},
        {"start": "2026-11-01"}, {"start": "2026-01-01T00:00:00Z"}, {"end": "2020-01-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_a_file_that_is_not_asked_for_properly_is_refused_and_not_noted(ward: Ward, body: dict[str, Any]) -> None:
    head = ward.house.seat("main").home.tip()
    with pytest.raises(Invalid) as refused:
        taken(ward, "p3", **body)
    assert refused.value.status == 422
    with pytest.raises(Invalid) as forbidden:
        taken(ward, "p3", "data-manager")
    assert forbidden.value.status == 403 and ward.house.seat("main").home.tip() == head


def test_a_window_that_is_none_and_an_unknown_patient_are_refused(ward: Ward) -> None:
    now = time.time_ns() // 1000
    good = {"from": instant(now - HOUR), "to": instant(now)}
    wrong = (
        {},
        {**good, "x": "1"},
        {**good, "to": instant(now - 2 * HOUR)},
        {**good, "from": instant(now - 800 * HOUR)},
    )
    for query in wrong:
        with pytest.raises(Invalid) as refused:
            routes.replay(request(id="p3", **query), ward.hall("nurse-1"))
        assert refused.value.status in (400, 422)
    with pytest.raises(Invalid) as unknown:
        routes.replay(request(id="nobody", **good), ward.hall("nurse-1"))
    assert unknown.value.status == 404


def test_more_than_is_taken_is_said_to_be_too_much(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns() // 1000
    ward.put(*(observation(f"m{n}", "heart-rate", 60 + n, now - n, "p4") for n in range(12)))
    for limit in ("VERSIONS", "EVENTS"):
        with monkeypatch.context() as patched:
            patched.setattr(routes, limit, 10)
            assert played(ward, "p4", time.time_ns() // 1000) == {"refused": "too-costly"}
