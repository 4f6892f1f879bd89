"""What the journey says of single resources: times, words, values, flags, names and whose chart it is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from journey_ward import patient
from onmaru.rooms.journey import compartment, names
from onmaru.rooms.journey.concepts import concept
from onmaru.rooms.journey.current import section
from onmaru.rooms.journey.detail import detail
from onmaru.rooms.journey.items import ALL_KINDS, item, kind
from onmaru.rooms.journey.moments import moment, point
from onmaru.rooms.journey.person import links, national, person
from onmaru.rooms.journey.projection import Journey, rows
from onmaru.rooms.journey.values import flag, value

DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("text", "low", "length"),
    [
        ("1970", 0, 365 * DAY),
        ("1972-02", 761 * DAY, 29 * DAY),
        ("1970-01-02", DAY, DAY),
        ("1970-01-01T09:00:00+09:00", 0, 1_000_000),
        ("1970-01-01T00:00:00.25Z", 250_000, 10_000),
        ("1969-12-31T23:59:60Z", -1_000_000, 1_000_000),
    ],
)
def test_a_date_covers_the_range_of_its_precision(text: str, low: int, length: int) -> None:
    found = point(text)
    assert (found.low, found.high, found.text) == (low, low + length, text)


@pytest.mark.parametrize("text", ["", "yesterday", "2020-02-30", "2020-13", "99999-01-01", "0000"])
def test_a_text_that_is_no_date_keeps_its_text_and_has_no_time(text: str) -> None:
    assert point(text) == (None, None, text)


def test_what_happened_comes_before_when_it_was_written_down() -> None:
    body = {"resourceType": "Condition", "recordedDate": "2020-05-05", "onsetPeriod": {"start": "2019", "end": "2020"}}
    found = moment(body)
    assert found.text == "2019/2020"
    assert found.low == point("2019").low
    assert found.high == point("2020").high


def test_a_period_without_end_goes_on_and_an_onset_in_words_falls_back_to_the_record() -> None:
    assert moment({"period": {"start": "2020-01-01"}}).high is None
    assert moment({"onsetString": "in childhood", "recordedDate": "2020"}).text == "2020"


def test_an_illness_lasts_from_onset_to_abatement_and_an_active_one_goes_on() -> None:
    active = {"clinicalStatus": {"coding": [{"code": "active"}]}}
    body = {"resourceType": "Condition", "onsetDateTime": "2019"}
    assert moment(body | active) == (point("2019").low, None, "2019/")
    assert moment(body | {"abatementDateTime": "2020"}) == (point("2019").low, point("2020").high, "2019/2020")
    assert moment(body) == point("2019")


def test_words_come_from_the_source_in_both_languages_and_loinc_names_the_series() -> None:
    named = concept(
        {
            "coding": [
                {"system": "urn:local", "code": "BT", "display": "체온"},
                {"system": "http://loinc.org", "code": "8310-5", "display": "Body temperature"},
            ]
        }
    )
    assert named == ("http://loinc.org|8310-5", "체온", "Body temperature")
    assert concept({"coding": [{"system": "s", "code": "x"}]}) == ("s|x", "x", "x")


def test_what_the_house_does_of_itself_is_no_item_of_a_chart() -> None:
    def lines(type: str, system: str) -> int:
        concept = {"coding": [{"system": system, "code": "alert"}]}
        body = {"resourceType": type, "id": "x", "status": "requested", "note": [{"text": "인계 메모"}]}
        body |= {"Task": {"for": {"reference": "Patient/p"}, "code": concept},
                 "Communication": {"subject": {"reference": "Patient/p"}, "category": [concept]}}[type]  # fmt: skip
        return len([*rows(msgspec.json.encode(body))])

    assert [lines("Task", one) for one in ("urn:onmaru:monitor", "urn:onmaru:remote", "urn:local")] == [0, 0, 1]
    assert [lines("Communication", one) for one in ("urn:onmaru:monitor", "urn:onmaru:remote", "urn:local")] == [
        0,
        1,
        1,
    ]


def test_digits_stay_as_written() -> None:
    raw = b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p"},'
    raw += b'"effectiveDateTime":"2020","valueQuantity":{"value":72.50,"unit":"kg","comparator":"<"}}'
    (row,) = rows(raw)
    assert row.values[7:9] == ("<72.50", "kg")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"interpretation": [{"coding": [{"code": "N"}]}], "referenceRange": [{"high": {"value": 1}}]}, ""),
        ({"interpretation": [{"coding": [{"code": "H"}, {"code": "HH"}]}]}, "HH"),
        ({"referenceRange": [{"low": {"value": 4}, "high": {"value": 10}}]}, "H"),
        ({"referenceRange": [{"high": {"value": "12.0"}}]}, ""),
        ({"referenceRange": [{"high": {"value": 10, "unit": "mg"}}]}, ""),
        ({"referenceRange": [{"high": {"value": 10, "unit": "g"}}]}, "H"),
        ({"referenceRange": [{"low": {"value": "12.01"}}]}, "L"),
        ({"referenceRange": [{"high": {"value": 1}}, {"high": {"value": 2}}]}, ""),
        ({"referenceRange": [{"high": {"value": 1}, "appliesTo": [{"text": "women"}]}]}, ""),
        ({"referenceRange": [{"high": {"value": 1}, "type": {"coding": [{"code": "treatment"}]}}]}, ""),
        ({}, ""),
    ],
)
def test_a_flag_is_the_sources_own_or_none(more: dict[str, Any], expected: str) -> None:
    assert flag({"valueQuantity": {"value": 12, "unit": "g"}} | more) == expected


@pytest.mark.parametrize(
    ("comparator", "digits", "expected"), [("<", 4, "L"), ("<", 6, ""), (">", 10, "H"), (">", 9, ""), (">=", 10, "")]
)
def test_a_bound_is_flagged_only_when_every_value_it_allows_is_out_of_range(
    comparator: str, digits: int, expected: str
) -> None:
    body = {
        "valueQuantity": {"value": digits, "comparator": comparator},
        "referenceRange": [{"low": {"value": 4}, "high": {"value": 10}}],
    }
    assert flag(body) == expected


def test_a_value_that_was_withdrawn_warns_nobody() -> None:
    body = {
        "resourceType": "Observation",
        "status": "entered-in-error",
        "interpretation": [{"coding": [{"code": "HH"}]}],
        "valueInteger": 4,
    }
    assert item(body).flag == ""


def test_a_blood_pressure_is_one_line_and_two_readings() -> None:
    body = {
        "resourceType": "Observation",
        "id": "bp",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2020-01-01T00:00:00Z",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "component": [
            {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": number, "unit": "mmHg"}}
            for code, number in (("8480-6", 120), ("8462-4", 80))
        ],
    }
    found = list(rows(msgspec.json.encode(body)))
    assert [row.table for row in found] == ["journey_item", "journey_reading", "journey_reading"]
    assert found[0].values[1] == "vital"
    assert found[0].values[7:9] == ("120/80", "mmHg")


def test_a_missing_value_says_why() -> None:
    assert value({"dataAbsentReason": {"text": "Not performed"}}).text == "(Not performed)"


def test_every_type_of_the_patient_compartment_has_a_lane() -> None:
    for type_ in compartment.PATHS:
        assert kind({"resourceType": type_}) in ALL_KINDS


def test_a_resource_of_two_patients_is_on_both_charts_and_in_one_header() -> None:
    body = {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "patient": {"reference": "Patient/p1"},
        "asserter": {"reference": "Patient/p2/_history/3"},
        "code": {"text": "x"},
    }
    found = [(row.table, row.patient) for row in rows(msgspec.json.encode(body))]
    assert found == [("journey_item", "p1 p2"), ("journey_item", "p2 p1"), ("journey_current", "p1 p2")]


def test_a_deletion_leaves_no_row() -> None:
    from journey_lake import version

    ((_, found),) = Journey().apply([version(patient("p1", "김민수", "1"), op="delete")])
    assert found == ()


@pytest.mark.parametrize(
    ("identifier", "hidden"),
    [
        ({"value": "900101-1234567"}, True),
        ({"value": "9001011234567"}, True),
        ({"value": "9013011234567"}, False),
        ({"value": "12", "type": {"coding": [{"code": "NNKOR"}]}}, True),
        ({"value": "M12345678", "type": {"coding": [{"code": "PPN"}]}}, True),
        ({"value": "12345", "type": {"coding": [{"code": "MR"}]}}, False),
    ],
)
def test_a_national_identifier_reaches_no_row(identifier: dict[str, Any], hidden: bool) -> None:
    assert national(identifier) is hidden
    found = person({"id": "p", "identifier": [identifier]})
    assert (identifier["value"] in repr(found)) is not hidden


def test_the_number_shown_is_the_medical_record_number() -> None:
    body = {"id": "p", "identifier": [{"value": "1"}, {"value": "2", "type": {"coding": [{"code": "MR"}]}}]}
    assert person(body).number == "2"


def test_a_merge_names_the_survivor_from_either_side() -> None:
    other = {"reference": "Patient/b"}
    assert links({"id": "a", "link": [{"other": other, "type": "replaces"}]}) == [("a", "b", "merged")]
    assert links({"id": "a", "link": [{"other": other, "type": "replaced-by"}]}) == [("b", "a", "merged")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"family": "김", "given": ["민수"]}, {"text": "김 민수"}, True),
        ({"family": "KIM", "given": ["Minsu"]}, {"text": "Minsu Kim"}, True),
        ({"text": "José Núñez"}, {"family": "NUNEZ", "given": ["Jose"]}, True),
        ({"text": "김민수"}, {"text": "김민서"}, False),
    ],
)
def test_namesakes_are_told_by_name_alone(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert (names.key(one) == names.key(other)) is same


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ㄱㅁㅅ", True),
        ("김ㅁㅅ", True),
        ("김미", True),
        ("민수", True),
        ("ㅁㅅ", True),
        ("김만", False),
        ("ㄱㅅ", False),
        ("김 민", True),
        ("%", False),
    ],
)
def test_a_name_is_found_by_syllables_and_initial_consonants(query: str, found: bool) -> None:
    import sqlite3

    sql = r"SELECT ? LIKE ? ESCAPE '\'"
    (answer,) = sqlite3.connect(":memory:").execute(sql, (names.encode("김민수"), names.pattern(query))).fetchone()
    assert bool(answer) is found


def test_a_refuted_allergy_and_a_resolved_problem_leave_the_header() -> None:
    refuted = {"resourceType": "AllergyIntolerance", "verificationStatus": {"coding": [{"code": "refuted"}]}}
    resolved = {"resourceType": "Condition", "clinicalStatus": {"coding": [{"code": "resolved"}]}}
    assert section(refuted) == section(resolved) == ""
    assert section({"resourceType": "Condition"}) == "problem"


def test_a_dose_is_told_in_the_words_of_the_order() -> None:
    body = {
        "dosageInstruction": [
            {
                "doseAndRate": [{"doseQuantity": {"value": "0.50", "unit": "mg"}}],
                "route": {"text": "경구"},
                "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
            }
        ]
    }
    assert detail(body) == "0.50 mg 경구 2 × / 1 d"
