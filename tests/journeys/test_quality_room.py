"""The quality room over a real record: planted faults are found and traced, and thresholds are the site's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from onmaru.adapters.door import Door
from onmaru.adapters.receipt import Source
from onmaru.app import rooms
from onmaru.app.fresh import new_id
from onmaru.app.house import House, Place, now, system
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Purpose, Role, Scope
from onmaru.kernel.record import Change
from onmaru.kernel.room import Request
from onmaru.rooms.quality import commands, owning, routes

BIRTH = "plausibleAfterBirth.condition_occurrence.condition_start_date"


def patient(id: str, born: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "birthDate": born, "gender": "male"}


def condition(id: str, of: str, onset: str) -> dict[str, Any]:
    return {
        "resourceType": "Condition", "id": id, "subject": {"reference": f"Patient/{of}"}, "onsetDateTime": onset,
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}]},
    }  # fmt: skip


FILE = [
    patient("p1", "1960-01-01"),
    patient("p2", "2020-01-01"),
    condition("c1", "p1", "2010-01-01"),
    condition("c2", "p2", "2010-01-01"),
    condition("c3", "p1", "2012-01-01"),
]


HEAD = "MSH|^~\\&|EMR|한빛병원|ONMARU|HOSP|2026030{number}120000+0900||ADT^A08^ADT_A01|C{number}|P|2.5.1||||||UNICODE UTF-8"
MESSAGE = f"{HEAD}\rPID|1||7^^^HOSP^MR||홍^길동||19800101|{{sex}}\rPV1|1|O\r"
SEX = "messageSex.DocumentReference.PID-8"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("quality")
    ours = tuple(rooms.open_room(name) for name in ("omop", "quality"))
    made = House(Place(folder / "home", folder / "keys", folder / "witness"), ours)
    changes = [Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in FILE]
    made.hall(system("main")).record.write(changes)
    door = Door(now, new_id)
    for number, sex in (("1", "M"), ("2", "F"), ("3", "M")):
        message = MESSAGE.format(number=number, sex=sex)
        assert door.take(made.hall(system("main")), message.encode(), Source("mllp", "test")).ack == "AA"
        settled(made)
    made.catch_up("main")
    yield made
    made.close()


def asker(role: Role = "data-manager", purpose: Purpose = "HOPERAT") -> Caller:
    return Caller("main", "kim", frozenset({role}), purpose, (Scope("user", "*", frozenset("cruds")),))


def said(house: House, command: Any, caller: Caller | None = None, **args: str) -> list[dict[str, Any]]:
    lines: list[Any] = []
    command(house.hall(caller or asker(), "quality"), args, lines.append)
    settled(house)
    return lines


def settled(house: House) -> None:
    home = house.seat("main").home
    home.wait(home.tip())


@pytest.fixture(scope="module")
def told(house: House) -> list[dict[str, Any]]:
    """What a whole run says."""
    return said(house, commands.run)


def test_a_planted_fault_is_found_and_leads_to_its_source(house: House, told: list[dict[str, Any]]) -> None:
    *failures, total = told
    birth = next(line for line in failures if line["check"] == BIRTH)
    assert (birth["violated"], birth["total"], birth["outcome"]) == (1, 3, "failed")
    assert total["checks"] == 2605 and total["failed"] == len(failures) > 0 and total["not-applicable"] > 1000
    (row, last) = said(house, commands.rows, check=BIRTH)
    assert (row["source"], row["patient"], row["value"]) == ("Condition/c2", "p2", "2010-01-01")
    assert last["rows"] == 1 and row["message"] is None
    tasks = owning.states(house.hall(asker(), "quality").record)
    assert {task["status"] for task in tasks.values()} == {"requested"} and total["opened"] == len(tasks) == total[
        "failed"
    ]


def test_a_failing_message_is_named_with_its_sender_and_number(house: House) -> None:
    failure, _ = said(house, commands.run, kind="messageSex")
    assert (failure["check"], failure["violated"], failure["total"]) == (SEX, 1, 3)
    row, _ = said(house, commands.rows, check=SEX)
    assert row["message"] == row["source"] and row["source"].startswith("DocumentReference/")
    assert (row["control"], row["sender"], row["kind"], row["sent"][:10]) == ("C2", "한빛병원", "ADT^A08", "2026-03-02")
    days = said(house, commands.senders, check=SEX)[:-1]
    assert [(one["sender"], one["day"], one["violated"], one["total"]) for one in days] == [
        ("한빛병원", f"2026-03-0{day}", wrong, 1) for day, wrong in ((1, 0), (2, 1), (3, 0))
    ]


def test_a_check_of_the_cdm_fares_by_the_sender_of_what_it_came_from(house: House) -> None:
    days = said(house, commands.senders, check="isRequired.person.year_of_birth")[:-1]
    assert {(one["sender"], one["violated"]) for one in days} == {("", 0), ("한빛병원", 0)}
    assert sum(one["total"] for one in days) == 3


def test_what_the_validator_finds_is_told_by_its_place(house: House) -> None:
    said(house, commands.run, kind="resourceValid", table="Condition")
    rows = said(house, commands.rows, check="resourceValid.Condition")
    assert {row["source"] for row in rows[:-1]} <= {"Condition/c1", "Condition/c2", "Condition/c3"}


@pytest.mark.usefixtures("told")
def test_a_threshold_of_the_sites_own_changes_the_verdict_without_another_run(house: House) -> None:
    assert BIRTH in {line.get("check") for line in said(house, commands.report)}
    said(house, commands.threshold, check=BIRTH, percent="50", reason="known and asked of the ward")
    assert BIRTH not in {line.get("check") for line in said(house, commands.report)}
    request = Request("GET", "", {"check": BIRTH}, (), {}, b"")
    answer = msgspec.json.decode(routes.one(request, house.hall(asker(), "quality")).body)  # type: ignore[arg-type]  # bytes here
    assert (
        answer["threshold"]["owner"] == "kim" and len(answer["trend"]) == 1 and answer["task"]["status"] == "completed"
    )
    assert {(run["violated"], run["total"]) for run in answer["trend"]} == {(1, 3)}


@pytest.mark.parametrize(
    ("args", "status"),
    [
        ({"check": "no.such", "percent": "1", "reason": "x"}, 404),
        ({"check": BIRTH, "percent": "many", "reason": "x"}, 400),
        ({"check": BIRTH, "percent": "101", "reason": "x"}, 400),
        ({"check": BIRTH, "percent": "1", "reason": " "}, 400),
    ],
)
def test_a_threshold_needs_a_check_a_percentage_and_a_reason(house: House, args: dict[str, str], status: int) -> None:
    with pytest.raises(Invalid) as refused:
        said(house, commands.threshold, **args)
    assert refused.value.status == status


def test_a_check_of_groups_has_no_single_rows(house: House) -> None:
    with pytest.raises(Invalid) as refused:
        said(house, commands.rows, check="isPrimaryKey.person.person_id")
    assert refused.value.status == 422


def test_whoever_treats_patients_runs_no_checks(house: House) -> None:
    with pytest.raises(Invalid) as refused:
        said(house, commands.run, asker("physician", "TREAT"))
    assert refused.value.status == 403


def test_achilles_characterises_the_cdm_for_data_managers(house: House) -> None:
    row, last = said(house, commands.characterise, analysis="1")
    assert (row["analysis"], row["name"], row["count_value"]) == (1, "Number of persons", 3)
    assert (last["analyses"], last["without tables"]) == (1, [])
    with pytest.raises(Invalid) as refused:
        said(house, commands.characterise, asker("researcher", "HRESCH"), analysis="1")
    assert refused.value.status == 403
    with pytest.raises(Invalid):
        said(house, commands.characterise, analysis="x")
