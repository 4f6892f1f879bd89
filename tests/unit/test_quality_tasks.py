"""The Task of a failing check: opened once, closed with its figure, opened again under the same id, for its owner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.v2_hall import House

from onmaru.kernel.record import Change, Record, Written
from onmaru.kernel.room import Hall
from onmaru.rooms.quality import owning
from onmaru.rooms.quality.listing import by_id
from onmaru.rooms.quality.verdicts import Counted, Threshold, Verdict, judged

ID = "resourceFilled.Patient.birthDate"
AT = 1_772_000_000_000_000


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def verdict(violated: int, total: int = 10, owner: str = "kim") -> list[Verdict]:
    return judged(by_id(), [Counted(ID, violated, total)], {ID: Threshold(ID, 20, owner, "r")} if owner else {})


def test_a_failing_check_opens_one_task_for_its_owner(house: House) -> None:
    assert owning.settle(house.hall, verdict(5), AT) == {"opened": 1, "closed": 0}
    head = house.log.head()
    assert owning.settle(house.hall, verdict(6), AT + 1) == {"opened": 0, "closed": 0}
    assert house.log.head() == head
    task = house.one("Task")
    assert task["status"] == "requested" and task["owner"]["identifier"]["value"] == "kim"
    told = {one["type"]["text"]: one.get("valueString", one.get("valueUri")) for one in task["input"]}
    assert told["violated"] == "5" and told["percent"] == "50.0" and told["threshold"] == "20"
    assert told["rows"] == f"rooms/quality/checks/{ID}/rows"


def test_a_check_that_passes_again_closes_its_task_with_the_figure(house: House) -> None:
    owning.settle(house.hall, verdict(5), AT)
    assert owning.settle(house.hall, verdict(1), AT + 1) == {"opened": 0, "closed": 1}
    task = house.one("Task")
    assert task["status"] == "completed" and task["input"][0]["valueString"] == "5"
    assert {one["type"]["text"]: one["valueString"] for one in task["output"]}["percent"] == "10.0"
    assert owning.settle(house.hall, verdict(9), AT + 2) == {"opened": 1, "closed": 0}
    again = house.one("Task")
    assert again["id"] == task["id"] and again["status"] == "requested" and again["input"][0]["valueString"] == "9"
    assert "output" not in again


def test_what_passed_always_and_what_does_not_apply_writes_nothing(house: House) -> None:
    head = house.log.head()
    assert owning.settle(house.hall, [*verdict(0), *verdict(0, total=0)], AT) == {"opened": 0, "closed": 0}
    assert house.log.head() == head


def test_what_does_not_apply_keeps_the_task_that_it_has(house: House) -> None:
    owning.settle(house.hall, verdict(5), AT)
    owning.settle(house.hall, verdict(0, total=0), AT)
    assert house.one("Task")["status"] == "requested"


def test_another_owner_takes_the_task_over_and_the_rooms_owner_has_what_is_nobodys(house: House) -> None:
    owning.settle(house.hall, verdict(5), AT)
    assert owning.settle(house.hall, verdict(5, owner="lee"), AT) == {"opened": 0, "closed": 0}
    assert house.one("Task")["owner"]["identifier"]["value"] == "lee"
    hall = Hall(
        house.hall.caller, house.hall.record, house.hall.lake, house.hall.blobs, house.hall.jobs, {"owner": "park"}
    )
    owning.settle(hall, verdict(5, owner=""), AT)
    assert house.one("Task")["owner"]["identifier"]["value"] == "park"


class Overtaken:
    """A record in which another run settles just before the first write of this one."""

    def __init__(self, house: House) -> None:
        self._record: Record = house.hall.record
        self._first = lambda: owning.settle(house.hall, verdict(5), AT)
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)

    def write(self, changes: list[Change]) -> Any | list[Written]:
        self.writes += 1
        if self.writes == 1:
            self._first()
        return self._record.write(changes)


def test_two_runs_at_once_open_one_task(house: House) -> None:
    record = Overtaken(house)
    hall = Hall(house.hall.caller, record, house.hall.lake, house.hall.blobs, house.hall.jobs, {})  # type: ignore[arg-type]  # a Record in a coat
    assert owning.settle(hall, verdict(5), AT) == {"opened": 0, "closed": 0}
    assert house.one("Task")["meta"]["versionId"] == "1" and record.writes == 1
