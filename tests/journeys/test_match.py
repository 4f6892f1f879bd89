"""`Patient/$match`: the person is found however the name is written, graded, and never from among the hidden."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.test_gate_matrix import DENIAL
from tests.web_house import Answer, House


def patient(id: str, name: Any, born: str = "", gender: str = "", **more: Any) -> dict[str, Any]:
    found = {"resourceType": "Patient", "name": [{"text": name} if isinstance(name, str) else name], **more}
    return (
        found
        | ({"id": id} if id else {})
        | ({"birthDate": born} if born else {})
        | ({"gender": gender} if gender else {})
    )


MRN = {"identifier": [{"system": "urn:mrn", "value": "12-345"}]}
PHONE = {"telecom": [{"system": "phone", "value": "010-1234-5678"}]}
KEPT = [
    patient("hong", {"family": "홍", "given": ["길동"]}, "1970-05-06", "male", **MRN, **PHONE),
    patient("hong2", "홍길동", "1981-01-01", "male"),
    patient("ryu", "류 관순", "1902-12-16", "female"),
    patient("smith", {"family": "Smith", "given": ["John", "B"]}, "1971-07-08", "male"),
    patient("p1", "나숨김", "1990-01-01", "female"),
    *(patient(f"kim{n}", "김민수", f"19{n:02}-03-04", "male") for n in range(30, 60)),
]


class Index:
    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.token = self.house.token("loader", "system")
        for one in [*KEPT, DENIAL]:
            url = f"/fhir/{one['resourceType']}/{one['id']}"
            assert self.house.ask("PUT", url, one, token=self.token).status == 201

    def __call__(self, asked: Any, token: str = "", **more: bool | int) -> Answer:
        parameters: list[dict[str, Any]] = [{"name": "resource", "resource": asked}]
        for name, value in more.items():
            parameters.append({"name": name, "valueBoolean" if isinstance(value, bool) else "valueInteger": value})
        body = {"resourceType": "Parameters", "parameter": parameters}
        return self.house.ask("POST", "/fhir/Patient/$match", body, {}, token or self.token)

    def graded(self, asked: Any, token: str = "", **more: bool | int) -> dict[str, str]:
        answer = self(asked, token, **more)
        assert answer.status == 200, answer.body
        found = answer.json.get("entry", [])
        scores = [entry["search"]["score"] for entry in found]
        assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)
        return {one["resource"]["id"]: one["search"]["extension"][0]["valueCode"] for one in found}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    made = Index(tmp_path_factory.mktemp("match"))
    yield made
    made.house.close()


@pytest.mark.parametrize(
    "name",
    ["홍길동", "홍 길동", "길동 홍", {"family": "홍", "given": ["길", "동"]}, {"text": "\u1112\u1169\u11bc길동"}],
)
def test_a_korean_name_is_one_however_it_is_written(index: Index, name: Any) -> None:
    found = index.graded(patient("", name, "1970-05-06", "male"))
    assert found["hong"] == "certain" and next(iter(found)) == "hong"
    assert found.get("hong2") in (None, "possible")


def test_a_family_name_is_one_with_and_without_its_initial_sound(index: Index) -> None:
    assert index.graded(patient("", "유관순", "1902-12-16", "female")) == {"ryu": "certain"}


def test_a_number_finds_and_with_a_contradiction_it_is_never_certain(index: Index) -> None:
    assert index.graded(patient("", "홍길동", **MRN))["hong"] == "certain"
    assert index.graded(patient("", "이몽룡", "1999-09-09", "female", **MRN)).get("hong") != "certain"
    told = index.graded({"resourceType": "Patient", **PHONE})
    assert told.get("hong") in ("possible", "probable"), "one field alone is never certain"


def test_a_date_turned_round_or_a_letter_off_is_neither_for_nor_against(index: Index) -> None:
    assert index.graded(patient("", "홍길동", "1970-06-05", "male", **PHONE))["hong"] == "certain"
    assert index.graded(patient("", {"family": "Smyth", "given": ["John", "B"]}, "1971-07-08", "male"))["smith"] in (
        "probable", "certain")  # fmt: skip


def test_a_common_name_alone_is_nobody_and_with_the_birth_it_is_one(index: Index) -> None:
    assert set(index.graded(patient("", "김민수")).values()) <= {"possible"}
    found = index.graded(patient("", "김민수", "1944-03-04", "male"))
    assert found["kim44"] == "certain" and "certain" not in [grade for id, grade in found.items() if id != "kim44"]
    assert index.graded(patient("", "김민수", "1944-03-04", "male"), onlyCertainMatches=True) == {"kim44": "certain"}
    assert index.graded(patient("", "김민수", gender="male"), onlyCertainMatches=True) == {}
    assert len(index.graded(patient("", "김민수", gender="male"), count=3)) <= 3


def test_a_hidden_patient_is_not_there(index: Index) -> None:
    asked = patient("", "나숨김", "1990-01-01", "female")
    assert index.graded(asked) == {"p1": "certain"}
    assert index.graded(asked, index.house.token("barred", "physician")) == {}


def test_the_trail_names_the_operation_and_not_the_person_described(index: Index) -> None:
    index(patient("", "변사또", "1950-01-01"))
    assert not any("변사또" in row.target or "1950" in row.target for row in index.house.rows())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        ({"resourceType": "Parameters"}, 400),
        ({"resourceType": "Patient"}, 400),
        ({"resourceType": "Patient", "gender": "male"}, 400),
        ({"resourceType": "Patient", "identifier": 1, "name": "x", "telecom": [1]}, 400),
        ({"resourceType": "Patient", "name": [{"text": "x" * 500, "given": 1}]}, 200),
        ({"resourceType": "Patient", "birthDate": "1970-99-99"}, 400),
        ({"resourceType": "Observation"}, 400),
    ],
)
def test_what_describes_nobody_is_refused(index: Index, body: Any, status: int) -> None:
    answer = index.house.ask("POST", "/fhir/Patient/$match", body, {"content-type": "application/json"}, index.token)
    assert answer.status == status, answer.body


def test_a_person_of_thousands_of_numbers_is_not_held_against_everybody_by_each(index: Index) -> None:
    numbers = [{"system": "urn:many", "value": str(number)} for number in range(40_000)]
    stored = patient("many", "많음", "2001-02-03", identifier=numbers[:1000])
    assert index.house.ask("PUT", "/fhir/Patient/many", stored, token=index.token).status == 201
    asked = patient("", "많음", "2001-02-03", identifier=numbers[1000:])
    began = time.process_time()
    assert index(asked).status == 200
    assert time.process_time() - began < 1.5
