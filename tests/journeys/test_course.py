"""A patient's course from the real embedded house: numbers by stretches with their gaps, and treatments on the same axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.journeys.test_monitor_routes import observation

from journey_ward import encounter, patient, place
from onmaru.app.house import House, Place, system
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.record import Change
from onmaru.kernel.room import Request
from onmaru.rooms.monitor import room
from onmaru.rooms.monitor.alerts.listed_rules import rules
from onmaru.rooms.monitor.course import course
from onmaru.rooms.monitor.live import SECOND

HOUR = 3600 * SECOND
# 2026-01-01T00:00Z
DAY = 1_767_225_600 * SECOND
WHO = {"subject": {"reference": "Patient/p1"}}


def heart(n: int, value: float, at: str, unit: str = "/min") -> dict[str, Any]:
    return observation(f"h{n}", "8867-4", value, unit, at)


FILE: list[dict[str, Any]] = [
    patient("p1", "김하나", "1"),
    patient("p2", "김두리", "2"),
    place("w1", "wa", "71병동"),
    place("b1", "bd", "71-1", "w1"),
    heart(1, 80, "2026-01-01T00:10:10Z"),
    heart(2, 90, "2026-01-01T00:10:50Z"),
    heart(3, 70, "2026-01-01T09:30:00+09:00"),
    heart(4, 2, "2026-01-01T00:30:20Z", "/s"),
    heart(5, 200, "2026-01-01T02:00:00Z"),
    observation("t1", "8310-5", 98.6, "[degF]", "2026-01-01T00:20:00Z"),
    {
        "resourceType": "Observation", "id": "c1", "status": "final", **WHO, "effectiveDateTime": "2026-01-01T00:20:00Z",
        "code": {"coding": [{"system": "urn:onmaru:monitor", "code": "consciousness"}]},
        "valueCodeableConcept": {"coding": [{"system": "urn:onmaru:monitor", "code": "A"}]},
    },
    {
        "resourceType": "MedicationAdministration", "id": "m1", "status": "completed", **WHO,
        "effectiveDateTime": "2026-01-01T00:15:00Z", "medicationCodeableConcept": {"text": "Paracetamol"},
        "dosage": {"dose": {"value": 500, "unit": "mg"}},
    },
    {
        "resourceType": "MedicationAdministration", "id": "m2", "status": "not-done", **WHO,
        "effectiveDateTime": "2026-01-01T00:16:00Z", "medicationCodeableConcept": {"text": "Never given"},
    },
    {
        "resourceType": "MedicationAdministration", "id": "m3", "status": "completed",
        "subject": {"reference": "Patient/p2"}, "effectiveDateTime": "2026-01-01T00:15:00Z",
        "medicationCodeableConcept": {"text": "Of another"},
    },
    {
        "resourceType": "Procedure", "id": "x1", "status": "completed", **WHO, "code": {"text": "Drain"},
        "performedPeriod": {"start": "2025-12-31T23:00:00Z", "end": "2026-01-01T00:05:00Z"},
    },
    {"resourceType": "Procedure", "id": "x2", "status": "completed", **WHO, "performedDateTime": "2026-01-01"},
    encounter("e1", "p1", "b1", "2025-12-30T00:00:00Z"),
]  # fmt: skip
FILE[-1]["location"][0]["period"] = {"start": "2026-01-01T00:25:00Z"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("course")
    made = House(Place(folder / "home", folder / "keys", folder / "witness"), (room,))
    changes = [Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in FILE]
    made.seat("main").home.wait(made.hall(system("main")).record.write(changes)[-1].version.t)
    made.catch_up("main")
    yield made
    made.close()


def asked(house: House, who: str = "p1", **query: str) -> Any:
    given = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z", **query}
    hall = house.hall(system("main"), "monitor")
    body = course(Request("GET", "", {"id": who}, list(given.items()), {}, b""), hall).body
    assert isinstance(body, bytes)
    return msgspec.json.decode(body)


def test_numbers_stand_by_the_minute_in_the_tables_unit_and_a_minute_without_is_left_out(house: House) -> None:
    found = asked(house)
    assert found["every"] == 60 * SECOND
    series = {one["measure"]: one for one in found["series"]}
    assert series["heart-rate"]["points"] == [
        [DAY + 10 * 60 * SECOND, 80, 85, 90, 2],
        [DAY + 30 * 60 * SECOND, 70, 95, 120, 2],
    ]
    assert series["temperature"] == {
        "measure": "temperature", "unit": "Cel", "points": [[DAY + 20 * 60 * SECOND, 37, 37, 37, 1]],
    }  # fmt: skip
    # A letter is no number, and what came after the window is not in it
    assert set(series) == {"heart-rate", "temperature"}


def test_a_long_course_has_few_stretches(house: House) -> None:
    found = asked(house, to="2026-07-01T00:00:00Z")
    assert found["every"] == 181 * 24 * HOUR // 360
    assert [(point[0], point[4]) for point in found["series"][0]["points"]] == [(DAY, 5)]


def test_treatments_moves_and_what_still_lasts_are_on_the_same_axis(house: House) -> None:
    found = [(one["kind"], one["text"], one["until"]) for one in asked(house)["events"]]
    minute = 60 * SECOND
    assert found == [
        ("stay", "", None),
        ("procedure", "Drain", DAY + 5 * minute),
        ("medication", "Paracetamol 500 mg", DAY + 15 * minute),
        ("place", "71-1", None),
    ]
    assert asked(house)["more"] is False


NO_WINDOWS = (
    {"to": "2025-01-01T00:00:00Z"},
    {"from": "2020-01-01T00:00:00Z"},
    {"to": "soon"},
    {"more": "1"},
)


@pytest.mark.parametrize("query", NO_WINDOWS)
def test_a_window_that_is_none_is_refused(house: House, query: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        asked(house, **query)


def test_a_patient_who_is_not_there_has_no_course(house: House) -> None:
    with pytest.raises(Invalid) as found:
        asked(house, "nobody")
    assert found.value.status == 404


def test_every_rule_is_listed_with_its_limits_and_whether_it_is_on(house: House) -> None:
    body = rules(Request("GET", "", {}, [], {}, b""), house.hall(system("main"), "monitor")).body
    assert isinstance(body, bytes)
    found = {one["name"]: one for one in msgspec.json.decode(body)["rules"]}
    high, single, positive = (found[name] for name in ("news2-high", "news2-single", "qsofa-positive"))
    assert (high["least"], high["on"], high["verified"], high["hold"]) == (7, True, True, 300)
    assert (single["least"], single["on"]) == (None, True)
    assert (positive["least"], positive["on"], positive["verified"]) == (2, False, False)
