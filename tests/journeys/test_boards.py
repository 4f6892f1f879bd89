"""The boards over a made ward: equity without small cells, outreach for carers alone, operations, measures."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests import boards_house
from tests.boards_house import asker, put

from onmaru.app.house import House
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.equity import commands as equity_commands
from onmaru.rooms.equity import routes as equity
from onmaru.rooms.insight import commands as insight_commands
from onmaru.rooms.insight import routes as insight

REPORTED = {"measure": "orders-reported", "year": "2025"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = boards_house.opened(tmp_path_factory.mktemp("boards"), "equity", "insight")
    assert len(ask(made, insight.add, room="insight")["added"]) == 3
    settled(made)
    yield made
    made.close()


def settled(house: House) -> None:
    """What was written is durable and followed."""
    house.seat("main").home.wait(house.seat("main").home.tip())
    house.catch_up("main")


def drawn(response: Response) -> Any:
    """The answer as the server would draw it."""
    body = response.body
    if callable(body):
        body = body()
    if isinstance(body, bytes):
        return json.loads(body)

    async def parts() -> bytes:
        return b"".join([part async for part in body])  # type: ignore[union-attr]  # the only kind left here

    return json.loads(asyncio.run(parts()))


def ask(
    house: House, handler: Any, caller: Caller | None = None, room: str = "equity", more: dict[str, Any] | None = None,
    **query: str,
) -> Any:  # fmt: skip
    """`more`: settings of the room; an `id` among the query is part of the path."""
    hall: Hall = house.hall(caller or asker(), room)
    hall = msgspec.structs.replace(hall, settings={**hall.settings, **(more or {})})
    params = {"id": query.pop("id")} if "id" in query else {}
    return drawn(handler(Request("GET", "/", params, tuple(query.items()), {}, b""), hall))


def board(house: House, caller: Caller | None = None, **more: Any) -> dict[str, Any]:
    """The dimensions by name."""
    told = ask(house, equity.board, caller, more=more, **REPORTED)
    return {one["name"]: one for one in told["dimensions"]}


def lines(dimension: dict[str, Any]) -> dict[tuple[str, ...], list[int]]:
    return {tuple(line["names"]): line["steps"] for line in dimension["lines"]}


def test_a_measure_is_told_by_sex_with_its_differences_and_where_the_gap_opens(house: House) -> None:
    sex = board(house)["sex"]
    # All 30 women have a report; of the 30 men (odd numbers) those that leave 1 when divided by 4, which are 15
    assert lines(sex) == {("female",): [30, 30, 30], ("male",): [30, 15, 15]}
    assert {one["name"]: one["value"] for one in sex["summaries"]} == {
        "difference": 50, "ratio": 2, "par": 25, "paf": pytest.approx(100 / 3),
    }  # fmt: skip
    assert sex["opening"]["step"] == 1 and sex["opening"]["gaps"][0]["low"] == "male"


def test_small_groups_are_told_as_one_and_nothing_gives_them_back(house: House) -> None:
    told = board(house)
    # Of the 20 with Medical Aid 5 have no report: fewer than 10, so that the two kinds of insurance are one line
    assert lines(told["insurance"]) == {("hira:4", "hira:5"): [60, 45, 45]}
    assert told["insurance"]["shown"] == 0 and told["insurance"]["summaries"] == []
    # 20 do not say their language, but with whom they are told as one says nothing of how many: no line of another may
    assert all(line["missing"]["language"] is None for line in told["sex"]["lines"])
    assert {line["missing"]["insurance"] for line in told["sex"]["lines"]} == {0}


def test_a_site_that_tells_smaller_groups_is_told_them(house: House) -> None:
    told = board(house, smallest_cell=5)
    assert lines(told["insurance"]) == {("hira:4",): [40, 30, 30], ("hira:5",): [20, 15, 15]}
    assert lines(told["language"]) == {("en",): [20, 15, 15], ("ko",): [20, 15, 15], ("",): [20, 15, 15]}
    assert [line["missing"]["language"] for line in told["sex"]["lines"]] == [10, 10]


def test_what_the_record_or_the_site_does_not_say_is_missing(house: House) -> None:
    told = board(house)
    assert [told[name]["why"] for name in ("distance", "disability", "deprivation")] == [
        "no-place",
        "no-codes",
        "no-table",
    ]
    assert lines(told["distance"]) == {("",): [60, 45, 45]}
    # Said where the hospital stands, the homes have no geolocation: missing all the same
    assert lines(board(house, place="37.5 127.0")["distance"]) == {("",): [60, 45, 45]}
    assert lines(board(house, disability="urn:x|1")["disability"]) == {("not-recorded",): [60, 45, 45]}


def test_a_table_of_regions_makes_ordered_groups(house: House, tmp_path: Path) -> None:
    file = tmp_path / "regions.csv"
    file.write_text("field,region,deprivation\ndistrict,가구,1\ndistrict,나구,5\nstate,없음,3\n", "utf-8")
    said: list[Any] = []
    hall = house.hall(asker(), "equity")
    equity_commands.regions(hall, {"file": str(file), "source": "made for this test"}, said.append)
    assert said == [{"regions": 3}]
    told = board(house, smallest_cell=7)["deprivation"]
    # 1 to 30: 15 women and 8 men (1, 5, … 29); 31 to 60: 15 women and 7 men
    assert lines(told) == {("1",): [30, 23, 23], ("5",): [30, 22, 22]}
    assert told["ordered"] and told["summaries"][0]["value"] == pytest.approx(100 * (22 - 23) / 30)
    assert ask(house, equity.board, **REPORTED)["regions"] == "made for this test"
    for bad in ("field,region\n", "field,region,deprivation\nward,x,1\n", "field,region,deprivation\ncity,x,6\n"):
        file.write_text(bad, "utf-8")
        with pytest.raises(Invalid):
            equity_commands.regions(hall, {"file": str(file), "source": "x"}, said.append)


def test_researchers_get_the_same_board_and_carers_none(house: House) -> None:
    researcher = board(house, asker("researcher", "HRESCH", "rs"))
    assert lines(researcher["insurance"]) == {("hira:4", "hira:5"): [60, 45, 45]}
    for caller in (asker("physician", "TREAT"), asker("nurse", "TREAT"), asker("data-manager", "TREAT")):
        with pytest.raises(Invalid) as refused:
            board(house, caller)
        assert refused.value.status == 403
        (_, row), *_ = house.seat("main").home.trail.page()
        assert not row.allowed


def test_carers_get_the_list_of_whom_to_reach_and_are_audited(house: House) -> None:
    nurse = asker("nurse", "TREAT", "rs")
    told = ask(house, equity.outreach, nurse, dimension="sex", group="male", **REPORTED)
    short = [n for n in range(1, 61, 2) if n % 4 == 3]
    assert told["total"] == len(short) == 15
    assert {row["patient"] for row in told["rows"]} == {f"p{n}" for n in short}
    first = next(row for row in told["rows"] if row["patient"] == "p3")
    assert first == {"patient": "p3", "name": "환자3", "born": "1933-05", "phone": "010-0000-0003", "passed": 1}
    (_, row), *_ = house.seat("main").home.trail.page()
    assert (row.target, row.purpose, len(row.patients)) == ("script/equity-outreach?persons=0", "TREAT", 15)
    quoted = ask(house, equity.outreach, nurse, dimension="sex", group="' OR true --", **REPORTED)
    assert quoted["total"] == 0


@pytest.mark.parametrize(
    "caller", [asker(), asker("researcher", "HRESCH"), asker("data-manager", "TREAT"), asker("nurse")]
)
def test_nobody_else_is_told_whom_to_reach(house: House, caller: Caller) -> None:
    with pytest.raises(Invalid) as refused:
        ask(house, equity.outreach, caller, dimension="sex", group="male", **REPORTED)
    assert refused.value.status == 403
    (_, row), *_ = house.seat("main").home.trail.page()
    assert (row.allowed, row.target) == (False, "view/equity-outreach")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"measure": "none", "year": "2025"}, 404),
        ({"measure": "a b", "year": "2025"}, 400),
        ({"measure": "orders-reported", "year": "25"}, 400),
        ({"measure": "orders-reported", "year": "2025", "age": "1"}, 400),
        ({"measure": "orders-reported"}, 400),
    ],
)
def test_what_is_asked_wrongly_is_refused(house: House, query: dict[str, str], status: int) -> None:
    with pytest.raises(Invalid) as refused:
        ask(house, equity.board, **query)
    assert refused.value.status == status


def test_the_operations_board_counts_what_is_there(house: House) -> None:
    told = ask(house, insight.operations, room="insight", **{"from": "2025-03-01", "to": "2025-03-31"})
    assert told["beds"] == [{"ward": "71병동", "beds": 4, "taken": 1, "closed": 1, "said_taken": 0}]
    # Twelve stays each of 1 to 5 days
    assert told["stays"] == [{"kind": "IMP", "visits": 60, "median": 3.0, "p90": 5.0}]
    assert told["waiting"] == [
        {"kind": "booking", "unit": "days", "visits": 4, "median": 12.0, "p90": pytest.approx(13.7)},
        {"kind": "arrival", "unit": "minutes", "visits": 1, "median": 25.0, "p90": 25.0},
    ]
    assert told["turnaround"] == [{"kind": "검사", "requests": 60, "open": 15, "median": 3.0, "p90": 3.0}]
    assert told["appointments"] == [{"kind": "외래", "appointments": 5, "missed": 1, "cancelled": 1, "due": 4}]
    assert told["theatres"] == [{"theatre": "1번 수술실", "operations": 1, "days": 1, "minutes": 150}]
    assert told["alerts"] == [{"kind": "낙상 위험", "active": 1}] and told["census"] == [{"kind": "IMP", "visits": 1}]
    for days in (("2025-03-31", "2025-03-01"), ("2024-01-01", "2025-03-01"), ("20250301", "2025-03-02"), ("", "")):
        with pytest.raises(Invalid) as refused:
            ask(house, insight.operations, room="insight", **{"from": days[0], "to": days[1]})
        assert refused.value.status == 400
    for caller in (asker("researcher", "HRESCH"), asker("physician", "TREAT")):
        with pytest.raises(Invalid) as refused:
            ask(house, insight.operations, caller, "insight", **{"from": "2025-03-01", "to": "2025-03-31"})
        assert refused.value.status == 403


def test_a_report_is_written_and_counted_again_as_it_was(house: House) -> None:
    told = ask(house, insight.report, room="insight", id="orders-reported", year="2025")
    assert [one["count"] for one in told["populations"]] == [60, 45, 45] and told["score"] == 0.75
    settled(house)
    put(house, [boards_house.report(n) for n in range(3, 60, 4)])
    now = ask(house, insight.count, room="insight", id="orders-reported", year="2025")
    assert [one["count"] for one in now["populations"]] == [60, 60, 60] and now["t"] > told["t"]
    again = ask(house, insight.again, room="insight", id=told["report"]["id"])
    assert again == {
        "id": told["report"]["id"],
        "same": True,
        "t": told["t"],
        "then": [60, 45, 45],
        "now": [60, 45, 45],
    }
    (row,) = ask(house, insight.list_reports, room="insight")["reports"]
    assert (row["measure"], row["year"], row["score"]) == (told["measure"], "2025", 0.75)
    said: list[Any] = []
    assert insight_commands.again(house.hall(asker(), "insight"), {"report": row["id"]}, said.append) == 0
    gone = [{**boards_house.report(n), "status": "entered-in-error"} for n in range(3, 60, 4)]
    put(house, gone)


def test_counts_of_few_are_masked_in_the_report_too(house: House) -> None:
    told = ask(house, insight.report, room="insight", id="appointments-kept", year="2025")
    assert told["hidden"] and {one["count"] for one in told["populations"]} == {None}
    settled(house)
    body = json.loads(house.hall(asker()).record.read("MeasureReport", told["report"]["id"]).body or b"{}")
    assert all("count" not in one and "_count" in one for one in body["group"][0]["population"])
    assert "measureScore" not in body["group"][0]


def test_a_hospital_adds_a_measure_as_data(house: House) -> None:
    view = {"name": "people", "resource": "Patient", "select": [{"column": [
        {"name": "patient", "path": "getResourceKey()"}, {"name": "sex", "path": "gender"}]}]}  # fmt: skip
    library = {"resourceType": "Library", "id": "people", "status": "active", "type": {"text": "view"}, "content": [
        {"contentType": "application/json", "data": b64encode(msgspec.json.encode(view)).decode()}]}  # fmt: skip
    populations = [
        {"code": {"coding": [{"code": code}]}, "criteria": {"language": "application/sql", "expression": sql}}
        for code, sql in (
            ("initial-population", "SELECT patient FROM people"),
            ("denominator-exclusion", "SELECT patient FROM people WHERE patient <= 'Patient/p28'"),
            ("numerator", "SELECT patient FROM people WHERE sex = 'female'"),
        )
    ]
    own = {"resourceType": "Measure", "id": "own", "status": "active", "library": ["Library/people"],
           "group": [{"population": populations}]}  # fmt: skip
    put(house, [library, own])
    told = ask(house, insight.report, room="insight", id="own", year="2025")
    # p1, p10 … p19, p2, p20 … p28 stand before p28 as texts: 21, of them 11 women
    assert [one["count"] for one in told["populations"]] == [60, 21, 19]
    assert told["score"] == pytest.approx(19 / 39)
    view["select"][0]["column"][1]["path"] = "'female'"  # type: ignore[index]  # a plain nested literal
    library["content"][0]["data"] = b64encode(msgspec.json.encode(view)).decode()  # type: ignore[index]  # as above
    settled(house)
    put(house, [library])
    with pytest.raises(Invalid) as refused:
        ask(house, insight.again, room="insight", id=told["report"]["id"])
    assert refused.value.status == 409


def test_a_measure_that_cannot_be_counted_is_listed_with_the_reason(house: House) -> None:
    put(house, [{"resourceType": "Measure", "id": "cql", "status": "active", "title": "by others"}])
    told = ask(house, insight.list_measures, room="insight")
    assert next(one for one in told["measures"] if one["id"] == "cql")["why"] and told["missing"] == []
    assert "cql" not in {one["id"] for one in ask(house, equity.list_measures)["measures"]}


def test_a_step_between_is_told_of_every_group_or_of_none(house: House) -> None:
    # Two women's reports are no longer final: fewer than the least stopped there, while the ends stay as they may be told
    late = [{**boards_house.report(n), "status": "preliminary"} for n in (2, 4)]
    put(house, late)
    told = lines(board(house, smallest_cell=2)["sex"])
    assert told == {("female",): [30, 30, 28], ("male",): [30, 15, 15]}
    # Of four least, women alone would tell of two; together with the men nobody does, and the step between tells of two too
    assert lines(board(house, smallest_cell=4)["sex"]) == {("female", "male"): [60, None, 43]}
    put(house, [boards_house.report(n) for n in (2, 4)])


def test_who_refused_research_is_in_no_board_and_is_reached_all_the_same(house: House) -> None:
    denied = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HRESCH"}
    refusal = {"resourceType": "Consent", "id": "no", "status": "active", "scope": {"text": "x"},
               "category": [{"text": "x"}], "policyRule": {"text": "x"}, "patient": {"reference": "Patient/p3"},
               "provision": {"type": "deny", "purpose": [denied]}}  # fmt: skip
    put(house, [refusal])
    assert lines(board(house)["sex"])[("male",)] == [29, 15, 15]
    # And who does not see everybody may add the Measures: under no id of their own choosing
    shipped = ask(house, insight.count, room="insight", id="orders-reported", year="2025")["measure"]
    house.hall(asker()).record.write([Change("delete", "Measure", shipped)])
    settled(house)
    (added,) = ask(house, insight.add, room="insight")["added"]
    settled(house)
    again = ask(house, insight.list_measures, room="insight")
    assert again["missing"] == [] and added not in {one["id"] for one in again["measures"]}
    assert ask(house, insight.add, room="insight")["added"] == []
    told = ask(house, equity.outreach, asker("nurse", "TREAT", "rs"), dimension="sex", group="male", **REPORTED)
    assert "p3" in {row["patient"] for row in told["rows"]}
