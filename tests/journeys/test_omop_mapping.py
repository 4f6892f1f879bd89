"""From a local code to a concept: what ConceptMaps and lists decide, what is offered, and that it is kept and exported."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onmaru.app.house import House, Place, system
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.gate import ALL
from onmaru.kernel.lake import View
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.omop import deciding
from onmaru.rooms.omop.likeness import likeness
from onmaru.rooms.omop.reconcile import reconcile
from onmaru.rooms.omop.vocabulary import read

LOCAL, KCD = "urn:hospital:tests", "urn:kcd"
CONCEPTS = (
    "concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code\t"
    "valid_start_date\tvalid_end_date\tinvalid_reason\n"
    "1\tHemoglobin A1c\tMeasurement\tLOINC\tLab Test\tS\t4548-4\t19700101\t20991231\t\n"
    "2\tChronic kidney disease stage 3\tCondition\tSNOMED\tClinical Finding\tS\t433144002\t1970-01-01\t2099-12-31\t\n"
    "3\tChronic kidney disease, stage 3\tCondition\tKCD7\tKCD7 code\t\tN18.3\t19700101\t20991231\t\n"
    "4\tDiabetes mellitus\tCondition\tSNOMED\tClinical Finding\tS\t73211009\t19700101\t20991231\t\n"
    "5\tHistory of allergy\tObservation\tSNOMED\tc\tS\t5\t19700101\t20991231\t\n"
    "6\tAllergy to nut\tCondition\tSNOMED\tc\t\t6\t19700101\t20991231\tU\n"
    "7\tNut\tObservation\tSNOMED\tc\tS\t7\t19700101\t20991231\t\n"
)
LINKS = (
    "concept_id_1\tconcept_id_2\trelationship_id\tvalid_start_date\tvalid_end_date\tinvalid_reason\n"
    "3\t2\tMaps to\t19700101\t20991231\t\n6\t5\tMaps to\t19700101\t20991231\t\n6\t7\tMaps to value\t19700101\t20991231\t\n"
)
SYNONYMS = "concept_id\tconcept_synonym_name\tlanguage_concept_id\n4\t당뇨병\t4175771\n"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("ONMARU_OMOP_SYSTEMS", f"{KCD}=KCD7")
    made = House(Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness"))
    folder = tmp_path / "vocabulary"
    folder.mkdir()
    for name, text in (("CONCEPT", CONCEPTS), ("CONCEPT_RELATIONSHIP", LINKS), ("CONCEPT_SYNONYM", SYNONYMS)):
        (folder / f"{name}.csv").write_text(text, "utf-8")
    publish(made, folder)
    yield made
    made.close()


def publish(house: House, folder: Path) -> None:
    for name, file in read(folder).items():
        house.hall(system("main")).lake.publish(name, file.batches)


def hall(house: House) -> Hall:
    scopes = (Scope("user", "*", frozenset("cruds")),)
    return house.hall(Caller("main", "kim", frozenset({"data-manager"}), "HRESCH", scopes), "omop")


def write(house: House, *bodies: Mapping[str, Any]) -> None:
    record = house.hall(system("main")).record
    record.write([Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in bodies])
    settle(house)


def settle(house: House) -> None:
    seat = house.seat("main")
    seat.home.wait(seat.home.tip())
    house.catch_up("main")


PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1950-03-04"}


def of(type: str, id: str, *codings: tuple[str, str], **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": system_, "code": code} for system_, code in codings]}
    when = {"onsetDateTime": "2020-01-02"} if type == "Condition" else {"effectiveDateTime": "2020-01-02"}
    status = {} if type == "Condition" else {"status": "final"}
    base = {"resourceType": type, "id": id, "subject": {"reference": "Patient/p1"}, "code": code}
    return {**base, **when, **status, **more}


def concepts(house: House, table: str) -> dict[str, int]:
    """Source → concept."""
    stem = table.partition("_")[0]
    view = View(table, f"SELECT _source, {stem}_concept_id AS concept FROM {table}", (table,))
    return {row["_source"]: row["concept"] for row in house.seat("main").columnar.query(view, {}, ALL).to_pylist()}


def body(answer: Response) -> Any:
    assert answer.status == 200
    text = answer.body() if callable(answer.body) else answer.body
    assert isinstance(text, bytes)
    return json.loads(text)


def decide(house: House, **given: Any) -> int:
    asked = {"system": LOCAL, "code": "L3104", "concept": 1, "label": "당화혈색소", "name": "Hemoglobin A1c", **given}
    made = deciding.decide(Request("POST", "", {}, (), {}, msgspec.json.encode(asked)), hall(house))
    settle(house)
    version: int = body(made)["version"]
    return version


def test_what_a_person_decides_counts_is_versioned_exported_and_read_again(house: House, tmp_path: Path) -> None:
    write(house, PATIENT, of("Observation", "o1", (LOCAL, "L3104"), valueQuantity={"value": 7, "unit": "%"}))
    assert concepts(house, "measurement") == {"Observation/o1": 0}
    assert [decide(house), decide(house, code="L9", concept=None)] == [1, 2]
    assert concepts(house, "measurement") == {"Observation/o1": 1}
    items = body(deciding.listed(Request("GET", "", {}, (), {}, b""), hall(house)))["items"]
    assert [(one["code"], one["concept"], one["version"]) for one in items] == [("L3104", 1, 2), ("L9", None, 2)]
    (elsewhere := tmp_path / "again").mkdir()
    (elsewhere / "SOURCE_TO_CONCEPT_MAP.csv").write_text(deciding.exported(hall(house)), "utf-8")
    # looked at, and nothing fits: then that is the decision
    decide(house, concept=None)
    assert concepts(house, "measurement") == {"Observation/o1": 0}
    unmapped = [line for line in reconcile(hall(house))["types"] if line["type"] == "Observation"]
    assert (unmapped[0]["in"], unmapped[0]["unmapped"]) == (1, 1)
    house.hall(system("main")).record.write([Change("delete", "ConceptMap", items[0]["map"].partition("/")[2])])
    settle(house)
    publish(house, elsewhere)
    assert concepts(house, "measurement") == {"Observation/o1": 1}


def test_who_does_not_see_everybody_decides_too_and_goes_on_with_a_map_of_an_earlier_version(house: House) -> None:
    earlier = deciding._NAME + sha256(KCD.encode()).hexdigest()[:24]
    target = [{"code": "2", "equivalence": "equivalent"}]
    group = {"source": KCD, "target": deciding.OHDSI, "element": [{"code": "N183", "target": target}]}
    old = {"resourceType": "ConceptMap", "id": earlier, "status": "active", "group": [group]}
    denied = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HRESCH"}
    refusal = {"resourceType": "Consent", "id": "no", "status": "active", "scope": {"text": "x"},
               "category": [{"text": "x"}], "policyRule": {"text": "x"}, "patient": {"reference": "Patient/p1"},
               "provision": {"type": "deny", "purpose": [denied]}}  # fmt: skip
    write(house, PATIENT, old, refusal)
    assert [decide(house), decide(house, code="L9", concept=None), decide(house, system=KCD, code="N184")] == [1, 2, 2]
    found = {(one["code"], one["map"] == f"ConceptMap/{earlier}") for one in deciding.decisions(hall(house))}
    assert found == {("L3104", False), ("L9", False), ("N183", True), ("N184", True)}


def test_a_published_map_counts_unless_it_is_narrower_or_retired(house: House) -> None:
    def mapping(id: str, code: str, equivalence: str, status: str = "active") -> dict[str, Any]:
        target = {"code": "73211009", "equivalence": equivalence, "comment": "x"}
        group = {"source": LOCAL, "target": "http://snomed.info/sct", "element": [{"code": code, "target": [target]}]}
        return {"resourceType": "ConceptMap", "id": id, "status": status, "group": [group]}

    write(house, PATIENT, *(of("Condition", code, (LOCAL, code)) for code in ("a", "b", "c")))
    write(house, mapping("m1", "a", "wider"), mapping("m2", "b", "narrower"), mapping("m3", "c", "equal", "retired"))
    assert concepts(house, "condition_occurrence") == {"Condition/a": 4, "Condition/b": 0, "Condition/c": 0}


def test_a_claims_code_without_its_dot_is_found_and_a_mapped_value_is_kept(house: House) -> None:
    write(house, PATIENT, of("Condition", "c1", (KCD, "N183")), of("Condition", "c2", ("http://snomed.info/sct", "6")))
    assert concepts(house, "condition_occurrence") == {"Condition/c1": 2}
    view = View("o", "SELECT observation_concept_id AS c, value_as_concept_id AS v FROM observation", ("observation",))
    (row,) = house.seat("main").columnar.query(view, {}, ALL).to_pylist()
    assert (row["c"], row["v"]) == (5, 7)


def test_candidates_are_offered_by_code_by_words_and_by_jamo(house: House) -> None:
    def asked(**query: str) -> list[int]:
        request = Request("GET", "", {}, tuple(query.items()), {}, b"")
        return [one["concept"] for one in body(deciding.candidates(request, hall(house)))["items"]]

    assert asked(code="n183", label="CKD")[0] == 2
    assert asked(code="x", label="hemoglobin a1c")[0] == 1
    assert asked(code="x", label="당뇨벙")[0] == 4
    with pytest.raises(Invalid):
        asked(most="3")
    with pytest.raises(Invalid):
        deciding.decide(Request("POST", "", {}, (), {}, b'{"code":"x"}'), hall(house))


def test_likeness_takes_hangul_apart() -> None:
    assert likeness("당뇨병", "당뇨병") == 1.0
    assert likeness("당뇨벙", "당뇨병") > 0.6 > likeness("고혈압", "당뇨병")
    assert likeness("", "당뇨병") == 0.0
