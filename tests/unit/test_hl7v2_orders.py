"""Orders, drugs and results as the bedside reads them: when, how much, how often, how long, in R4's own elements."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from onmaru.adapters.hl7v2 import emit, er7, mapping
from onmaru.fhir.profiles.library import core
from onmaru.fhir.profiles.validator import validated

HEAD = "MSH|^~\\&|EMR|HOSP|||20260301||{}|1|P|2.5.1\rPID|1||1^^^HOSP^MR||홍^길동||19800101|M\r"
ENCODER = msgspec.json.Encoder(decimal_format="number")
UCUM = "http://unitsofmeasure.org"


def made(event: str, *lines: str) -> dict[str, list[Any]]:
    """The resources of a message by type, each as R4 has it, rules and all."""
    mapped = mapping.resources(er7.parse((HEAD.format(event) + "\r".join(lines)).encode()))
    found: dict[str, list[Any]] = {}
    for draft in emit.Emitter(mapped.nodes, "digest").drafts():
        raw = ENCODER.encode(draft.data)
        assert [issue for issue in validated(raw, core()) if issue.severity in ("error", "fatal")] == []
        found.setdefault(draft.type, []).append(msgspec.json.decode(raw))
    return found


def dosage(*lines: str) -> Any:
    return made("RDE^O11", "ORC|NW|P1", *lines)["MedicationRequest"][0]["dosageInstruction"]


def observed(obx: str, obr: str = "OBR|1||F1|T|||20260301083000") -> Any:
    return made("ORU^R01", obr, obx)["Observation"][0]


RXE = "RXE||A^Aspirin|100||mg|TAB"


@pytest.mark.parametrize(
    ("obx", "name", "value"),
    [
        ("NM|T||98|mg/dL", "valueQuantity", {"value": 98, "unit": "mg/dL"}),
        (
            "NM|T||98|mg/dL^^UCUM",
            "valueQuantity",
            {"value": 98, "unit": "mg/dL", "system": UCUM, "code": "mg/dL"},
        ),
        ("NM|T||<5|mg/dL", "valueQuantity", {"value": 5, "comparator": "<", "unit": "mg/dL"}),
        ("ST|T||98|mg/dL", "valueQuantity", {"value": 98, "unit": "mg/dL"}),
        (
            "ST|T||0-2|/HPF",
            "valueRange",
            {"low": {"value": 0, "unit": "/HPF"}, "high": {"value": 2, "unit": "/HPF"}},
        ),
        ("ST|T||98", "valueString", "98"),
        ("TX|T||one~two", "valueString", "one\ntwo"),
        ("FT|T||one\\.br\\two", "valueString", "one\ntwo"),
        ("SN|T||>^100|mg", "valueQuantity", {"value": 100, "comparator": ">", "unit": "mg"}),
        ("SN|T||^1^:^128", "valueRatio", {"numerator": {"value": 1}, "denominator": {"value": 128}}),
        ("SN|T||^2^-^3|mg", "valueRange", {"low": {"value": 2, "unit": "mg"}, "high": {"value": 3, "unit": "mg"}}),
        ("SN|T||>^2^-^3", "valueString", "> 2 - 3"),
        ("DT|T||20260301", "valueDateTime", "2026-03-01"),
        ("TS|T||20260301120000+0900", "valueDateTime", "2026-03-01T12:00:00+09:00"),
        ("TM|T||0830", "valueTime", "08:30:00"),
        ("TM|T||08:30:15", "valueTime", "08:30:15"),
        (
            "CE|T||POS^Positive^L",
            "valueCodeableConcept",
            {"coding": [{"system": "urn:onmaru:code:L", "code": "POS", "display": "Positive"}]},
        ),
    ],
)
def test_each_value_type_has_its_element(obx: str, name: str, value: Any) -> None:
    assert observed(f"OBX|1|{obx}")[name] == value


def test_a_result_without_a_time_was_observed_when_its_report_says() -> None:
    assert observed("OBX|1|NM|T||98")["effectiveDateTime"] == "2026-03-01T08:30:00+09:00"
    own = observed("OBX|1|NM|T||98||||||F|||20260302")
    assert own["effectiveDateTime"] == "2026-03-02"
    assert observed("OBX|1|NM|T||98", "OBR|1||F1|T|||20260301|20260302")["effectivePeriod"] == {
        "start": "2026-03-01",
        "end": "2026-03-02",
    }


def test_a_result_without_a_code_is_seen() -> None:
    assert observed("OBX|1|NM|||98|mg")["valueQuantity"] == {"value": 98, "unit": "mg"}


def test_the_time_of_the_analysis_is_named_by_its_extension() -> None:
    extension = observed("OBX|1|NM|T||98||||||F||||||||20260301")["extension"][0]
    assert extension["url"].endswith("/observation-analysis-date-time")


def test_tq1_gives_dose_frequency_hours_and_days() -> None:
    first = dosage(RXE, "TQ1|1|2^&tab|BID|0800~2000||5^d|20260301||R|as needed|with water||2^h|10", "RXR|PO")[0]
    assert [rate["doseQuantity"] for rate in first["doseAndRate"]] == [
        {"value": 100, "unit": "mg"},
        {"value": 2, "unit": "tab"},
    ]
    assert first["timing"]["code"]["coding"][0]["code"] == "BID"
    assert first["timing"]["repeat"] == {
        "timeOfDay": ["08:00:00", "20:00:00"],
        "duration": 2,
        "durationUnit": "h",
        "count": 10,
        "boundsPeriod": {"start": "2026-03-01", "end": "2026-03-05"},
    }
    assert [one["text"] for one in first["additionalInstruction"]] == ["as needed", "with water"]
    assert first["route"]["coding"][0]["code"] == "PO"


def test_further_tq1_are_the_next_phases_of_the_same_drug() -> None:
    phases = dosage(RXE, "TQ1|1|2^&tab|BID||||20260301|20260303", "TQ1|2|1^&tab|QD||||20260304|20260306", "RXR|PO")
    assert [(one["sequence"], one["timing"]["repeat"]["boundsPeriod"]["start"]) for one in phases] == [
        (1, "2026-03-01"),
        (2, "2026-03-04"),
    ]
    assert phases[1]["doseAndRate"] == [{"doseQuantity": {"value": 1, "unit": "tab"}}]
    assert phases[1]["route"] == phases[0]["route"]


def test_an_amount_without_a_unit_multiplies_a_dose_and_is_never_read_as_one() -> None:
    assert dosage(RXE, "TQ1|1|2|BID")[0]["doseAndRate"] == [{"doseQuantity": {"value": 100, "unit": "mg"}}]
    assert dosage("RXE||A^Aspirin", "TQ1|1|2|BID")[0]["doseAndRate"] == [{"doseQuantity": {"value": 2}}]


@pytest.mark.parametrize("drug", ["RXE|1&tab^Q6H^^20260301^20260305|A^Aspirin|100||mg", "RXE||A^Aspirin|100||mg"])
def test_the_quantity_and_timing_of_older_versions_is_a_dosage_too(drug: str) -> None:
    timed = "ORC|NW|P1" if "Q6H" in drug else "ORC|NW|P1|||||1&tab^Q6H^^20260301^20260305"
    request = made("RDE^O11", timed, drug)["MedicationRequest"][0]
    repeat = request["dosageInstruction"][0]["timing"]["repeat"]
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == (1, 6, "h")
    assert repeat["boundsPeriod"] == {"start": "2026-03-01", "end": "2026-03-05"}


def test_a_drug_ordered_by_orm_keeps_number_route_and_comment_and_makes_no_empty_order() -> None:
    found = made("ORM^O01", "ORC|NW|P1|||||^BID", "RXO|A^Aspirin|100||mg", "RXR|PO", "NTE|1||slowly")
    request = found["MedicationRequest"][0]
    assert request["identifier"][0]["value"] == "P1"
    assert request["dosageInstruction"][0]["route"]["coding"][0]["code"] == "PO"
    assert request["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"] == {"value": 100, "unit": "mg"}
    assert request["note"] == [{"text": "slowly"}]
    assert "ServiceRequest" not in found


def test_rates_daily_doses_and_strengths_have_elements() -> None:
    fields = [*["RXE", "", "A^Aspirin", "100", "", "mg"], *[""] * 29]
    for number, said in {
        19: "3^&tab",
        23: "25",
        24: "mL/h",
        25: "81",
        26: "mg",
        31: "B^Further^L",
        33: "5",
        34: "mL",
    }.items():
        fields[number] = said
    request = made("RDE^O11", "ORC|NW|P1", "|".join(fields))["MedicationRequest"][0]
    first, drug = request["dosageInstruction"][0], request["contained"][0]
    assert first["doseAndRate"][0]["rateQuantity"] == {"value": 25, "unit": "mL/h"}
    assert first["maxDosePerPeriod"]["numerator"] == {"value": 3, "unit": "tab"}
    assert first["maxDosePerPeriod"]["denominator"]["code"] == "d"
    assert drug["ingredient"][0]["strength"] == {
        "numerator": {"value": 81, "unit": "mg"},
        "denominator": {"value": 5, "unit": "mL"},
    }
    assert [one["code"] for one in drug["code"]["coding"]] == ["A", "B"]


def test_an_amount_per_time_is_a_rate() -> None:
    fields = [*["RXE", "", "A^Aspirin", "100", "", "mg"], *[""] * 16, "H1"]
    rate = dosage("|".join(fields))[0]["doseAndRate"][0]["rateRatio"]
    assert (rate["numerator"]["value"], rate["denominator"]["code"]) == (100, "h")


def test_a_drug_that_was_refused_was_not_given() -> None:
    rxa = "RXA|0|1|20260301||A^Aspirin|100|mg||||||||LOT1|20270101||R^refused||{}|A"
    for said, status in (("CP", "completed"), ("RE", "not-done"), ("NA", "not-done")):
        given = made("RAS^O17", "ORC|RE|P1", rxa.format(said))["MedicationAdministration"][0]
        assert given["status"] == status
        assert given["contained"][0]["batch"] == {"lotNumber": "LOT1", "expirationDate": "2027-01-01"}


def test_a_give_instruction_is_a_request_with_its_drug_and_dose() -> None:
    request = made("RGV^O15", "ORC|RE|P1", "RXG|1||^BID|A^Aspirin|100||mg", "RXR|PO")["MedicationRequest"][0]
    assert request["intent"] == "instance-order"
    assert request["medicationCodeableConcept"]["coding"][0]["code"] == "A"
    assert request["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"] == {"value": 100, "unit": "mg"}


def test_an_order_that_holds_a_result_has_a_report_with_its_times() -> None:
    found = made("ORM^O01", "ORC|NW|P1", "OBR|1|P1|F1|CT|||20260301083000|||||||||||||||20260301090000|||F")
    report = found["DiagnosticReport"][0]
    assert (report["effectiveDateTime"], report["issued"]) == ("2026-03-01T08:30:00+09:00", "2026-03-01T09:00:00+09:00")
    assert report["basedOn"][0]["reference"]
    assert "DiagnosticReport" not in made("ORM^O01", "ORC|NW|P1", "OBR|1|P1||CT|||20260301|||||||||||||||||||S")


def test_each_time_of_an_order_is_kept() -> None:
    request = made("OML^O21", "ORC|NW|P1", "TQ1|1||||||20260301|20260305", "OBR|1|P1||CT||20260302|20260303")
    timing = request["ServiceRequest"][0]["occurrenceTiming"]
    assert timing["event"] == ["2026-03-02", "2026-03-03"]
    assert timing["repeat"]["boundsPeriod"] == {"start": "2026-03-01", "end": "2026-03-05"}


def test_what_a_sender_takes_back_does_not_stand() -> None:
    allergy = made("ADT^A60", "IAM|1||PCN^Penicillin||hives|D")["AllergyIntolerance"][0]
    problem = made("PPR^PC3", "PRB|DE|20260301|E11^Diabetes^I10")["Condition"][0]
    for one in (allergy, problem):
        assert one["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
        assert "clinicalStatus" not in one


def test_the_kind_of_a_diagnosis_without_a_visit_is_its_category() -> None:
    condition = made("ADT^A08", "DG1|1||E11^Diabetes^I10|||A")["Condition"][0]
    assert [one["coding"][0]["code"] for one in condition["category"]] == ["encounter-diagnosis", "AD"]
