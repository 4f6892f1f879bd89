"""What single resources become in the research tables: rows, times, values, reasons, keys."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.projection import Row
from onmaru.rooms.omop import vocabulary
from onmaru.rooms.omop.cdm import COLUMNS
from onmaru.rooms.omop.facts import READ
from onmaru.rooms.omop.ids import MOST, number
from onmaru.rooms.omop.moments import NEVER, moment
from onmaru.rooms.omop.papers import PAPERS
from onmaru.rooms.omop.projection import rows, statuses
from onmaru.rooms.omop.tables import TABLES

COLUMN = {table.name: [name for name, _ in table.columns] for table in TABLES}
SUBJECT = {"subject": {"reference": "Patient/p1"}}


def made(body: dict[str, Any], table: str = "") -> list[dict[str, Any]]:
    found: list[Row] = list(rows(msgspec.json.encode({"id": "x1", **body})))
    return [dict(zip(COLUMN[row.table], row.values, strict=True)) for row in found if table in ("", row.table)]


def observation(**more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code,
        "effectiveDateTime": "2020-05-06",
        **SUBJECT,
        **more,
    }


@pytest.mark.parametrize(
    ("text", "day", "at", "clock"),
    [
        ("2020", date(2020, 1, 1), None, ""),
        ("2020-05", date(2020, 5, 1), None, ""),
        ("2020-05-06", date(2020, 5, 6), None, ""),
        ("2020-05-06T23:30:00+09:00", date(2020, 5, 6), datetime(2020, 5, 6, 23, 30, tzinfo=UTC), "23:30:00"),
        ("2020-05-06T00:10Z", date(2020, 5, 6), datetime(2020, 5, 6, 0, 10, tzinfo=UTC), "00:10:00"),
        ("1965-05-06T23:59:60.5Z", date(1965, 5, 6), datetime(1965, 5, 6, 23, 59, 59, tzinfo=UTC), "23:59:59"),
    ],
)
def test_a_time_keeps_the_day_and_clock_that_the_source_wrote(
    text: str, day: date, at: datetime | None, clock: str
) -> None:
    found = moment(text)
    micro = None if at is None else int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
    assert found == ((day - date(1970, 1, 1)).days, micro, clock)


@pytest.mark.parametrize("text", [None, "", "2020-13", "2020-02-30", "yesterday", 20200506, "0000-01-01"])
def test_what_is_no_date_is_never(text: Any) -> None:
    assert moment(text) == NEVER


def test_keys_are_the_same_for_ever_and_fit_in_63_bits() -> None:
    assert number("Patient/p1") == 664_969_713_383_750_654
    assert number("Patient/p1") != number("Patient/p1", "component[0]")
    assert all(0 <= number(f"Patient/{n}") <= MOST for n in range(1000))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueQuantity": {"value": 72.50, "unit": "kg"}}, {"number": 72.5, "unit": "kg"}),
        (
            {"valueQuantity": {"value": 5, "comparator": "<", "code": "mg", "system": "u"}},
            {"operator": "<", "unit": "mg"},
        ),
        ({"valueString": "양성"}, {"said": "양성", "number": None}),
        ({"valueInteger": 3}, {"said": "3", "number": 3.0}),
        ({"valueBoolean": True}, {"said": "true"}),
        ({"valueCodeableConcept": {"text": "Positive"}}, {"said": "Positive"}),
        (
            {"valueRange": {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2, "unit": "mg"}}},
            {"said": "1 mg–2 mg"},
        ),
        ({"referenceRange": [{"low": {"value": 1}, "high": {"value": 2}}]}, {"low": 1.0, "high": 2.0}),
        ({"referenceRange": [{"low": {"value": 1}}, {"low": {"value": 3}}]}, {"low": None}),
    ],
)
def test_a_value_keeps_what_the_source_says(value: dict[str, Any], expected: dict[str, Any]) -> None:
    (fact,) = made(observation(**value), "omop_fact")
    assert {name: fact[name] for name in expected} == expected


def test_a_number_or_a_laboratory_category_makes_a_measurement_unless_a_concept_says_otherwise() -> None:
    lab = {"category": [{"coding": [{"code": "laboratory"}]}]}
    assert made(observation(valueQuantity={"value": 1}), "omop_fact")[0]["usual"] == "measurement"
    assert made(observation(**lab, valueString="-"), "omop_fact")[0]["usual"] == "measurement"
    assert made(observation(valueString="-"), "omop_fact")[0]["usual"] == "observation"


def test_a_panel_has_its_own_row_and_one_for_each_component() -> None:
    parts = [
        {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": {"value": n}}
        for code, n in (("8480-6", 120), ("8462-4", 80))
    ]
    facts = made(observation(component=parts), "omop_fact")
    assert [(fact["part"], fact["source_value"], fact["number"], fact["usual"]) for fact in facts] == [
        ("", "8867-4", None, "measurement"),
        ("component[0]", "8480-6", 120.0, "measurement"),
        ("component[1]", "8462-4", 80.0, "measurement"),
    ]
    assert len({fact["id"] for fact in facts}) == 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (observation(status="entered-in-error"), "entered-in-error"),
        (observation(status="cancelled"), "not-happened"),
        (observation(status="registered"), "no-result-yet"),
        (observation(subject={"reference": "Group/g1"}), "no-patient"),
        (observation(subject={"reference": "urn:uuid:0"}), "no-patient"),
        (observation(effectiveDateTime=None), "no-date"),
        ({"resourceType": "Procedure", "status": "not-done", **SUBJECT}, "not-happened"),
        ({"resourceType": "Immunization", "status": "not-done", "patient": SUBJECT["subject"]}, "not-happened"),
        ({"resourceType": "Encounter", "status": "planned", **SUBJECT}, "not-happened"),
        ({"resourceType": "Encounter", "status": "finished", **SUBJECT}, "no-date"),
        ({"resourceType": "Condition", "verificationStatus": {"coding": [{"code": "refuted"}]}, **SUBJECT}, "refuted"),
        ({"resourceType": "Patient"}, "no-birth-date"),
    ],
)
def test_what_makes_no_row_is_counted_with_its_reason(body: dict[str, Any], reason: str) -> None:
    (dropped,) = made({name: value for name, value in body.items() if value is not None})
    assert dropped == {"type": body["resourceType"], "reason": reason}


def test_every_status_table_names_a_type_that_is_followed() -> None:
    assert set(statuses()) - {"Encounter"} == {*READ, *PAPERS}


def test_a_person_keeps_as_much_of_the_birth_date_as_was_written() -> None:
    (person,) = made({"resourceType": "Patient", "birthDate": "1970-02", "gender": "female"}, "omop_person")
    assert (person["year"], person["month"], person["day"], person["birth"]) == (1970, 2, None, None)
    (person,) = made({"resourceType": "Patient", "birthDate": "1970-01-02"}, "omop_person")
    assert (person["day"], person["birth"]) == (2, 86_400_000_000)


def test_a_prescription_keeps_supply_words_and_the_medication_it_names() -> None:
    body = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        **SUBJECT,
        "encounter": {"reference": "Encounter/e1/_history/3"},
        "authoredOn": "2020-01-01T08:00:00+09:00",
        "medicationReference": {"reference": "Medication/m1"},
        "dosageInstruction": [{"text": "1T bid", "route": {"coding": [{"system": "s", "code": "PO"}]}}],
        "dispenseRequest": {
            "quantity": {"value": 60},
            "numberOfRepeatsAllowed": 2,
            "expectedSupplyDuration": {"value": 30, "code": "d"},
        },
    }
    (fact,) = made(body, "omop_fact")
    assert (fact["quantity"], fact["refills"], fact["days"], fact["sig"], fact["route"]) == (
        60.0,
        2,
        30,
        "1T bid",
        "PO",
    )
    assert (fact["thing"], fact["visit"]) == (number("Medication/m1"), number("Encounter/e1"))
    assert fact["code"] is None and f"{fact['route_key']}\x1c\x1es\x1fPO\x1f" in fact["codes"]


def test_a_contained_medication_gives_its_own_code() -> None:
    inner = {"resourceType": "Medication", "id": "m", "code": {"coding": [{"system": "s", "code": "A10"}]}}
    body = {"resourceType": "MedicationStatement", "status": "active", "effectiveDateTime": "2020", **SUBJECT}
    (fact,) = made({**body, "contained": [inner], "medicationReference": {"reference": "#m"}}, "omop_fact")
    assert fact["source_value"] == "A10"


def test_the_columns_are_those_of_the_cdm_in_its_order(shared_data: Callable[[str], Path]) -> None:
    fields = shared_data("omop") / "dqd-thresholds" / "OMOP_CDMv5.4_Field_Level.csv"
    kinds = {"d": "date", "t": "datetime", "x": "float", "n": "integer", "id": "integer", "text": "varchar(MAX)"}
    with fields.open(encoding="utf-8-sig") as opened:
        official = {(r["cdmTableName"].lower(), r["cdmFieldName"]): r for r in csv.DictReader(opened)}
    for table, columns in COLUMNS.items():
        file = shared_data("omop") / "synthea27nj" / f"{table.upper()}.csv"
        if file.exists():  # one was left out of the data
            header = file.read_text("utf-8").partition("\n")[0]
            assert [name for name, _, _ in columns] == header.strip().lower().split(",")
        assert {name for name, _, _ in columns} == {field for of, field in official if of == table}
        for name, kind, must in columns:
            written = official[table, name]["cdmDatatype"].replace("bigint", "integer").lower()
            if not table.endswith("_era"):  # whose days it calls datetime, where the DDL has dates
                assert kinds.get(kind, f"varchar({kind})").lower() == written, f"{table}.{name}"
            assert must == (official[table, name]["isRequired"] == "Yes"), f"{table}.{name}"


ATHENA = (
    "concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code"
    "\tinvalid_reason\n"
)


def test_a_vocabulary_is_read_in_both_forms(tmp_path: Path) -> None:
    (tmp_path / "CONCEPT.csv").write_text(ATHENA + '1\t5" needle, "blunt"\tDevice\tX\tY\tS\t007\t\n')
    athena = vocabulary.read(tmp_path)["concept"].batches.read_all().to_pylist()
    quoted = ATHENA.replace("\t", ",").upper() + '1,"5"" needle, ""blunt""",Device,X,Y,S,007,\n'
    (tmp_path / "CONCEPT.csv").write_text("\ufeff" + quoted)
    assert vocabulary.read(tmp_path)["concept"].batches.read_all().to_pylist() == athena
    assert (athena[0]["concept_name"], athena[0]["concept_code"]) == ('5" needle, "blunt"', "007")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "holds no CONCEPT.csv"),
        ("concept_id\tconcept_name\n", "lacks the columns domain_id"),
        ("", "lacks the columns concept_id"),
        (ATHENA + "x\ty\n", "not the CSV"),
        (ATHENA + "secret\ta\tb\tc\td\te\tf\tg\n", "not the CSV"),
    ],
)
def test_a_folder_that_is_no_vocabulary_is_refused_with_the_reason(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "CONCEPT.csv").write_text(text)
    with pytest.raises(Invalid, match=said) as refused:
        vocabulary.read(tmp_path)["concept"].batches.read_all()
    assert "secret" not in str(refused.value)


def test_a_site_names_its_own_code_systems() -> None:
    assert vocabulary.systems("urn:kcd=KCD7 http://x?a=b=Y")["http://x?a=b"] == "Y"
    assert vocabulary.systems("")["http://loinc.org"] == "LOINC"
    with pytest.raises(Invalid):
        vocabulary.systems("KCD7")
