"""The quality room over a real record: planted faults are found and traced, and thresholds are the site's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from onmaru.app import rooms
from onmaru.app.house import House, Place, system
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Purpose, Role, Scope
from onmaru.kernel.record import Change
from onmaru.kernel.room import Request
from onmaru.rooms.quality import commands, routes

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


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("quality")
    ours = tuple(rooms.open_room(name) for name in ("omop", "quality"))
    made = House(Place(folder / "home", folder / "keys", folder / "witness"), ours)
    changes = [Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in FILE]
    made.seat("main").home.wait(made.hall(system("main")).record.write(changes)[-1].version.t)
    made.catch_up("main")
    yield made
    made.close()


def asker(role: Role = "data-manager", purpose: Purpose = "HOPERAT") -> Caller:
    return Caller("main", "kim", frozenset({role}), purpose, (Scope("user", "*", frozenset("rs")),))


def said(house: House, command: Any, caller: Caller | None = None, **args: str) -> list[dict[str, Any]]:
    lines: list[Any] = []
    command(house.hall(caller or asker(), "quality"), args, lines.append)
    return lines


def test_a_planted_fault_is_found_and_leads_to_its_source(house: House) -> None:
    *failures, total = said(house, commands.run)
    birth = next(line for line in failures if line["check"] == BIRTH)
    assert (birth["violated"], birth["total"], birth["outcome"]) == (1, 3, "failed")
    assert total["checks"] == 2535 and total["failed"] == len(failures) > 0 and total["not-applicable"] > 1000
    (row, last) = said(house, commands.rows, check=BIRTH)
    assert (row["source"], row["patient"], row["value"]) == ("Condition/c2", "p2", "2010-01-01")
    assert last["rows"] == 1


def test_a_threshold_of_the_sites_own_changes_the_verdict_without_another_run(house: House) -> None:
    said(house, commands.run)
    assert BIRTH in {line.get("check") for line in said(house, commands.report)}
    said(house, commands.threshold, check=BIRTH, percent="50", reason="known and asked of the ward")
    assert BIRTH not in {line.get("check") for line in said(house, commands.report)}
    request = Request("GET", "", {"check": BIRTH}, (), {}, b"")
    told = msgspec.json.decode(routes.one(request, house.hall(asker(), "quality")).body)  # type: ignore[arg-type]  # bytes here
    assert told["threshold"]["owner"] == "kim" and len(told["trend"]) >= 2
    assert {(run["violated"], run["total"]) for run in told["trend"]} == {(1, 3)}


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
