"""From the record to research tables: the Synthea figures, lineage, refusals of research, vocabulary, files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from onmaru.app import cli, refusal
from onmaru.app.house import House, place, system
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.accounts import User
from onmaru.kernel.caller import Caller, Purpose, Role, Scope
from onmaru.kernel.lake import View
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request
from onmaru.rooms.omop import asking
from onmaru.rooms.omop.cdm import CLINICAL, COLUMNS
from onmaru.rooms.omop.coverage import coverage, page
from onmaru.rooms.omop.ids import number

HEADER = (
    "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,standard_concept,concept_code,invalid_reason\n"
)
CONCEPTS = (
    "1,Pulse,Measurement,LOINC,c,S,8867-4,\n"
    "2,Old sodium,Measurement,LOINC,c,,2947-0,U\n"
    "3,Sodium,Measurement,LOINC,c,S,2951-2,\n"
    "4,Smoker,Observation,SNOMED,c,S,77176002,\n"
    "8507,MALE,Gender,Gender,c,S,M,\n"
    "9201,Inpatient Visit,Visit,Visit,c,S,IP,\n"
    "5,EHR,Type Concept,Type Concept,c,S,OMOP,\n"
    "6,<,Meas Value Operator,SNOMED,c,S,276139006,\n"
    "7,mmol/L,Unit,UCUM,c,S,mmol/L,\n"
    "10,Aspirin,Drug,RxNorm,c,S,1191,\n"
    "11,White,Race,Race,c,S,5,\n"
    "12,Kidney condition,Condition,KCD7,c,S,N18,\n"
)
LINKS = "concept_id_1,concept_id_2,relationship_id,invalid_reason\n2,3,Maps to,\n"


@pytest.fixture(autouse=True)
def house_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(tmp_path / name))


@pytest.fixture
def house() -> Iterator[House]:
    made = House(place())
    yield made
    made.close()


def asker(role: Role = "data-manager", purpose: Purpose = "HRESCH") -> Caller:
    return Caller("main", "kim", frozenset({role}), purpose, (Scope("user", "*", frozenset("rs")),))


def write(house: House, *bodies: dict[str, Any]) -> None:
    record = house.hall(system("main")).record
    record.write([Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in bodies])
    seat = house.seat("main")
    seat.home.wait(seat.home.tip())
    house.catch_up("main")


def load_vocabulary(folder: Path, hall: Hall, *, links: bool = False) -> None:
    from onmaru.rooms.omop.vocabulary import read

    folder.mkdir(exist_ok=True)
    (folder / "CONCEPT.csv").write_text(HEADER + CONCEPTS)
    if links:
        (folder / "CONCEPT_RELATIONSHIP.csv").write_text(LINKS)
    for name, file in read(folder).items():
        hall.lake.publish(name, file.batches)


def patient(id: str = "p1", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "gender": "male", "birthDate": "1950-03-04", **more}


def coded(code: str, system: str = "http://loinc.org") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def observation(id: str, code: dict[str, Any], of: str = "p1", **more: Any) -> dict[str, Any]:
    base = {"resourceType": "Observation", "id": id, "status": "final", "code": code, "effectiveDateTime": "2020-01-02"}
    return {**base, "subject": {"reference": f"Patient/{of}"}, **more}


def rows(hall: Hall, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asking.table(hall, table).table.to_pylist()
    return found


def refusal_of_research(of: str, purpose: str) -> dict[str, Any]:
    code = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": purpose}
    return {
        "resourceType": "Consent",
        "id": "c1",
        "status": "active",
        "scope": {"coding": [{"code": "research"}]},
        "category": [{"text": "research"}],
        "patient": {"reference": f"Patient/{of}"},
        "policyRule": {"text": "opt out"},
        "provision": {"type": "deny", "purpose": [code]},
    }


def test_a_row_has_concepts_units_visit_and_lineage(house: House, tmp_path: Path) -> None:
    visit = {"reference": "Encounter/e1"}
    write(
        house,
        patient(),
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "in-progress",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
            "subject": {"reference": "Patient/p1"},
            "period": {"start": "2020-01-01T23:30:00+09:00"},
        },
        observation(
            "o1",
            coded("8867-4"),
            encounter=visit,
            effectiveDateTime="2020-01-05T07:00:00+09:00",
            valueQuantity={
                "value": 3.5,
                "comparator": "<",
                "unit": "mmol",
                "code": "mmol/L",
                "system": "http://unitsofmeasure.org",
            },
        ),
    )
    hall = house.hall(asker())
    load_vocabulary(tmp_path / "v", hall)
    (row,) = rows(hall, "measurement")
    shown = ("measurement_concept_id", "operator_concept_id", "value_as_number", "unit_concept_id", "measurement_time")
    assert [row[name] for name in shown] == [1, 6, 3.5, 7, "07:00:00"]
    assert (row["measurement_type_concept_id"], row["measurement_source_value"]) == (5, "8867-4")
    assert (row["measurement_id"], row["person_id"]) == (number("Observation/o1"), number("Patient/p1"))
    assert (row["_source"], row["_version"], row["_t"], row["_patient"]) == ("Observation/o1", 1, 3, "p1")
    (stay,) = rows(hall, "visit_occurrence")
    assert row["visit_occurrence_id"] == stay["visit_occurrence_id"] == number("Encounter/e1")
    assert (stay["visit_concept_id"], str(stay["visit_start_date"]), str(stay["visit_end_date"])) == (
        9201,
        "2020-01-01",
        "2020-01-05",
    )
    (person,) = rows(hall, "person")
    assert (person["gender_concept_id"], person["year_of_birth"], person["person_source_value"]) == (
        8507,
        1950,
        "Patient/p1",
    )


def test_a_vocabulary_loaded_later_moves_rows_without_a_rebuild(house: House, tmp_path: Path) -> None:
    write(house, patient(), observation("o1", coded("77176002", "http://snomed.info/sct"), valueInteger=1))
    hall = house.hall(asker())
    write(house, observation("o2", coded("2947-0"), valueQuantity={"value": 140}))
    assert [row["measurement_concept_id"] for row in rows(hall, "measurement")] == [0]
    assert [row["observation_concept_id"] for row in rows(hall, "observation")] == [0]
    load_vocabulary(tmp_path / "v", hall)
    assert [row["observation_concept_id"] for row in rows(hall, "observation")] == [4]
    (sodium,) = rows(hall, "measurement")
    assert (sodium["measurement_concept_id"], sodium["measurement_source_concept_id"]) == (0, 2)
    (unmapped,) = asking.report(hall, "unmapped", {"most": 9})()
    assert (unmapped["code"], unmapped["reason"], unmapped["concept"]) == ("2947-0", "not-standard", 2)
    load_vocabulary(tmp_path / "v", hall, links=True)
    (sodium,) = rows(hall, "measurement")
    assert (sodium["measurement_concept_id"], sodium["measurement_source_concept_id"]) == (3, 2)


def test_a_medication_that_is_named_elsewhere_gives_its_code(house: House, tmp_path: Path) -> None:
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    write(
        house,
        patient(),
        {"resourceType": "Medication", "id": "m1", "code": coded("1191", rxnorm)},
        {
            "resourceType": "MedicationRequest",
            "id": "r1",
            "status": "active",
            "intent": "order",
            "authoredOn": "2020-01-01",
            "subject": {"reference": "Patient/p1"},
            "medicationReference": {"reference": "Medication/m1"},
            "dispenseRequest": {"expectedSupplyDuration": {"value": 30, "code": "d"}},
        },
    )
    hall = house.hall(asker())
    load_vocabulary(tmp_path / "v", hall)
    (drug,) = rows(hall, "drug_exposure")
    assert (drug["drug_concept_id"], drug["drug_source_value"]) == (10, "1191")
    assert (str(drug["drug_exposure_end_date"]), drug["verbatim_end_date"]) == ("2020-01-30", None)


def test_a_merged_patient_is_one_person(house: House) -> None:
    gone = patient("p2", link=[{"other": {"reference": "Patient/p1"}, "type": "replaced-by"}])
    write(house, patient(), gone, observation("o1", coded("x"), "p2", valueInteger=1))
    hall = house.hall(asker())
    assert [row["person_id"] for row in rows(hall, "person")] == [number("Patient/p1")]
    assert [row["person_id"] for row in rows(hall, "observation")] == [number("Patient/p1")]
    assert coverage(hall)()["total"]["dropped"] == 1


def test_a_row_of_a_patient_without_a_record_is_counted_not_shown(house: House) -> None:
    write(house, observation("o1", coded("8867-4"), "nobody"))
    hall = house.hall(asker())
    assert rows(hall, "observation") == []
    assert coverage(hall)()["balance"] == [
        {
            "type": "Observation",
            "resources": 1,
            "rows": 1,
            "mapped": 0,
            "unmapped": 0,
            "dropped": {"unknown-patient": 1},
        }
    ]


@pytest.mark.parametrize("purpose", ["HRESCH", "HOPERAT"])
def test_who_refuses_research_appears_in_no_row_and_no_count(house: House, purpose: str) -> None:
    callers = (asker(), asker(purpose="HOPERAT"), system("main"))
    write(house, patient(), patient("p2"), observation("o1", coded("x")), observation("o2", coded("x"), "p2"))
    assert [len(rows(house.hall(caller), "observation")) for caller in callers] == [2, 2, 2]
    write(house, refusal_of_research("p1", purpose))
    for caller in callers:
        hall = house.hall(caller)
        hidden = purpose == "HRESCH" or caller.purpose == "HOPERAT"
        shown = sorted(row["_patient"] for row in rows(hall, "observation"))
        assert shown == (["p2"] if hidden else ["p1", "p2"]), caller
        assert coverage(hall)()["total"]["resources"] == (2 if hidden else 4), caller


def test_not_even_what_was_dropped_counts_what_is_theirs_by_its_encounter_only(house: House) -> None:
    visit = {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "IMP"}}
    unnamed = observation("o1", coded("x"), encounter={"reference": "Encounter/e1"})
    del unnamed["subject"]
    write(house, patient(), patient("p2"), {**visit, "subject": {"reference": "Patient/p1"}}, unnamed)
    hall = house.hall(asker())
    assert coverage(hall)()["total"]["resources"] == 4
    write(house, refusal_of_research("p1", "HRESCH"))
    total = coverage(hall)()["total"]
    assert (total["resources"], total["dropped"]) == (1, 0)
    write(house, {**visit, "subject": {"reference": "Patient/p2"}})
    assert coverage(hall)()["total"]["resources"] == 3


@pytest.mark.parametrize(
    "caller",
    [asker("physician", "TREAT"), asker("nurse", "HRESCH"), asker("admin", "HOPERAT"), asker("data-manager", "TREAT")],
)
def test_research_tables_are_for_research_and_a_refusal_is_audited(house: House, caller: Caller) -> None:
    write(house, patient())
    with pytest.raises(Invalid) as refused:
        coverage(house.hall(caller))
    assert refused.value.status == 403
    (_, row), *_ = house.seat("main").home.trail.page()
    assert (row.allowed, row.target) == (False, "view/omop_balance")
    assert row.reason in ("role", "purpose")


def test_a_table_that_is_read_is_audited_with_the_patients_it_disclosed(house: House) -> None:
    write(house, patient(), patient("p2"), observation("o1", coded("x")))
    rows(house.hall(asker()), "observation")
    (_, row), *_ = house.seat("main").home.trail.page()
    assert (row.target, row.patients, row.user) == ("view/omop_observation", ("p1",), "kim")


def test_what_is_computed_later_may_show_no_patient(house: House) -> None:
    write(house, patient())
    hall = house.hall(asker())
    later = hall.lake.later(View("who", "SELECT _patient FROM omop_person", ("omop_person",), secondary=True), {})
    with pytest.raises(LookupError, match="shows patients"):
        later()
    with pytest.raises(LookupError, match="hot"):
        hall.lake.later(View("hot", "SELECT 1 AS n FROM journey_patient", ("journey_patient",)), {})


def test_an_update_replaces_and_an_erasure_takes_the_rows_out(house: House) -> None:
    write(house, patient(), observation("o1", coded("a")), observation("o2", coded("b")))
    write(house, observation("o1", coded("c")))
    hall = house.hall(asker())
    assert sorted((r["observation_source_value"], r["_version"]) for r in rows(hall, "observation")) == [
        ("b", 1),
        ("c", 2),
    ]
    house.hall(system("main")).record.write([Change("erase", "Observation", "o1")])
    write(house, patient("p3"))
    assert [row["observation_source_value"] for row in rows(hall, "observation")] == ["b"]


def test_the_page_gives_the_report_and_refuses_what_it_does_not_know(house: House) -> None:
    write(house, patient(), observation("o1", coded("x")))
    hall = house.hall(asker())

    def asked(*query: tuple[str, str]) -> Any:
        body = page(Request("GET", "/coverage", {}, query, {}, b""), hall).body
        assert callable(body)
        return json.loads(body())

    found = asked(("most", "1"))
    assert found["total"] == {"resources": 2, "rows": 2, "mapped": 0, "unmapped": 2, "dropped": 0}
    assert len(found["unmapped"]) == 1 and found["loaded"] == []
    for query in (("most", "x"), ("least", "1")):
        with pytest.raises(Invalid):
            asked(query)


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, list[Any]]:
    code = cli.run(["omop", *args, "--json"])
    shown = capsys.readouterr()
    return code, [json.loads(line) for line in shown.out.splitlines()] or [shown.err]


def test_the_commands_load_report_and_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = House(place())
    kcd = {"coding": [{"system": "urn:kcd", "code": "N18"}]}
    write(house, patient(), observation("o1", coded("8867-4"), valueQuantity={"value": 60}), observation("o2", kcd))
    house.logins.keep_user(User("main", "lee", "lee", ("physician",)))
    house.close()
    (tmp_path / "v").mkdir()
    assert run(capsys, "vocabulary", str(tmp_path / "v"))[0] == refusal.REFUSED
    (tmp_path / "v" / "CONCEPT.csv").write_text(HEADER + CONCEPTS)
    assert run(capsys, "vocabulary", str(tmp_path / "v")) == (0, [{"concept": 12}])
    code, (line,) = run(capsys, "status")
    assert (code, line["facts"], line["persons"], line["shared_ids"]) == (0, 2, 1, 0)
    code, lines = run(capsys, "coverage", "--most", "5")
    assert code == 0 and lines[-1]["rows"] == 3 and lines[-1]["mapped"] == 2
    assert [one["reason"] for one in lines if one["report"] == "unmapped"] == ["unknown-system"]
    out = tmp_path / "out"
    code, (line,) = run(capsys, "export", str(out))
    assert (code, line["measurement"], line["observation"], line["t"]) == (0, 1, 1, 3)
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f"{name}.{suffix}" for name in (*CLINICAL, "lineage") for suffix in ("csv", "parquet")
    )
    for name in CLINICAL:
        columns = COLUMNS[name]
        assert pq.read_table(out / f"{name}.parquet").column_names == [column for column, _, _ in columns]
        assert csv.read_csv(out / f"{name}.csv").num_rows == pq.read_table(out / f"{name}.parquet").num_rows
    assert {row["source"] for row in pq.read_table(out / "lineage.parquet").to_pylist() if row["source"]} == {
        "Patient/p1",
        "Observation/o1",
        "Observation/o2",
    }
    assert run(capsys, "export", str(out))[0] == refusal.REFUSED
    assert run(capsys, "export", str(tmp_path / "other"), "--user", "lee")[0] == refusal.REFUSED
    assert not (tmp_path / "other").exists() and [p for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_site_adds_its_code_systems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(place())
    write(house, patient(), observation("o2", {"coding": [{"system": "urn:kcd", "code": "N18"}]}))
    load_vocabulary(tmp_path / "v", house.hall(asker()))
    house.close()
    monkeypatch.setenv("ONMARU_OMOP_SYSTEMS", "urn:kcd=KCD7")
    code, lines = run(capsys, "coverage")
    assert code == 0 and [one for one in lines if one["report"] == "unmapped"] == []
    assert ("condition_occurrence", 1) in [
        (one["table"], one["mapped_rows"]) for one in lines if one["report"] == "tables"
    ]
