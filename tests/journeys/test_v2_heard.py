"""A message that was heard beforehand writes what it writes when it is read on the spot, and is answered alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import count, islice
from pathlib import Path

import msgspec
import pytest
from tests.v2_hall import VISIT, House, pid

from onmaru.adapters.hl7v2 import er7
from onmaru.adapters.hl7v2.heard import Heard
from onmaru.adapters.hl7v2.hearing import Hearing
from onmaru.adapters.receipt import Receipt, Source
from onmaru.kernel.record import Change
from onmaru.simulate.hospital import hospital
from onmaru.simulate.settings import Settings

UUID = "0190aaaa-0000-7000-8000-{:012d}"
OTHER = "0190bbbb-0000-7000-8000-{:012d}"
SOURCE = Source("mllp", "test", "hl7v2")
# What UUID and OTHER make: one look at a text, however many ids there are
ID = re.compile(r"0190(?:aaaa|bbbb)-0000-7000-8000-\d{12}")
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Heard).decode


class Ears:
    """Hears as another process would: what it says comes through MessagePack."""

    def __init__(self) -> None:
        numbers = count(1)
        self._hearing = Hearing(lambda: OTHER.format(next(numbers)))
        self.heard = 0

    def hear(self, data: bytes) -> Heard | None:
        heard = self._hearing.hear(data, "+09:00")
        self.heard += heard is not None
        return None if heard is None else _decode(_encode(heard))


def message(number: int, kind: str, *lines: str) -> bytes:
    at = f"20260301{12 + number // 60:02d}{number % 60:02d}00"
    head = f"MSH|^~\\&|EMR|HOSP|O|H|{at}+0900||{kind}|{number}|P|2.5.1||||||UNICODE UTF-8"
    return "\r".join([head, *lines]).encode()


def result(number: int, *more: str) -> list[str]:
    order = f"OBR|1|P{number}^EMR|F{number}^LAB|24323-8^CMP^LN|||20260301100000" + "|" * 9 + "77^김^의사^^^^^^HOSP"
    return [order, f"OBX|1|NM|2345-7^Glucose^LN||{number}.50|mg/dL|||||F", *more]


def said(house: House, receipts: Sequence[Receipt]) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Everything written and answered, with ids by the order in which they were written, and without the clock."""
    versions = house.log.read(0, 100_000)
    names: dict[str, str] = {}
    for version in versions:
        names.setdefault(version.id, f"#{len(names)}")

    def plain(text: str) -> str:
        return re.sub(r'"lastUpdated":"[^"]*"', "", ID.sub(lambda m: names.get(m[0], m[0]), text))

    wrote: list[tuple[object, ...]] = []
    for v in versions:
        # A dead letter says when it was buried
        what = () if v.type == "Task" else (plain((v.body or b"").decode()), plain(repr(house.log.keys(v))))
        wrote.append((v.type, names[v.id], v.version, v.op, *what))
    answered: list[tuple[object, ...]] = [
        (
            plain(repr(msgspec.structs.replace(one, reply=b"", letters=[]))),
            re.sub(rb"(?<=\|)20\d{12}\+0900(?=\|)", b"", one.reply),
        )
        for one in receipts
    ]
    return wrote, answered


def both(folder: Path, messages: Sequence[bytes]) -> Ears:
    """Take the messages on the spot and heard beforehand; give what heard them."""
    plain, ready, ears = House(folder / "plain", UUID), House(folder / "ready", UUID), Ears()
    spot = [plain.door.take(plain.hall, one, SOURCE) for one in messages]
    ahead = [ready.door.hear(ready.hall, one, SOURCE, ears.hear(one)) for one in messages]
    for one, other in zip(said(plain, spot), said(ready, ahead), strict=True):
        assert one == other
    return ears


def test_a_simulated_hospital_with_all_its_faults_writes_the_same(tmp_path: Path) -> None:
    events = (event.payload for event in hospital(3, 3, settings=Settings()) if event.channel == "hl7v2")
    messages = list(islice(events, 150))
    assert both(tmp_path, messages).heard > 100


@pytest.mark.parametrize("folder", ["ms-fhir-converter", "rethinkhealth"])
def test_public_messages_write_the_same(tmp_path: Path, shared_data: Callable[[str], Path], folder: str) -> None:
    files = sorted((shared_data("hl7v2") / folder).glob("*.hl7"))
    messages = [piece for file in files for piece in er7.split(file.read_bytes())]
    assert both(tmp_path, [*messages, *messages[::3]]).heard > 10


@pytest.mark.parametrize(
    "between",
    [
        message(3, "ADT^A08", pid(name="홍^길순"), VISIT),
        message(3, "ADT^A40", "PID|1||8^^^HOSP^MR||홍^길동", "MRG|7^^^HOSP^MR"),
        message(3, "ADT^A43", "PID|1||9^^^HOSP^MR~7^^^HOSP^MR", "MRG|7^^^HOSP^MR"),
        message(3, "ADT^A29", pid()),
        message(3, "ADT^A03", pid(), VISIT),
        message(1, "ORU^R01", pid(), VISIT, *result(1)),
        message(2, "ORU^R01", pid(), VISIT, *result(20)),
        message(3, "ORU^R01", pid(), pid("8"), VISIT, *result(3)),
        message(3, "ORU^R01", pid(), VISIT, *result(3), *result(3), *result(2)),
        message(3, "ORU^R01", pid(rest="|19991399|M"), VISIT, *result(3)),
        message(3, "QRY^A19", "QRD|x"),
        message(3, "ORU^R01", *result(3)),
        b"nothing of the kind",
    ],
)
def test_what_comes_between_is_no_different(tmp_path: Path, between: bytes) -> None:
    around = [message(number, "ORU^R01", pid(), VISIT, *result(number)) for number in range(3)]
    after = [message(4, "ADT^A04", pid(), VISIT), message(5, "ORU^R01", pid("8"), VISIT, *result(1))]
    both(tmp_path, [*around, between, *after, *around[:1]])


def test_a_patient_whose_id_is_not_ours_is_found(tmp_path: Path) -> None:
    houses = House(tmp_path / "plain", UUID), House(tmp_path / "ready", UUID)
    one = message(1, "ORU^R01", pid(), VISIT, *result(1))
    for house, heard in zip(houses, (None, Ears().hear(one)), strict=True):
        house.door.take(house.hall, message(0, "ADT^A04", pid()), SOURCE)
        known = house.one("Patient")
        body = msgspec.json.encode({"resourceType": "Patient", "id": "short", "identifier": known["identifier"]})
        house.hall.record.write([Change("delete", "Patient", known["id"])])
        house.door.forget()
        house.hall.record.write([Change("update", "Patient", "short", body)])
        assert house.door.hear(house.hall, one, SOURCE, heard).ack == "AA"
        assert house.one("Observation")["subject"]["reference"] == "Patient/short"


def test_what_another_made_meanwhile_is_not_made_twice(tmp_path: Path) -> None:
    house, ears = House(tmp_path, UUID), Ears()
    first = message(1, "ORU^R01", pid(), VISIT, *result(1))
    heard = ears.hear(first)
    assert heard is not None
    find, others = house.log.find, []

    def late(*asked: object) -> object:
        """The patient is made by somebody else between the door's search and its write."""
        found = find(*asked)  # type: ignore[arg-type]
        if not others and asked[0].types == ("Patient",):  # type: ignore[attr-defined]
            others.append(True)
            number = next(one for one in heard.resources if one.type == "Patient").numbers[0]
            body = {"resourceType": "Patient", "identifier": [{"system": number[0], "value": number[1]}]}
            house.hall.record.write([Change("create", "Patient", body=msgspec.json.encode(body))])
        return found

    house.log.find = late  # type: ignore[assignment,method-assign]
    receipt = house.door.hear(house.hall, first, SOURCE, heard)
    assert receipt.ack == "AA" and others
    patient = house.one("Patient")
    assert house.one("Observation")["subject"]["reference"] == f"Patient/{patient['id']}"


def test_a_number_that_two_patients_bear_is_refused_in_its_own_words(tmp_path: Path) -> None:
    one = message(1, "ORU^R01", pid(), VISIT, *result(1))
    for house, heard in ((House(tmp_path / "plain", UUID), None), (House(tmp_path / "ready", UUID), Ears().hear(one))):
        house.door.take(house.hall, message(0, "ADT^A04", pid()), SOURCE)
        body = {"resourceType": "Patient", "id": "twin", "identifier": house.one("Patient")["identifier"]}
        house.hall.record.write([Change("update", "Patient", "twin", msgspec.json.encode(body))])
        house.door.forget()
        receipt = house.door.hear(house.hall, one, SOURCE, heard)
        assert (receipt.ack, receipt.reason) == ("AE", "the identifier belongs to more than one patient")
