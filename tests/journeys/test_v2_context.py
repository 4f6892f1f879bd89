"""A head (patient and visit) said again word for word is spared its conversion; what is written is the same all the same."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from tests.v2_hall import House

from onmaru.adapters.receipt import Source
from onmaru.simulate.hospital import hospital
from onmaru.simulate.settings import Settings

VISIT = "PV1|1|I|W5^501^1^HOSP||||77^김^의사^^^^^^HOSP" + "|" * 12 + "V1^^^HOSP^VN"
HEAD = ["PID|1||7^^^HOSP^MR||홍^길동||19800101|M", VISIT]


def send(house: House, number: int, kind: str, *lines: str) -> None:
    at = f"20260301{12 + number // 60:02d}{number % 60:02d}00"
    head = f"MSH|^~\\&|EMR|HOSP|O|H|{at}+0900||{kind}|{number}|P|2.5.1||||||UNICODE UTF-8"
    receipt = house.door.take(house.hall, "\r".join([head, *lines]).encode(), Source("mllp", "test"))
    assert receipt.ack == "AA"


def result(number: int, *more: str) -> list[str]:
    order = f"OBR|1|P{number}^EMR|F{number}^LAB|24323-8^CMP^LN|||20260301100000" + "|" * 9 + "77^김^의사^^^^^^HOSP"
    return [order, f"OBX|1|NM|2345-7^Glucose^LN||{number}|mg/dL|||||F", *more]


def test_a_repeated_head_is_recalled_and_its_resources_are_named_as_before(tmp_path: Path) -> None:
    house = House(tmp_path)
    contexts = house.door._intake.recent.contexts
    recalled = []
    get = contexts.get
    contexts.get = lambda key: recalled.append(get(key)) or recalled[-1]  # type: ignore[func-returns-value,method-assign]
    for number in range(4):
        send(house, number, "ORU^R01", *HEAD, *result(number))
    assert recalled[-1] is not None
    patient, visit = house.one("Patient"), house.one("Encounter")
    assert {one["subject"]["reference"] for one in house.all("Observation")} == {f"Patient/{patient['id']}"}
    assert {one["encounter"]["reference"] for one in house.all("Observation")} == {f"Encounter/{visit['id']}"}
    assert len(house.all("Provenance", target=f"Patient/{patient['id']}")) == 4


@pytest.mark.parametrize(
    "between",
    [
        ("ADT^A08", [HEAD[0].replace("길동", "길순"), HEAD[1]]),
        ("ADT^A40", ["PID|1||8^^^HOSP^MR||홍^길동", "MRG|7^^^HOSP^MR"]),
        ("ADT^A03", HEAD),
        ("ORU^R01", [*HEAD, "DG1|1||I10^Hypertension^I10", *result(90)]),
        ("ORU^R01", [*HEAD, *result(91, "NTE|1||x")]),
        ("ORU^R01", [HEAD[0].replace("|M", "|F"), HEAD[1], *result(92)]),
    ],
)
def test_a_recalled_head_writes_what_the_whole_message_writes(tmp_path: Path, between: tuple[str, list[str]]) -> None:
    written = []
    for name in ("recalling", "forgetting"):
        house = House(tmp_path / name)
        for number in range(6):
            if name == "forgetting":
                house.door._intake.recent.contexts.forget()
            kind, lines = between if number == 3 else ("ORU^R01", [*HEAD, *result(number)])
            send(house, number, kind, *lines)
        written.append([version.body for version in house.log.read(0, 1000)])
    assert written[0] == written[1]


def test_a_simulated_hospital_writes_the_same_with_and_without_recall(tmp_path: Path) -> None:
    events = (event.payload for event in hospital(3, 2, settings=Settings()) if event.channel == "hl7v2")
    messages = list(islice(events, 60))
    written = []
    for name in ("recalling", "forgetting"):
        house = House(tmp_path / name)
        for message in messages:
            if name == "forgetting":
                house.door._intake.recent.contexts.forget()
            house.door.take(house.hall, message, Source("mllp", "test"))
        written.append([version.body for version in house.log.read(0, 10_000) if version.type != "Task"])
    assert written[0] == written[1]
