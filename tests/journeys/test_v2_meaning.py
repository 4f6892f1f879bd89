"""What a v2 message needs, what is warned of, and fields that reach FHIR though no message table places them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.v2_hall import VISIT, House, pid, send


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


ORDER = "OBR|1|P1^EMR|F1^LAB|24323-8^CMP^LN|||20260301100000||||||||||||||||||{status}"


@pytest.mark.parametrize(
    ("event", "lines", "place"),
    [
        ("ADT^A01", [VISIT], "PID^1"),
        ("ADT^A08", ["NK1|1|김^영희"], "PID^1"),
        ("ADT^A40", [pid()], "MRG^1"),
        ("ADT^A23", [pid()], "PV1^1"),
        ("ADT^A24", [pid()], "PID^2"),
        ("ORU^R01", [ORDER.format(status="F"), "OBX|1|NM|2345-7^Glucose^LN||72|mg/dL|||||F"], "PID^1"),
    ],
)
def test_a_message_without_the_segment_it_needs_is_refused_and_kept(
    house: House, event: str, lines: list[str], place: str
) -> None:
    receipt = send(house, event, *lines)
    assert (receipt.ack, receipt.code, receipt.location, receipt.dead) == ("AE", "100", place, 1)
    assert f"\rERR||{place}|100^^HL70357|E|".encode() in receipt.reply
    assert house.all("DocumentReference") == []


def test_the_status_of_a_bed_needs_no_patient(house: House) -> None:
    assert send(house, "ADT^A20", "NPU|W5^501^1|C").ack == "AA"


def test_a_move_of_a_number_needs_to_say_where_to(house: House) -> None:
    receipt = send(house, "ADT^A43", pid(), "MRG|7^^^HOSP^MR")
    assert (receipt.ack, receipt.code, receipt.location) == ("AE", "204", "PID^1^3")


def test_a_referral_that_stands_before_its_patient_is_the_patients(house: House) -> None:
    assert send(house, "REF^I12", "RF1|A|R|GF|||R1^CLINIC|20260301", pid()).ack == "AA"
    request = house.one("ServiceRequest")
    assert request["subject"]["reference"] == f"Patient/{house.one('Patient')['id']}"


def test_an_impossible_date_is_warned_of_and_kept_as_it_came(house: House) -> None:
    send(house, "ADT^A04", pid(), at="20260301120000")
    receipt = send(house, "ADT^A08", pid(rest="|19991399|M"), at="20260301130000")
    assert (receipt.ack, receipt.warnings) == ("AA", ["PID^1^7"])
    assert b"\rERR||PID^1^7|102^^HL70357|W|" in receipt.reply
    patient = house.one("Patient")
    assert patient["birthDate"] == "1980-01-01"
    kept = next(one for one in patient["extension"] if one["url"] == "urn:onmaru:v2:PID")
    assert kept["extension"] == [{"url": "7", "valueString": "19991399"}]
    notes = [one["extension"][0]["valueString"] for one in house.all("DocumentReference") if "extension" in one]
    assert notes == ["PID^1^7: not a possible time; kept as it came"]


@pytest.mark.parametrize("time", ["20260230", "2026030125", "202603011260", "20260301120000+1500", "3 March", "어제"])
def test_no_impossible_time_becomes_a_time(house: House, time: str) -> None:
    obx = f"OBX|1|DTM|3146-8^Menstruation^LN||{time}||||||F|||{time}"
    receipt = send(house, "ORU^R01", pid(), ORDER.format(status="F"), obx)
    assert (receipt.ack, receipt.warnings) == ("AA", ["OBX^1^14", "OBX^1^5"])
    result = house.one("Observation")
    assert result["valueString"] == time
    assert "effectiveDateTime" not in result


def test_a_comment_behind_a_result_is_the_results_note(house: House) -> None:
    lines = ["ORC|NW|P1^EMR", "RXO|1^약^KD|1||mg", "OBX|1|ST|8302-2^Height^LN||170||||||F", "NTE|1||키는 본인 진술"]
    assert send(house, "ORM^O01", pid(), *lines).ack == "AA"
    assert house.one("Observation")["note"] == [{"text": "키는 본인 진술"}]


def test_a_comment_on_a_report_is_its_note_as_r4_can_say_it(house: House) -> None:
    assert send(house, "ORU^R01", pid(), ORDER.format(status="F"), "NTE|1||배양 중").ack == "AA"
    url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note"
    kept = [one for one in house.one("DiagnosticReport")["extension"] if one["url"] == url]
    assert kept == [{"url": url, "valueAnnotation": {"text": "배양 중"}}]


@pytest.mark.parametrize(
    ("said", "verification", "clinical"),
    [
        ("C^Confirmed", "confirmed", "active"),
        ("I", "confirmed", "inactive"),
        ("U", "unconfirmed", "active"),
        ("E", "entered-in-error", ""),
    ],
)
def test_an_allergy_says_whether_it_is_confirmed(house: House, said: str, verification: str, clinical: str) -> None:
    iam = f"IAM|1|DA|7980^Penicillin^RX|SV|발진|A|A1^HOSP||AL||||||||{said}"
    assert send(house, "ADT^A60", pid(), iam).ack == "AA"
    allergy = house.one("AllergyIntolerance")
    assert allergy["type"] == "allergy"
    assert allergy["verificationStatus"]["coding"][0]["code"] == verification
    assert allergy.get("clinicalStatus", {}).get("coding", [{"code": ""}])[0]["code"] == clinical


def test_a_duration_in_seconds_or_hours_is_minutes(house: House) -> None:
    for number, (amount, unit, minutes) in enumerate([("90", "s", None), ("120", "s", 2), ("1.5", "h", 90)]):
        slot = f"SCH|AP{number}^HOSP|F{number}^HOSP|||||||{amount}|{unit}^^UCUM|^^^2026031014{number}000"
        assert send(house, "SIU^S12", slot, pid(), "RGS|1|A", control=f"S{number}").ack == "AA"
        found = house.one("Appointment", identifier=f"AP{number}")
        assert found.get("minutesDuration") == minutes


def test_a_document_tells_when_what_it_tells_of_was_done(house: House) -> None:
    txa = "TXA|1|DI|TX|202603011000" + "|" * 8 + "D1^HOSP" + "|" * 5 + "AU"
    assert send(house, "MDM^T02", pid(), txa, "OBX|1|TX|x^x^L||글||||||F").ack == "AA"
    document = next(one for one in house.all("DocumentReference") if "context" in one)
    assert document["context"]["period"]["start"] == "2026-03-01T10:00:00+09:00"


def test_the_use_of_a_diagnosis_is_with_the_visit(house: House) -> None:
    assert send(house, "BAR^P01", pid(), VISIT, "DG1|1||I10^Hypertension^I10|||A").ack == "AA"
    assert house.one("Encounter")["diagnosis"][0]["use"]["coding"][0]["code"] == "AD"


@pytest.mark.parametrize("amount", ["9" * 40, "-" + "9" * 40, "99999999999", "0.00000001"])
def test_a_duration_beyond_the_calendar_is_kept_as_it_came(house: House, amount: str) -> None:
    pr1 = f"PR1|1||0FT44ZZ^Cholecystectomy^I10P||20260301100060||{amount}"
    slot = f"SCH|AP1^HOSP|F1^HOSP|||||||{amount}|s^^UCUM|^^^20260310140000"
    ais = f"AIS|1||CT^CT^L|20260310140000|||{amount}|min"
    assert send(house, "ADT^A01", pid(), VISIT, pr1, control="A").ack == "AA"
    assert send(house, "SIU^S12", slot, pid(), "RGS|1|A", ais, control="S").ack == "AA"
    assert "minutesDuration" not in house.one("Appointment")


def test_a_korean_name_is_shown_family_name_first_and_without_a_space(house: House) -> None:
    assert send(house, "ADT^A01", "EVN||20260301120000", pid(), VISIT).ack == "AA"
    assert "김의사" in str(house.one("Encounter")["participant"])
