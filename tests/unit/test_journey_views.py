"""The journey's SQL over the made-up ward; every query runs on SQLite and on DuckDB and must answer alike."""

from __future__ import annotations

from typing import Any

import pytest

from journey_lake import Tables, version
from journey_ward import everything, patient, vital
from onmaru.rooms.journey import names, views
from onmaru.rooms.journey.projection import Journey

ALL_TIME = {"start": -(2**61), "stop": 2**61, "low": 2**61, "source": "", "kinds": "", "flagged": 0, "encounter": ""}
PAGE = ALL_TIME | {"text": "", "count": 50, "patient": "p1"}


@pytest.fixture(scope="module")
def ward() -> Tables:
    tables = Tables(Journey())
    tables.follow(version(body) for body in everything())
    return tables


def found(ward: Tables, **more: Any) -> list[str]:
    search = {"name": "", "after": "", "find": "", "number": "", "count": 50} | more
    return [row["patient"] for row in ward.query(views.PATIENTS, search)]


def test_a_patient_is_found_by_initials_latin_name_and_number(ward: Tables) -> None:
    assert found(ward) == ["p1", "p2", "p3", "p4"]
    assert found(ward, find=names.pattern("ㅇㅅㅇ"), number="%|ㅇㅅㅇ%") == ["p4"]
    assert found(ward, find=names.pattern("minsu"), number="%|minsu%") == ["p2"]
    assert found(ward, find=names.pattern("10000"), number="%|10000%") == ["p1", "p2", "p4"]
    assert ward.query(views.PATIENTS_TOTAL, {"find": "", "number": ""}) == [{"total": 4}]


def test_the_list_goes_on_after_the_last_row_shown(ward: Tables) -> None:
    assert found(ward, name="김민수", after="p2") == ["p3", "p4"]


def test_a_merged_record_names_its_survivor(ward: Tables) -> None:
    rows = ward.query(views.PATIENTS, {"name": "", "after": "", "find": "", "number": "", "count": 50})
    assert {row["patient"]: row["survivor"] for row in rows} == {"p1": None, "p2": None, "p3": "p1", "p4": None}
    (link,) = ward.query(views.LINKS, {"patient": "p1"})
    assert (link["survivor"], link["gone"], link["gone_number"]) == ("p1", "p3", "90001")


def test_the_ward_is_the_first_place_around_bed_and_room(ward: Tables) -> None:
    rows = ward.query(views.STAYS_OF, views.named(["p1", "p4"]))
    assert [(row["patient"], row["ward_name"], row["room"], row["bed"]) for row in rows] == [
        ("p1", "71병동", "7103호", "1번")
    ]
    assert ward.query(views.WARDS, {}) == [{"id": "Location/w71", "name": "71병동", "patients": 2}]
    search = {"name": "", "after": "", "find": "", "number": "", "count": 50, "ward": "Location/w71"}
    assert [row["patient"] for row in ward.query(views.ON_WARD, search)] == ["p1", "p2"]
    assert ward.query(views.ON_WARD_TOTAL, search) == [{"total": 2}]


def test_namesakes_on_one_ward_are_told_whatever_the_spacing(ward: Tables) -> None:
    rows = ward.query(views.NAMESAKES, views.named(["p1", "p4"]))
    assert [(row["subject"], row["patient"], row["number"], row["birth"]) for row in rows] == [
        ("p1", "p2", "100002", "1990-12-24")
    ]


def test_the_header_has_what_is_true_now_and_the_latest_vital(ward: Tables) -> None:
    rows = ward.query(views.CURRENT, {"patient": "p1"})
    assert [(row["section"], row["ko"], row["about_thing"], row["severity"]) for row in rows] == [
        ("allergy", "페니실린", None, "high"),
        ("medication", "", "메트포르민 500 mg", ""),
    ]
    (temperature,) = ward.query(views.VITALS, {"patient": "p1"})
    assert (temperature["value"], temperature["flag"], temperature["range_high"]) == ("38.9", "H", "37.5")


def test_every_item_is_reached_page_by_page_dated_and_undated(ward: Tables) -> None:
    seen: list[str] = []
    page = PAGE | {"count": 2}
    while rows := ward.query(views.ITEMS, page):
        seen += [row["source"] for row in rows]
        page |= {"low": rows[-1]["low"], "source": rows[-1]["source"]}
    undated = ward.query(views.UNDATED, PAGE)
    assert seen == ["Observation/v2", "Observation/v1", "Encounter/e1", "MedicationRequest/d1"]
    assert [row["source"] for row in undated] == ["AllergyIntolerance/a1", "Specimen/s1"]
    counts = ward.query(views.EXTENT, {"patient": "p1"})
    assert sum(row["n"] for row in counts) == len(seen) + len(undated)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"kinds": "|vital|"}, ["Observation/v2", "Observation/v1"]),
        ({"flagged": 1}, ["Observation/v2"]),
        ({"encounter": "Encounter/e1"}, ["Observation/v2"]),
        ({"text": "%temperature%"}, ["Observation/v2", "Observation/v1"]),
    ],
)
def test_items_are_filtered(ward: Tables, more: dict[str, Any], expected: list[str]) -> None:
    assert [row["source"] for row in ward.query(views.ITEMS, PAGE | more)] == expected


def test_clusters_count_each_item_once_at_any_width(ward: Tables) -> None:
    for bucket in (1_000_000, 86_400_000_000, 10**16):
        rows = ward.query(views.CLUSTERS, {**PAGE, "start": -(10**15), "stop": 10**16, "bucket": bucket})
        assert sum(row["n"] for row in rows) == 4
        assert sum(row["flagged"] for row in rows) == 1
        alone = [row["low"] for row in rows if row["n"] == 1]
        if alone:
            told = ward.query(views.LONE, {"patient": "p1", **views.instants(alone)})
            assert set(alone) <= {row["low"] for row in told}


def test_what_began_before_the_window_and_lasts_into_it_is_told(ward: Tables) -> None:
    spans = ward.query(views.SPANS, {**PAGE, "start": 1_795_300_000_000_000, "count": 10})
    assert [row["source"] for row in spans] == ["Encounter/e1"]


def test_a_new_version_replaces_every_row_of_the_one_before() -> None:
    tables = Tables(Journey())
    tables.follow([version(vital("v", "p1", "8310-5", "T", 36, "Cel", "2026-01-01"), 1)])
    tables.follow([version(vital("v", "p2", "8310-5", "T", 37, "Cel", "2026-01-02"), 2)])
    assert tables.query(views.VITALS, {"patient": "p1"}) == []
    assert [row["value"] for row in tables.query(views.VITALS, {"patient": "p2"})] == ["37"]


def test_the_newest_values_of_one_code_make_a_series(ward: Tables) -> None:
    rows = ward.query(views.SERIES, {"patient": "p1", "code": "http://loinc.org|8310-5", "count": 10})
    assert [row["number"] for row in rows] == [38.9, 36.5]


def test_a_name_with_like_wildcards_finds_nothing_by_accident() -> None:
    tables = Tables(Journey())
    tables.follow([version(patient("p", "김민수", "1"))])
    search = {"name": "", "after": "", "find": names.pattern("%%"), "number": r"%|\%\%%", "count": 9}
    assert tables.query(views.PATIENTS, search) == []
