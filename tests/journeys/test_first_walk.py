"""The first walk: a patient's messages come in by MLLP and are one FHIR record, a bedside journey and rows for research."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tests.served import Served, admission, code

from onmaru.app import rooms


def message(kind: str, control: str, *lines: str) -> bytes:
    head = f"MSH|^~\\&|LIS|HOSP|ONMARU|HOSP|20260301130000+0900||{kind}|{control}|P|2.5.1||||||UNICODE UTF-8"
    pid = "PID|1||7^^^HOSP^MR||홍^길동||19800101|M"
    visit = f"PV1|1|I|W5^501^1^HOSP{'|' * 16}V7^^^HOSP^VN"
    return "\r".join([head, pid, visit, *lines, ""]).encode()


DIAGNOSIS = admission() + b"DG1|1||J18.9^\xed\x8f\x90\xeb\xa0\xb4^I10||20260301110000|A\r"
RESULT = message(
    "ORU^R01",
    "C2",
    "OBR|1|P1^EMR|F1^LAB|1988-5^CRP^LN|||20260301123000||||||||||||||||||F",
    "OBX|1|NM|1988-5^C reactive protein^LN||152.50|mg/L^mg/L^UCUM|0-5|H|||F|||20260301123000",
)
DRUG = message(
    "RDE^O11",
    "C3",
    "ORC|NW|P2^EMR|||||||20260301124500",
    "RXO|D1^세프트리악손주^LOCAL|2||g^g^UCUM",
    "RXE||D1^세프트리악손주^LOCAL|2||g^g^UCUM",
    "TQ1|1|2^g&g&UCUM|Q24H||||20260301124500|20260306124500",
)


def test_one_patient_from_message_to_bedside_to_research(tmp_path: Path) -> None:
    with Served(tmp_path) as house:
        assert [code(answer) for answer in house.send(DIAGNOSIS, RESULT, DRUG)] == ["AA"] * 3
        (patient,) = house.found("Patient?identifier=7")
        record(house, patient["id"])
        bedside(house, patient["id"])
        house.stop()
        if "omop" in rooms.known():
            research(house, tmp_path / "export")


def record(house: Served, patient: str) -> None:
    """FHIR R4: the value as it was written, in the visit, with the message that brought it."""
    (result,) = house.found(f"Observation?subject=Patient/{patient}&code=http://loinc.org|1988-5")
    assert result["valueQuantity"]["value"] == 152.5
    assert result["valueQuantity"]["code"] == "mg/L"
    (visit,) = house.found(f"Encounter?subject=Patient/{patient}")
    assert result["encounter"]["reference"] == f"Encounter/{visit['id']}"
    (source,) = house.found(f"Provenance?target=Observation/{result['id']}")
    status, document = house.get(f"/fhir/{source['entity'][0]['what']['reference']}")
    assert (status, document["type"]["text"]) == (200, "ORU^R01")


def bedside(house: Served, patient: str) -> None:
    """The journey: header, problem, drug and flagged result, each leading back to its source."""
    status, summary = house.get(f"/rooms/journey/patients/{patient}/summary")
    assert status == 200
    text = str(summary)
    for word in ("홍길동", "1980-01-01", "폐렴", "세프트리악손주", "W5"):
        assert word in text, word
    status, items = house.get(f"/rooms/journey/patients/{patient}/items")
    assert status == 200
    kinds: set[str] = {one["kind"] for one in items["items"]}
    assert len(kinds) >= 3
    some: dict[str, Any] = next(one for one in items["items"] if "Observation/" in str(one))
    type, _, id = next(str(value) for value in some.values() if str(value).startswith("Observation/")).partition("/")
    status, source = house.get(f"/rooms/journey/patients/{patient}/source/{type}/{id}")
    assert status == 200
    assert source["resource"]["valueQuantity"]["unit"] == "mg/L"
    assert "'code': 'R01'" in str(source), "the message that brought it"


def research(house: Served, folder: Path) -> None:
    """OMOP: the same patient, visit, diagnosis, drug and measurement as rows that name their source version."""
    status, _ = house.command("omop", "export", str(folder))
    assert status == 0
    rows = {file.stem: pq.read_table(file).to_pylist() for file in folder.rglob("*.parquet")}
    assert [one["year_of_birth"] for one in rows["person"]] == [1980]
    person = rows["person"][0]["person_id"]
    for table in ("visit_occurrence", "condition_occurrence", "drug_exposure", "measurement"):
        assert {one["person_id"] for one in rows[table]} == {person}, table
    assert [one["value_as_number"] for one in rows["measurement"]] == [152.5]
