"""Merges, moves and changes of numbers (HL7 v2.9 chapter 3.3): each event on resources that stand already."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.v2_hall import House

from onmaru.adapters.receipt import Receipt, Source


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


class Clock:
    """Messages follow each other by a minute."""

    minute = 0


def send(house: House, event: str, *lines: str) -> Receipt:
    Clock.minute += 1
    at = f"20260301{12 + Clock.minute // 60 % 12:02d}{Clock.minute % 60:02d}00"
    head = f"MSH|^~\\&|EMR|HOSP|ONMARU|HOSP|{at}+0900||ADT^{event}|{event}{Clock.minute}|P|2.5.1||||||UNICODE UTF-8"
    receipt = house.door.take(house.hall, "\r".join([head, f"EVN||{at}", *lines]).encode(), Source("mllp", "test"))
    assert receipt.ack == "AA"
    return receipt


def pid(number: str, account: str = "") -> str:
    return f"PID|1||{number}^^^HOSP^MR||홍^길동||19800101|M" + ("|" * 10 + f"{account}^^^HOSP^AN" if account else "")


def pv1(visit: str) -> str:
    return "PV1|1|I|W5^501^1^HOSP" + "|" * 16 + f"{visit}^^^HOSP^VN"


def patient(house: House, number: str) -> dict[str, object]:
    found = house.one("Patient", identifier=number)
    assert isinstance(found, dict)
    return found


def test_a24_links_two_records_and_a37_takes_the_link_away(house: House) -> None:
    send(house, "A04", pid("7"))
    send(house, "A04", pid("8"))
    send(house, "A24", pid("7"), "PV1|1|N", pid("8"))
    one, other = patient(house, "7"), patient(house, "8")
    assert one["link"] == [{"other": {"reference": f"Patient/{other['id']}"}, "type": "seealso"}]
    assert other["link"] == [{"other": {"reference": f"Patient/{one['id']}"}, "type": "seealso"}]
    send(house, "A37", pid("7"), "PV1|1|N", pid("8"))
    assert "link" not in patient(house, "7")
    assert "link" not in patient(house, "8")


def test_a41_leaves_one_account_in_use(house: House) -> None:
    send(house, "A04", pid("7", "K1"))
    send(house, "A04", pid("7", "K2"))
    send(house, "A41", pid("7", "K2"), "MRG|7^^^HOSP^MR||K1^^^HOSP^AN")
    status = {one["identifier"][0]["value"]: one["status"] for one in house.all("Account")}
    assert status == {"K1": "inactive", "K2": "active"}


@pytest.mark.parametrize("event", ["A42", "A50", "A51"])
def test_a_visit_is_found_by_its_new_number_and_keeps_the_old_one(house: House, event: str) -> None:
    send(house, "A01", pid("7"), pv1("V1"))
    id = house.one("Encounter")["id"]
    send(house, event, pid("7"), "MRG|7^^^HOSP^MR||||V1^^^HOSP^VN", pv1("V2"))
    visit = house.one("Encounter", identifier="V2")
    assert visit["id"] == id
    assert {one["value"]: one.get("use") for one in visit["identifier"]} == {"V1": "old", "V2": None}


def test_a44_moves_an_account_to_the_other_patient(house: House) -> None:
    send(house, "A04", pid("7", "K1"))
    send(house, "A04", pid("8"))
    send(house, "A44", pid("8", "K1"), "MRG|7^^^HOSP^MR||K1^^^HOSP^AN")
    assert house.one("Account")["subject"] == [{"reference": f"Patient/{patient(house, '8')['id']}"}]


def test_a45_moves_a_visit_to_the_other_patient(house: House) -> None:
    send(house, "A01", pid("7"), pv1("V1"))
    send(house, "A04", pid("8"))
    send(house, "A45", pid("8"), "MRG|7^^^HOSP^MR||||V1^^^HOSP^VN", pv1("V1"))
    assert house.one("Encounter")["subject"]["reference"] == f"Patient/{patient(house, '8')['id']}"


@pytest.mark.parametrize("event", ["A48", "A49"])
def test_an_account_is_found_by_its_new_number_and_keeps_the_old_one(house: House, event: str) -> None:
    send(house, "A04", pid("7", "K1"))
    id = house.one("Account")["id"]
    send(house, event, pid("7", "K2"), "MRG|7^^^HOSP^MR||K1^^^HOSP^AN")
    account = house.one("Account", identifier="K2")
    assert account["id"] == id
    assert {one["value"]: one.get("use") for one in account["identifier"]} == {"K1": "old", "K2": None}


def test_a43_moves_a_number_to_the_other_patient(house: House) -> None:
    send(house, "A04", pid("7").replace("^MR", "^MR~77^^^LAB^PI"))
    send(house, "A04", pid("8"))
    send(house, "A43", pid("8").replace("^MR", "^MR~77^^^LAB^PI"), "MRG|77^^^LAB^PI")
    source, target = patient(house, "7"), patient(house, "8")
    assert patient(house, "77")["id"] == target["id"]
    assert [one["value"] for one in source["identifier"]] == ["7"]
    assert source["link"] == [{"other": {"reference": f"Patient/{target['id']}"}, "type": "seealso"}]
    assert target["link"] == [{"other": {"reference": f"Patient/{source['id']}"}, "type": "seealso"}]
    assert "active" not in source


def test_a43_of_the_only_number_leaves_one_patient_in_use(house: House) -> None:
    send(house, "A04", pid("7"))
    send(house, "A04", pid("8"))
    send(house, "A43", pid("8").replace("^MR", "^MR~7^^^HOSP^MR"), "MRG|7^^^HOSP^MR")
    target = patient(house, "7")
    assert target["id"] == patient(house, "8")["id"]
    other = house.one("Patient", active="false")
    assert other["link"] == [{"other": {"reference": f"Patient/{target['id']}"}, "type": "replaced-by"}]


def test_a43_twice_changes_nothing_more(house: House) -> None:
    send(house, "A04", pid("7").replace("^MR", "^MR~77^^^LAB^PI"))
    for _ in range(2):
        send(house, "A43", pid("8").replace("^MR", "^MR~77^^^LAB^PI"), "MRG|77^^^LAB^PI")
    assert len(house.all("Patient")) == 2
    assert [one["value"] for one in patient(house, "8")["identifier"]] == ["8", "77"]


def test_a23_marks_a_visit_as_entered_in_error_and_an_update_does_not_open_it(house: House) -> None:
    send(house, "A01", pid("7"), pv1("V1"))
    send(house, "A23", pid("7"), pv1("V1"))
    assert house.one("Encounter")["status"] == "entered-in-error"
    send(house, "A08", pid("7"), pv1("V1"))
    assert house.one("Encounter")["status"] == "entered-in-error"
    assert "active" not in patient(house, "7")


def test_a29_takes_a_person_off_the_register_until_a_new_registration(house: House) -> None:
    send(house, "A28", pid("7"))
    send(house, "A29", pid("7"))
    gone = patient(house, "7")
    assert (gone["active"], gone["name"][0]["family"]) == (False, "홍")
    send(house, "A08", pid("7"))
    assert patient(house, "7")["active"] is False
    send(house, "A28", pid("7"))
    assert patient(house, "7")["active"] is True


def test_a_merged_patient_is_not_put_on_the_register_again(house: House) -> None:
    send(house, "A04", pid("7"))
    send(house, "A04", pid("8"))
    send(house, "A40", pid("7"), "MRG|8^^^HOSP^MR")
    send(house, "A04", pid("8"))
    assert house.one("Patient", active="false")["identifier"][0]["value"] == "8"
