"""v2 messages through the door: snapshots, late and repeated messages, merges, corrections, dead letters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.v2_hall import VISIT, House, pid, send

from onmaru.adapters.hl7v2 import er7
from onmaru.adapters.receipt import Source
from onmaru.kernel.record import Change


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_an_admission_makes_patient_visit_bed_and_provenance(house: House) -> None:
    assert send(house, "ADT^A01", pid(), VISIT).ack == "AA"
    patient, visit = house.one("Patient"), house.one("Encounter")
    assert patient["name"] == [{"family": "홍", "given": ["길동"]}]
    assert (patient["gender"], patient["birthDate"]) == ("male", "1980-01-01")
    assert visit["subject"]["reference"] == f"Patient/{patient['id']}"
    assert (visit["status"], visit["class"]["code"]) == ("in-progress", "IMP")
    assert visit["period"]["start"] == "2026-03-01T11:00:00+09:00"
    beds = {one["physicalType"]["coding"][0]["code"]: one["name"] for one in house.all("Location")}
    assert beds == {"si": "HOSP", "wa": "W5", "ro": "501", "bd": "1"}
    source = house.one("Provenance", target=f"Encounter/{visit['id']}")
    document = house.one("DocumentReference")
    assert source["entity"][0]["what"]["reference"] == f"DocumentReference/{document['id']}"
    assert source["recorded"] == "2026-03-01T12:00:00+09:00"


def test_the_same_bytes_twice_change_nothing(house: House) -> None:
    send(house, "ADT^A01", pid(), VISIT)
    head = house.log.head()
    again = send(house, "ADT^A01", pid(), VISIT)
    assert (again.ack, again.duplicate, house.log.head()) == ("AA", True, head)


def test_the_same_control_id_with_other_bytes_is_taken_and_noted(house: House) -> None:
    send(house, "ADT^A01", pid(), control="C1")
    assert send(house, "ADT^A08", pid(name="홍^길순"), control="C1").ack == "AA"
    notes = [one["extension"] for one in house.all("DocumentReference") if "extension" in one]
    assert len(notes) == 1
    assert "control id" in notes[0][0]["valueString"]


def test_present_replaces_absent_keeps_and_null_deletes(house: House) -> None:
    send(house, "ADT^A01", pid(rest="|19800101|M|||서울로 1^^서울^^04501||02-1-1"))
    send(house, "ADT^A08", pid(name="홍^길순", rest='|19800101||||""'), at="20260301130000")
    patient = house.one("Patient")
    assert patient["name"][0]["given"] == ["길순"]
    assert patient["gender"] == "male"
    assert "address" not in patient
    assert patient["telecom"][0]["value"] == "02-1-1"


def test_a_late_message_does_not_overwrite_what_was_said_after_it(house: House) -> None:
    send(house, "ADT^A01", pid(), at="20260301100000")
    send(house, "ADT^A08", pid(name="홍^새이름", rest='|19800101|""'), at="20260301120000")
    send(house, "ADT^A08", pid(name="홍^옛이름", rest="|19800101|F|||부산로 1^^부산"), at="20260301110000")
    patient = house.one("Patient")
    assert patient["name"][0]["given"] == ["새이름"]
    assert "gender" not in patient
    assert patient["address"][0]["city"] == "부산"


def test_a_transfer_keeps_the_bed_that_was_left(house: House) -> None:
    send(house, "ADT^A01", pid(), VISIT, at="20260301120000")
    send(house, "ADT^A02", pid(), VISIT.replace("W5^501^1", "W7^701^2"), at="20260302120000")
    places = house.one("Encounter")["location"]
    assert [(one["location"]["display"], one["status"]) for one in places] == [("2", "active"), ("1", "completed")]
    assert places[1]["period"]["end"] == "2026-03-02T12:00:00+09:00"


def test_a_visit_that_ended_is_not_opened_by_an_update(house: House) -> None:
    send(house, "ADT^A01", pid(), VISIT, at="20260301120000")
    send(house, "ADT^A03", pid(), VISIT, at="20260302120000")
    send(house, "ADT^A08", pid(), VISIT, at="20260303120000")
    assert house.one("Encounter")["status"] == "finished"
    send(house, "ADT^A13", pid(), VISIT, at="20260304120000")
    assert house.one("Encounter")["status"] == "in-progress"


def test_a_merge_links_both_records_and_later_messages_reach_the_survivor(house: House) -> None:
    send(house, "ADT^A04", pid("7"), at="20260301120000")
    send(house, "ADT^A04", pid("8"), at="20260301120001")
    assert send(house, "ADT^A40", pid("7"), "MRG|8^^^HOSP^MR", at="20260301130000").ack == "AA"
    by_number = {one["identifier"][0]["value"]: one for one in house.all("Patient")}
    old, survivor = by_number["8"], by_number["7"]
    assert old["active"] is False
    assert old["link"] == [{"other": {"reference": f"Patient/{survivor['id']}"}, "type": "replaced-by"}]
    assert survivor["link"] == [{"other": {"reference": f"Patient/{old['id']}"}, "type": "replaces"}]
    send(house, "ADT^A08", pid("8", "홍^합쳐짐"), at="20260301140000")
    assert len(house.all("Patient")) == 2
    assert house.one("Patient", _id=survivor["id"])["name"][0]["given"] == ["합쳐짐"]


def test_a_change_of_number_keeps_the_patient(house: House) -> None:
    send(house, "ADT^A04", pid("7"), at="20260301120000")
    send(house, "ADT^A47", pid("9"), "MRG|7^^^HOSP^MR", at="20260301130000")
    numbers = {one["value"]: one.get("use") for one in house.one("Patient")["identifier"]}
    assert numbers == {"7": "old", "9": None}


def test_a_swap_of_beds_moves_both_visits(house: House) -> None:
    visit = "PV1|1|I|W5^501^{bed}" + "|" * 16 + "V{n}^^^HOSP^VN"
    send(house, "ADT^A01", pid("7"), visit.format(bed=1, n=1), at="20260301120000")
    send(house, "ADT^A01", pid("8"), visit.format(bed=2, n=2), at="20260301120001")
    lines = [pid("7"), visit.format(bed=2, n=1), pid("8"), visit.format(bed=1, n=2)]
    assert send(house, "ADT^A17", *lines, at="20260301130000").ack == "AA"
    beds = {
        one["identifier"][0]["value"]: next(
            p["location"]["display"] for p in one["location"] if p["status"] == "active"
        )
        for one in house.all("Encounter")
    }
    assert beds == {"V1": "2", "V2": "1"}


ORDER = "OBR|1|P1^EMR|F1^LAB|24323-8^CMP^LN|||20260301100000||||||||||||||||||{status}"


def test_results_carry_value_unit_range_flag_and_time(house: House) -> None:
    obx = "OBX|1|NM|2345-7^Glucose^LN||72.50|mg/dL^^UCUM|70-99|N|||F|||20260301101500"
    send(house, "ORU^R01", pid(), ORDER.format(status="F"), obx)
    result, report = house.one("Observation"), house.one("DiagnosticReport")
    assert result["valueQuantity"] == {
        "value": 72.50,
        "unit": "mg/dL",
        "system": "http://unitsofmeasure.org",
        "code": "mg/dL",
    }
    assert result["referenceRange"][0]["low"]["value"] == 70
    assert result["interpretation"][0]["coding"][0]["code"] == "N"
    assert result["effectiveDateTime"] == "2026-03-01T10:15:00+09:00"
    assert report["result"][0]["reference"] == f"Observation/{result['id']}"


def test_a_correction_updates_the_result_and_an_older_one_does_not(house: House) -> None:
    obx = "OBX|1|NM|2345-7^Glucose^LN||{}|mg/dL|||||{}"
    send(house, "ORU^R01", pid(), ORDER.format(status="F"), obx.format(72, "F"), at="20260301120000")
    send(house, "ORU^R01", pid(), ORDER.format(status="C"), obx.format(75, "C"), at="20260301140000")
    send(house, "ORU^R01", pid(), ORDER.format(status="P"), obx.format(70, "P"), at="20260301110000")
    result = house.one("Observation")
    assert (result["valueQuantity"]["value"], result["status"]) == (75, "corrected")
    assert house.one("DiagnosticReport")["status"] == "corrected"


def test_a_pharmacy_order_is_one_request_with_drug_dose_route_and_times(house: House) -> None:
    lines = [
        "ORC|NW|P9^EMR|F9^PHA",
        "TQ1|1||BID",
        "RXO|123^타이레놀정^KD|500||mg^^UCUM",
        "RXR|PO",
        "RXE||123^타이레놀정 500mg^KD|500||mg^^UCUM",
        "TQ1|1||BID||||20260301080000|20260304080000",
        "RXR|PO",
    ]
    assert send(house, "RDE^O11", pid(), *lines).ack == "AA"
    by_intent = {one["intent"]: one for one in house.all("MedicationRequest")}
    assert sorted(by_intent) == ["filler-order", "original-order"]
    coded = by_intent["filler-order"]
    assert coded["medicationCodeableConcept"]["coding"][0]["display"] == "타이레놀정 500mg"
    dosage = coded["dosageInstruction"][0]
    assert dosage["doseAndRate"][0]["doseQuantity"] == {
        "value": 500,
        "unit": "mg",
        "system": "http://unitsofmeasure.org",
        "code": "mg",
    }
    assert dosage["timing"]["repeat"]["boundsPeriod"]["start"] == "2026-03-01T08:00:00+09:00"
    assert dosage["route"]["coding"][0]["code"]
    assert coded["basedOn"][0]["reference"] == f"MedicationRequest/{by_intent['original-order']['id']}"


def test_two_facilities_with_the_same_number_have_two_patients(house: House) -> None:
    send(house, "ADT^A04", "PID|1||7^^^A^MR||김^하나", at="20260301120000")
    send(house, "ADT^A04", "PID|1||7^^^B^MR||이^둘", at="20260301120001")
    assert len(house.all("Patient")) == 2


def test_a_pid_without_identifier_never_makes_a_patient(house: House) -> None:
    receipt = send(house, "ADT^A01", "PID|1||||홍^길동", VISIT)
    assert (receipt.ack, receipt.code, receipt.location, receipt.dead) == ("AE", "101", "PID^1^3", 1)
    assert b"ERR||PID^1^3|101^^HL70357|E" in receipt.reply
    assert house.all("Patient") == []


def test_a_dead_letter_can_be_seen_mended_and_replayed(house: House) -> None:
    receipt = send(house, "ADT^A01", "PID|1||||홍^길동", VISIT)
    letters = house.door.letters
    page = letters.page(house.hall)
    assert page["total"] == 1
    id = page["items"][0]["id"]
    assert id == receipt.letters[0]
    text = letters.one(house.hall, id)["text"]
    assert "홍^길동" in text
    assert letters.replay(house.hall, id)["state"] == "open"
    letters.mend(house.hall, id, text.replace("PID|1||||", "PID|1||7^^^HOSP^MR||"))
    assert letters.replay(house.hall, id) == {"state": "replayed", "reason": ""}
    assert house.one("Patient")["name"][0]["family"] == "홍"
    assert letters.page(house.hall)["total"] == 0
    assert letters.page(house.hall, "replayed")["total"] == 1


@pytest.mark.parametrize(
    ("declared", "codec"), [("KS X 1001", "cp949"), ("EUC-KR", "euc-kr"), ("UNICODE UTF-8", "utf-8")]
)
def test_a_mended_letter_keeps_the_character_set_of_its_message(house: House, declared: str, codec: str) -> None:
    head = f"MSH|^~\\&|EMR|HOSP|O|H|20260301120000+0900||ADT^A04|9|P|2.5.1||||||{declared}"
    data = f"{head}\rPID|1||||미음^히읗".encode(codec)
    id = house.door.take(house.hall, data, Source("file", "test")).letters[0]
    text = str(house.door.letters.one(house.hall, id)["text"])
    house.door.letters.mend(house.hall, id, text.replace("PID|1||||", "PID|1||7^^^HOSP^MR||"))
    assert house.door.letters.replay(house.hall, id)["state"] == "replayed"
    assert house.one("Patient")["name"][0] == {"family": "미음", "given": ["히읗"]}


def test_an_identifier_of_two_patients_is_left_to_a_person(house: House) -> None:
    for number in ("7", "8"):
        house.hall.record.write([Change("create", "Patient", body=patient(number, shared="55"))])
    receipt = send(house, "ADT^A08", "PID|1||55^^^PLAN^MR||홍^길동")
    assert (receipt.ack, receipt.code, receipt.dead) == ("AE", "204", 1)


def patient(number: str, shared: str) -> bytes:
    numbers = [{"system": "urn:onmaru:id:HOSP", "value": number}, {"system": "urn:onmaru:id:PLAN", "value": shared}]
    return msgspec.json.encode({"resourceType": "Patient", "identifier": numbers})


@pytest.mark.slow
def test_the_corpus_is_answered_as_its_folders_say(house: House, shared_data: Callable[[str], Path]) -> None:
    answers: dict[str, list[str]] = {}
    for file in sorted(shared_data("hl7v2").glob("*/*.hl7")):
        for piece in er7.split(file.read_bytes()):
            receipt = house.door.take(house.hall, piece, Source("file", file.name, "hl7v2"))
            answers.setdefault(receipt.ack, []).append(file.name)
            head = house.log.head()
            if receipt.ack == "AA":
                assert house.door.take(house.hall, piece, Source("file", file.name)).duplicate
                assert house.log.head() == head
    assert answers["AE"] == ["edge-empty-segments.hl7", "invalid-segment-header-length.hl7"]
    assert answers["AR"] == ["invalid-missing-msh.hl7", "invalid-wrong-version.hl7"]
    assert len(answers["AA"]) == 78 + 17


def test_a_message_cut_off_after_its_header_is_refused_and_kept(house: House) -> None:
    receipt = send(house, "ADT^A01")
    assert (receipt.ack, receipt.code, receipt.dead) == ("AE", "100", 1)
    assert house.all("DocumentReference") == []
    assert send(house, "ADT^A01", pid()).ack == "AA"


def test_an_appointment_has_the_patient_whose_pid_stands_behind_its_schedule(house: House) -> None:
    slot = "SCH|AP1^HOSP|F1^HOSP|||||||15|min^^UCUM|^^^20260310140000^20260310141500"
    assert send(house, "SIU^S12", slot, pid(), "RGS|1|A").ack == "AA"
    actors = [one["actor"]["reference"] for one in house.one("Appointment")["participant"] if "actor" in one]
    assert f"Patient/{house.one('Patient')['id']}" in actors


def test_two_numbers_of_one_hospital_stay_two_patients_until_a_merge(house: House) -> None:
    both = [
        pid().replace("^^^HOSP^MR", "^^^HOSP^MR~800101-S1^^^NAT^NI"),
        pid("8").replace("^MR", "^MR~800101-S1^^^NAT^NI"),
    ]
    send(house, "ADT^A04", both[0], at="20260301120000")
    send(house, "ADT^A40", both[1], "MRG|7^^^HOSP^MR", at="20260301130000")
    by_number = {one["identifier"][0]["value"]: one for one in house.all("Patient")}
    assert sorted(by_number) == ["7", "8"]
    assert by_number["7"]["link"][0]["other"]["reference"] == f"Patient/{by_number['8']['id']}"


def test_an_encoded_order_sent_again_in_other_bytes_is_the_same_order(house: House) -> None:
    lines = ["ORC|NW|P9^EMR", "RXO|123^타이레놀정^KD|500||mg^^UCUM", "RXE||123^타이레놀정^KD|500||mg^^UCUM", "RXR|PO"]
    send(house, "RDE^O11", pid(), *lines, control="A")
    send(house, "RDE^O11", pid(), *lines, control="B")
    assert sorted(one["intent"] for one in house.all("MedicationRequest")) == ["filler-order", "original-order"]


def test_a_dead_letter_tells_its_reason_in_the_language_that_is_asked(house: House) -> None:
    send(house, "ADT^A01", "PID|1||||홍^길동||19800101|M")
    korean = house.door.letters.page(house.hall)["items"][0]
    english = house.door.letters.page(msgspec.structs.replace(house.hall, language="en"))["items"][0]
    assert (korean["reason"], english["reason"]) == ("PID에 환자 번호가 없습니다", "PID has no patient identifier")
    assert korean["problems"] == [{"code": "pid-without-number", "params": {}, "where": ""}]
    assert korean["where"] == "PID^1^3"
