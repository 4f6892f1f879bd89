"""The journey's routes on the real embedded engine: one ward loaded, every address asked, on paper and as a document too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pypdf import PdfReader

from journey_ward import everything, patient
from onmaru.app.house import House, Place, system
from onmaru.fhir import structure
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.record import Change
from onmaru.kernel.room import Request, Response
from onmaru.rooms.journey import ROUTES, room

PROVENANCE: dict[str, Any] = {
    "resourceType": "Provenance",
    "id": "x1",
    "target": [{"reference": "Observation/v2"}],
    "recorded": "2026-11-21T01:00:00Z",
    "agent": [{"who": {"display": "검사실 LIS"}}],
    "entity": [{"role": "source", "what": {"identifier": {"value": "MSG00017"}}}],
}


class Ward:
    """A house with the ward in it, and its routes called as the web does."""

    def __init__(self, folder: Path) -> None:
        self.house = House(Place(folder / "home", folder / "keys", folder / "witness"), (room,))
        self.put(*everything(), PROVENANCE)

    def put(self, *bodies: dict[str, Any]) -> None:
        record = self.house.hall(system("main")).record
        changes = [Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in bodies]
        home = self.house.seat("main").home
        home.wait(record.write(changes)[-1].version.t)
        self.house.catch_up("main")

    def ask(self, path: str, query: dict[str, str] | None = None, *, caller: Caller | None = None) -> Response:
        parts = path.strip("/").split("/")
        for route in ROUTES:
            shape = route.path.strip("/").split("/")
            if len(shape) == len(parts) and all(s.startswith("{") or s == p for s, p in zip(shape, parts, strict=True)):
                params = {s[1:-1]: p for s, p in zip(shape, parts, strict=True) if s.startswith("{")}
                request = Request("GET", path, params, list((query or {}).items()), {}, b"")
                return route.handler(request, self.house.hall(caller or system("main"), "journey"))
        raise LookupError(path)

    def json(self, path: str, query: dict[str, str] | None = None) -> Any:
        return msgspec.json.decode(whole(self.ask(path, query)))


def whole(answer: Response) -> bytes:
    if callable(answer.body):
        return answer.body()
    return answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    made = Ward(tmp_path_factory.mktemp("ward"))
    yield made
    made.house.close()


def test_the_list_shows_number_birth_date_and_sex_and_warns_of_namesakes(ward: Ward) -> None:
    found = ward.json("/patients", {"q": "ㄱㅁㅅ"})
    assert [(one["id"], one["namesake"], one["ward"], one["bed"]) for one in found["items"]] == [
        ("p1", True, "71병동", "7103호 1번"),
        ("p2", True, "71병동", "7103호 2번"),
        ("p3", False, "", ""),
    ]
    assert (found["items"][0]["identifier"], found["items"][0]["birthDate"]) == ("100001", "1958-03-02")
    assert found["items"][2]["mergedInto"] == "p1"
    assert found["total"] == 3


def test_the_list_goes_on_by_cursor_and_a_foreign_cursor_is_refused(ward: Ward) -> None:
    first = ward.json("/patients", {"count": "2"})
    second = ward.json("/patients", {"count": "2", "cursor": first["cursor"]})
    assert [one["id"] for one in first["items"] + second["items"]] == ["p1", "p2", "p3", "p4"]
    assert second["cursor"] == ""
    for cursor in ("!", "bm8", "W10"):
        with pytest.raises(Invalid, match="cursor"):
            ward.ask("/patients", {"cursor": cursor})


def test_wards_count_who_lies_there(ward: Ward) -> None:
    assert ward.json("/wards") == {"wards": [{"id": "Location/w71", "name": "71병동", "patients": 2}]}
    assert [one["id"] for one in ward.json("/patients", {"ward": "Location/w71"})["items"]] == ["p1", "p2"]


def test_the_summary_tells_what_is_true_now_of_the_person_with_all_merged_records(ward: Ward) -> None:
    found = ward.json("/patients/p1/summary")
    assert found["patient"]["identifier"] == "100001"
    assert [one["number"] for one in found["merged"]] == ["90001"]
    assert [one["identifier"] for one in found["namesakes"]] == ["100002"]
    assert [one["ko"] for one in found["allergies"]] == ["페니실린"]
    assert [one["ko"] for one in found["problems"]] == ["제2형 당뇨병"]
    assert [(one["ko"], one["detail"]) for one in found["medications"]] == [("메트포르민 500 mg", "1일 2회 식후")]
    assert [(one["value"], one["flag"]) for one in found["vitals"]] == [("38.9", "H")]
    assert (found["encounter"]["ward"], found["encounter"]["bed"]) == ("71병동", "7103호 1번")
    assert found["total"] == 7


def test_a_merged_record_leads_to_its_survivor(ward: Ward) -> None:
    assert ward.json("/patients/p3/summary")["survivor"] == {"id": "p1", "name": "김민수", "number": "100001"}


def test_the_timeline_counts_every_dated_item_once_at_any_zoom(ward: Ward) -> None:
    for width in ("100", "1200", "8000"):
        found = ward.json("/patients/p1/timeline", {"width": width})
        assert sum(one["n"] for one in found["clusters"]) == 5
    near = ward.json("/patients/p1/timeline", {"from": "2026-11-21", "to": "2026-11-22"})
    assert [(one["kind"], one["source"], one["value"]) for one in near["clusters"]] == [
        ("vital", "Observation/v2", "38.9")
    ]
    assert {one["source"] for one in near["spans"]} == {"Encounter/e1", "Condition/c1"}


def test_every_item_is_reached_and_unknown_times_come_last(ward: Ward) -> None:
    seen: list[str] = []
    query = {"count": "2"}
    first = found = ward.json("/patients/p1/items", query)
    while True:
        seen += [one["source"] for one in found["items"]]
        if not found["cursor"]:
            break
        found = ward.json("/patients/p1/items", {**query, "cursor": found["cursor"]})
    assert first["total"] == len(seen) == len(set(seen)) == 7
    assert seen[-2:] == ["AllergyIntolerance/a1", "Specimen/s1"]


def test_items_are_filtered_by_kind_flag_and_words(ward: Ward) -> None:
    assert ward.json("/patients/p1/items", {"kinds": "vital,encounter"})["total"] == 3
    assert ward.json("/patients/p1/items", {"flagged": "1"})["total"] == 1
    assert [one["source"] for one in ward.json("/patients/p1/items", {"q": "당뇨"})["items"]] == ["Condition/c1"]


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        ("/patients/p1/items", {"kinds": "lab,nonsense"}, "kinds"),
        ("/patients/p1/items", {"surprise": "1"}, "surprise"),
        ("/patients/p1/timeline", {"from": "soon"}, "from"),
        ("/patients/p1/timeline", {"from": "2021", "to": "2020"}, "to"),
        ("/patients/p1/timeline", {"width": "-5"}, "width"),
        ("/patients/p1/series", {}, "code"),
        ("/patients", {"q": "x" * 101}, "q"),
        ("/patients/nobody/summary", {}, ""),
        ("/patients/%00/summary", {}, "id"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_with_its_place(
    ward: Ward, path: str, query: dict[str, str], named: str
) -> None:
    with pytest.raises(Invalid) as refused:
        ward.ask(path, query)
    assert refused.value.issues[0].expression == named


def test_a_series_is_the_newest_values_of_one_code(ward: Ward) -> None:
    found = ward.json("/patients/p1/series", {"code": "http://loinc.org|8310-5"})
    assert [one["value"] for one in found["items"]] == ["38.9", "36.5"]


def test_a_source_opens_with_the_message_it_came_from(ward: Ward) -> None:
    answer = whole(ward.ask("/patients/p1/source/Observation/v2"))
    found = msgspec.json.decode(answer)
    assert b'"value":38.9' in answer
    assert found["resource"]["id"] == "v2"
    assert [one["version"] for one in found["versions"]] == [1]
    (told,) = found["provenance"]
    assert told["recorded"] == "2026-11-21T01:00:00Z"
    assert told["agents"][0]["who"] == "검사실 LIS"
    assert told["messages"][0]["what"] == "MSG00017"


def test_a_new_version_shows_at_once_and_the_old_one_stays_readable(tmp_path: Path) -> None:
    made = Ward(tmp_path)
    changed = next(body for body in everything() if body["id"] == "v2") | {"status": "entered-in-error"}
    made.put(changed)
    assert [one["value"] for one in made.json("/patients/p1/summary")["vitals"]] == ["36.5"]
    found = made.json("/patients/p1/source/Observation/v2", {"version": "1"})
    assert (found["resource"]["status"], [one["version"] for one in found["versions"]]) == ("final", [2, 1])
    made.house.close()


def test_the_document_is_a_bundle_that_holds_everything_it_refers_to(ward: Ward) -> None:
    raw = whole(ward.ask("/patients/p1/document"))
    bundle = structure.decode(raw, "Bundle")
    assert bundle.type == "document"
    entries = msgspec.json.decode(raw)["entry"]
    held = {f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in entries[1:]}
    assert entries[0]["resource"]["resourceType"] == "Composition"
    refers = set(re.findall(r'"reference":"([A-Za-z]+/[^"]+)"', raw.decode()))
    assert refers <= held
    assert {"Patient/p1", "Patient/p3", "Medication/m1", "Location/w71", "Condition/c1"} <= held
    assert "Patient/p2" not in held


def test_the_print_has_identity_on_every_page_and_says_what_it_leaves_out(ward: Ward) -> None:
    answer = ward.ask("/patients/p1/print.pdf")
    pages = [page.extract_text() for page in PdfReader(BytesIO(whole(answer))).pages]
    for text in pages:
        for fact in ("김민수", "100001", "1958-03-02", "남", "동명이인"):
            assert fact in text
    said = "\n".join(pages)
    for fact in ("페니실린", "제2형 당뇨병", "메트포르민 500 mg", "38.9", "100002", "1990-12-24", "90001"):
        assert fact in said
    assert answer.type == "application/pdf"


def test_a_name_that_no_font_holds_still_prints(tmp_path: Path) -> None:
    made = Ward(tmp_path)
    made.put(patient("odd", "𠮷野<b>&", "7"))
    assert whole(made.ask("/patients/odd/print.pdf")).startswith(b"%PDF")
    made.house.close()


def test_a_patient_sees_no_one_elses_chart_and_learns_no_one_elses_name(ward: Ward) -> None:
    own = Caller(
        "main", "p4", frozenset({"patient"}), "PATRQT", (Scope("patient", "*", frozenset("rs")),), patient="p4"
    )
    listed = msgspec.json.decode(whole(ward.ask("/patients", caller=own)))
    assert [one["id"] for one in listed["items"]] == ["p4"]
    assert listed["total"] == 1
    with pytest.raises(Invalid) as refused:
        ward.ask("/patients/p1/summary", caller=own)
    assert refused.value.status == 404


def test_what_the_operator_set_for_the_room_reaches_its_routes(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "onmaru.toml").write_text('[room.journey]\naddress = "https://chart.example"\n', "utf-8")
    made = Ward(tmp_path)
    try:
        document = made.json("/patients/p1/document")
    finally:
        made.house.close()
    assert document["entry"][1]["fullUrl"].startswith("https://chart.example/fhir/")
