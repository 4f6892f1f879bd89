"""From the record to a cohort at the command line: FHIR resources, the site's vocabulary, OMOP, a definition, its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from tests.cohort_house import OURS, STAGE_4

from onmaru.app import cli
from onmaru.app.house import House, place, system
from onmaru.kernel.record import Change

SNOMED = "http://snomed.info/sct"
HEADER = "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,standard_concept,concept_code,invalid_reason"
CONCEPTS = """1,Lung cancer,Condition,SNOMED,c,S,254637007,
11,Small cell lung cancer,Condition,SNOMED,c,S,254632001,
9,Stage IV,Condition,SNOMED,c,S,2640006,
100,Cisplatin,Drug,RxNorm,c,S,2555,
8507,MALE,Gender,Gender,c,S,M,"""
KIN = ((1, 1), (1, 11), (9, 9), (100, 100))


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def chart(number: int) -> Iterator[dict[str, Any]]:
    """One patient: observed all year; lung cancer on 1 March, the even ones by a descendant; two of three had the drug."""
    whose = {"reference": f"Patient/p{number}"}
    born = "1940-01-01" if number == 6 else "1960-01-01"
    yield {"resourceType": "Patient", "id": f"p{number}", "gender": "male", "birthDate": born}
    for turn, day in enumerate(("2020-01-01", "2020-12-31")):
        seen = {"resourceType": "Observation", "status": "final", "code": {"text": "seen"}, "valueInteger": 1}
        yield {**seen, "id": f"o{number}-{turn}", "subject": whose, "effectiveDateTime": day}
    code = "254632001" if number % 2 == 0 else "254637007"
    ill = {"resourceType": "Condition", "subject": whose}
    yield {**ill, "id": f"c{number}", "code": coded(SNOMED, code), "onsetDateTime": "2020-03-01"}
    if number % 3:
        given = {"resourceType": "MedicationStatement", "status": "completed", "subject": whose, "id": f"m{number}"}
        drug = coded("http://www.nlm.nih.gov/research/umls/rxnorm", "2555")
        yield {**given, "medicationCodeableConcept": drug, "effectiveDateTime": "2020-03-10"}
    if number < 3:
        yield {**ill, "id": f"s{number}", "code": coded(SNOMED, "2640006"), "onsetDateTime": f"2020-0{3 + number}-01"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("commands")
    vocabulary = made / "vocabulary"
    vocabulary.mkdir()
    (vocabulary / "CONCEPT.csv").write_text(f"{HEADER}\n{CONCEPTS}\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("home", "keys", "witness"):
            patch.setenv(f"ONMARU_{name.upper()}", str(made / name))
        house = House(place())
        bodies = [body for number in range(1, 7) for body in chart(number)]
        record = house.hall(system("main")).record
        record.write([Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in bodies])
        home = house.seat("main").home
        home.wait(home.tip())
        house.catch_up("main")
        above, below = zip(*KIN, strict=True)
        kin = pa.table({"ancestor_concept_id": above, "descendant_concept_id": below})
        house.hall(system("main")).lake.publish("concept_ancestor", kin)
        house.close()
        assert cli.run(["omop", "vocabulary", str(vocabulary), "--json"]) == 0
        yield made


def run(capsys: pytest.CaptureFixture[str], *args: str) -> list[Any]:
    capsys.readouterr()
    status = cli.run(["cohort", *args, "--json"])
    shown = capsys.readouterr()
    assert status == 0, shown.err
    return [json.loads(line) for line in shown.out.splitlines()]


def test_the_commands_run_count_study_and_export(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "lung.json"
    file.write_text(json.dumps(OURS))
    (line,) = run(capsys, "run", str(file))
    # p3 and p6 have no drug; p6 is over 70 as well
    assert (line["persons"], line["entries"], line["name"]) == (4, 4, OURS["name"]) and line["t"] > 0
    lines = run(capsys, "attrition", str(file))
    assert [(one["what"], one["persons"]) for one in lines] == [("entry", 6), ("rule", 4), ("rule", 4), ("cohort", 4)]
    out = folder / "out"
    (line,) = run(capsys, "export", str(file), str(out))
    names = {path.name for path in out.iterdir()}
    assert names == {"definition.json", "circe.json", "cohort.sql", "result.json", "persons.csv"}
    (again,) = run(capsys, "run", str(out / "circe.json"))
    assert again["digest"] == line["digest"] and again["persons"] == 4
    persons = (out / "persons.csv").read_text().splitlines()
    assert len(persons) == 5 and all(any(f'"p{n}"' in one for one in persons) for n in (1, 2, 4, 5))
    study = {"format": "onmaru study 1", "kind": "progression", "target": OURS, "outcome": STAGE_4, "days": 60}
    file.write_text(json.dumps(study))
    (line,) = run(capsys, "study", str(file))
    assert (line["kind"], line["found"]["persons"], line["found"]["reached"]) == ("progression", 4, 1)
    assert cli.run(["cohort", "run", str(folder / "none.json")]) != 0
    file.write_text(json.dumps(OURS))
    assert cli.run(["cohort", "export", str(file), str(out)]) != 0
