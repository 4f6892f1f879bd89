"""The monitor's routes on the real embedded engine, as the web calls them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from alert_history import HOUR, limit
from onmaru.app.house import House, Place, system
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.record import Change
from onmaru.kernel.room import Request
from onmaru.rooms.monitor import room
from onmaru.rooms.monitor.projection import rows
from onmaru.rooms.monitor.scores import scores

LOINC = "http://loinc.org"


def observation(id: str, code: str, value: float, unit: str, at: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": LOINC, "code": code}]}, "effectiveDateTime": at,
        "valueQuantity": {"value": value, "code": unit, "system": "http://unitsofmeasure.org"},
    } | more  # fmt: skip


# 2026-01-01T09:00+09:00
OF_NINE = 1_767_225_600_000_000
PRESSURE = observation("o3", "85354-9", 0, "1", "2026-01-01T09:00:00+09:00") | {
    "component": [
        {"code": {"coding": [{"system": LOINC, "code": "8480-6"}]}, "valueQuantity": {"value": 88, "code": "mm[Hg]"}},
        {"code": {"coding": [{"system": LOINC, "code": "8462-4"}]}, "valueQuantity": {"value": 50, "code": "mm[Hg]"}},
    ]
}
FILE = [
    {"resourceType": "Patient", "id": "p1"},
    observation("o1", "9279-1", 20.5, "/min", "2026-01-01T09:00:00+09:00"),
    observation("o2", "8867-4", 131, "/min", "2026-01-01T00:00:00Z"),
    PRESSURE,
    observation("o4", "8310-5", 35.05, "Cel", "2026-01-01T09:00:00+09:00"),
    observation("o5", "8310-5", 40, "Cel", "2026-01-01T09:30:00+09:00", status="entered-in-error"),
    observation("o6", "8310-5", 41, "Cel", "2026-01-01"),
    {"resourceType": "Patient", "id": "p2"},
    observation("s1", "59408-5", 97, "%", "2026-01-01T00:00:00Z", subject={"reference": "Patient/p2"}),
    observation("s2", "3151-8", 2, "L/min", "2026-01-01T00:00:00Z", subject={"reference": "Patient/p2"}),
    limit("news2-scale", 2, OF_NINE, OF_NINE + HOUR, "p2"),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("monitor")
    made = House(Place(folder / "home", folder / "keys", folder / "witness"), (room,))
    changes = [Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in FILE]
    made.seat("main").home.wait(made.hall(system("main")).record.write(changes)[-1].version.t)
    made.catch_up("main")
    yield made
    made.close()


def asked(house: House, patient: str = "p1", **query: str) -> Any:
    request = Request("GET", "", {"id": patient}, list(query.items()), {}, b"")
    body = scores(request, house.hall(system("main"), "monitor")).body
    assert isinstance(body, bytes)
    return msgspec.json.decode(body)


def test_an_hour_that_its_zone_carries_out_of_the_calendar_is_refused_and_stops_no_follower(house: House) -> None:
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        with pytest.raises(Invalid) as refused:
            asked(house, at=at)
        assert refused.value.status == 400
        assert not [*rows(msgspec.json.encode(observation("o9", "8867-4", 60, "/min", at)))]


def test_the_scores_of_a_person_tell_each_part_and_its_source(house: House) -> None:
    found = asked(house, at="2026-01-01T10:00:00+09:00")
    news = found["scores"][0]
    assert (news["name"], news["total"], news["least"], news["leastLevel"]) == ("news2", None, 9, "high")
    assert {part["name"]: (part["state"], part["points"], part["source"]) for part in news["parts"]} == {
        "respiration": ("scored", 2, "Observation/o1"),
        "saturation": ("missing", None, ""),
        "oxygen": ("missing", None, ""),
        "systolic": ("scored", 3, "Observation/o3"),
        "pulse": ("scored", 3, "Observation/o2"),
        "consciousness": ("missing", None, ""),
        "temperature": ("scored", 1, "Observation/o4"),
    }
    assert found["shockIndex"] == "1.49"
    assert [one["name"] for one in found["scores"]] == ["news2", "qsofa", "sirs", "sofa"]


def test_what_was_not_measured_yet_is_not_known_yet(house: House) -> None:
    early, late = asked(house, at="2026-01-01T08:59:59+09:00"), asked(house, at="2026-01-01T22:00:00+09:00")
    assert early["scores"][0]["least"] == late["scores"][0]["least"] == 0
    assert {part["state"] for part in late["scores"][0]["parts"]} == {"stale", "missing"}


@pytest.mark.parametrize(
    ("at", "query", "points"),
    [
        # Ninety-seven on oxygen: nothing on the first scale, 3 on the second (RCP 2017, chart 1)
        ("2026-01-01T09:30:00+09:00", {}, 3),
        ("2026-01-01T09:30:00+09:00", {"scale": "1"}, 0),
        ("2026-01-01T10:30:00+09:00", {}, 0),
        ("2026-01-01T10:30:00+09:00", {"scale": "2"}, 3),
    ],
)
def test_the_second_saturation_scale_is_used_while_an_order_says_so(
    house: House, at: str, query: dict[str, str], points: int
) -> None:
    (news,) = [one for one in asked(house, "p2", at=at, **query)["scores"] if one["name"] == "news2"]
    assert {part["name"]: part["points"] for part in news["parts"]}["saturation"] == points


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"at": "2026-01-01"}, "at"),
        ({"at": "soon"}, "at"),
        ({"scale": "3"}, "scale"),
        ({"pressor": ""}, "pressor"),
        ({"x": "1"}, "x"),
    ],
)
def test_a_wrong_question_is_refused_by_its_name(house: House, query: dict[str, str], where: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked(house, **query)
    assert refused.value.issues[0].expression == where


def test_nobody_unknown_has_scores(house: House) -> None:
    with pytest.raises(Invalid) as refused:
        asked(house, "nobody")
    assert refused.value.status == 404
