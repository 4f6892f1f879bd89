"""The data contract `omop`: every table of CDM 5.4 under its own name; a renewal equals a run over everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from onmaru.app.house import House, Place, system
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.lake import View
from onmaru.kernel.record import Change
from onmaru.rooms.omop.cdm import CLINICAL, COLUMNS, RESULTS, VOCABULARY, schema
from onmaru.rooms.omop.derivation import DERIVATION
from onmaru.rooms.omop.ids import number

LINEAGE = ["_source", "_version", "_t", "_patient"]
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
MADE = [step.table.name for step in DERIVATION.kept if step.kind != "codes"]  # a code that left stays mapped


def vocabulary(*rows: tuple[Any, ...], table: str = "concept") -> pa.Table:
    """Rows as the leading columns of a vocabulary table; the rest is empty."""
    kinds = schema(table)
    columns = [[row[place] if place < len(row) else None for row in rows] for place in range(len(kinds))]
    made = [pa.array(column, field.type) for column, field in zip(columns, kinds, strict=True)]
    return pa.Table.from_arrays(made, schema=pa.schema([(field.name, field.type) for field in kinds]))


CONCEPTS = (
    (1, "Pulse", "Measurement", "LOINC", "c", "S", "8867-4"),
    (2, "Old fever", "Condition", "SNOMED", "c", None, "old"),
    (3, "Fever", "Condition", "SNOMED", "c", "S", "386661006"),
    (4, "Infection", "Condition", "SNOMED", "c", "S", "40733004"),
    (10, "Aspirin", "Drug", "RxNorm", "Ingredient", "S", "1191"),
    (11, "Aspirin 100 MG Oral Tablet", "Drug", "RxNorm", "Clinical Drug", "S", "333"),
    (8507, "MALE", "Gender", "Gender", "c", "S", "M"),
    (9201, "Inpatient Visit", "Visit", "Visit", "c", "S", "IP"),
)
LINKS = ((2, 3, "Maps to"), (2, 4, "Maps to"))
ANCESTORS = ((10, 11, 1, 1), (10, 10, 0, 0))


def reference(name: str) -> dict[str, str]:
    return {"reference": name}


def patient(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "gender": "male", "birthDate": "1950-03-04", **more}


def stay(id: str, of: str, **more: Any) -> dict[str, Any]:
    base = {"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "IMP"}}
    return {
        **base,
        "subject": reference(f"Patient/{of}"),
        "period": {"start": "2020-01-01", "end": "2020-01-09"},
        **more,
    }


def pulse(id: str, of: str, in_: str = "", **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    base = {"resourceType": "Observation", "id": id, "status": "final", "code": code, "valueQuantity": {"value": 71}}
    inside = {"encounter": reference(f"Encounter/{in_}")} if in_ else {}
    return {**base, "subject": reference(f"Patient/{of}"), "effectiveDateTime": "2020-01-02", **inside, **more}


def fever(id: str, of: str, day: str, code: str = "386661006") -> dict[str, Any]:
    base = {"resourceType": "Condition", "id": id, "subject": reference(f"Patient/{of}"), "onsetDateTime": day}
    return {**base, "code": {"coding": [{"system": SNOMED, "code": code}]}}


def aspirin(id: str, of: str, day: str, **more: Any) -> dict[str, Any]:
    base = {"resourceType": "MedicationStatement", "id": id, "status": "active", "subject": reference(f"Patient/{of}")}
    code = {"coding": [{"system": RXNORM, "code": "333"}]}
    return {**base, "effectivePeriod": {"start": day, "end": day}, "medicationCodeableConcept": code, **more}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness"))
    yield made
    made.close()


def write(house: House, *changes: dict[str, Any] | Change) -> None:
    made = [
        one if isinstance(one, Change) else Change("update", one["resourceType"], one["id"], msgspec.json.encode(one))
        for one in changes
    ]
    house.hall(system("main")).record.write(made)
    seat = house.seat("main")
    seat.home.wait(seat.home.tip())
    house.catch_up("main")


def rows(store: ColumnarTables, table: str, sight: Sight = ALL) -> list[dict[str, Any]]:
    view = View(table, f"SELECT * FROM {table}", (table,))
    return sorted(store.query(view, {}, sight).to_pylist(), key=repr)


def everything(store: ColumnarTables) -> dict[str, list[dict[str, Any]]]:
    return {table: rows(store, table) for table in MADE}


def anew(house: House, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The tables of one run over everything, with the same site tables."""
    seat = house.seat("main")
    store = ColumnarTables(folder, b"k" * 32, seat.columnar.projections, seat.columnar.derivations.wanted)
    for name in seat.columnar.published():
        view = View(name, f"SELECT * FROM {name}", (name,))
        store.publish(name, seat.columnar.query(view, {}, ALL))
    for projection in store.projections:
        while store.catch_up(projection, seat.home):
            pass
    found = everything(store)
    store.close()
    return found


def test_every_table_of_the_cdm_is_there_with_exactly_its_columns(house: House) -> None:
    store = house.seat("main").columnar
    for table in (*CLINICAL, *VOCABULARY, *RESULTS):
        view = View(table, f"SELECT * FROM {table}", (table,))
        found = store.query(view, {}, ALL).schema
        lineage = LINEAGE if table in CLINICAL else []
        assert found.names == [*(name for name, _, _ in COLUMNS[table]), *lineage], table
        assert [found.field(field.name).type for field in schema(table)] == [field.type for field in schema(table)]


def test_a_renewal_equals_a_run_over_everything_whatever_came_before(house: House, tmp_path: Path) -> None:
    store = house.seat("main").columnar
    steps: list[Callable[[], None]] = [
        lambda: write(house, patient("p1"), stay("e1", "p1"), pulse("o1", "p1", "e1"), fever("c1", "p1", "2020-01-03")),
        lambda: store.publish("concept", vocabulary(*CONCEPTS)),
        # what was there before its patient, its visit and its drug
        lambda: write(
            house, pulse("o2", "p2", "e2"), aspirin("d1", "p2", "2020-02-01"), fever("c2", "p1", "2020-01-20", "old")
        ),
        lambda: write(house, patient("p2"), stay("e2", "p2")),
        lambda: store.publish("concept_relationship", vocabulary(*LINKS, table="concept_relationship")),
        lambda: write(house, aspirin("d2", "p2", "2020-02-20"), pulse("o1", "p1", "e1", status="entered-in-error")),
        lambda: store.publish("concept_ancestor", vocabulary(*ANCESTORS, table="concept_ancestor")),
        lambda: write(house, Change("delete", "Condition", "c1"), stay("e2", "p2", period={"start": "2020-01-01"})),
        lambda: write(house, stay("e3", "p2", partOf=reference("Encounter/e2")), pulse("o3", "p2", "e3")),
        lambda: write(house, patient("p2", link=[{"other": reference("Patient/p1"), "type": "replaced-by"}])),
        lambda: write(house, Change("erase", "Observation", "o3")),
    ]
    for place, step in enumerate(steps):
        step()
        store.derivations.renew()
        if place in (4, 8, len(steps) - 1):
            renewed = everything(store)
            assert renewed == anew(house, tmp_path / str(place)), f"after step {place}"
    drugs = {row["drug_concept_id"] for row in renewed["drug_era"]}
    (era,) = renewed["drug_era"]
    assert (drugs, era["drug_exposure_count"], str(era["drug_era_end_date"])) == ({10}, 2, "2020-02-20")
    assert {row["person_id"] for row in renewed["drug_exposure"]} == {number("Patient/p1")}
    # a code that maps to two standard concepts is two rows, of one source
    fevers = {row["condition_concept_id"]: row["_source"] for row in renewed["condition_occurrence"]}
    assert fevers == {3: "Condition/c2", 4: "Condition/c2"}
    assert len({row["condition_occurrence_id"] for row in renewed["condition_occurrence"]}) == 2
    assert renewed["visit_detail"][0]["visit_occurrence_id"] == number("Encounter/e2")


def test_who_is_hidden_is_in_no_row_and_no_sum_and_part_hidden_is_in_no_sum(house: House) -> None:
    store = house.seat("main").columnar
    store.publish("concept", vocabulary(*CONCEPTS))
    write(house, patient("p1"), patient("p2"), fever("c1", "p1", "2020-01-03"), fever("c2", "p1", "2020-03-20"))
    write(house, fever("c3", "p2", "2020-01-03"))
    whole = msgspec.structs.replace(ALL, denied=frozenset({"p1"}))
    for table in ("person", "condition_occurrence", "condition_era", "observation_period"):
        assert {row["_patient"] for row in rows(store, table, whole)} == {"p2"}, table
    part = msgspec.structs.replace(ALL, concealed=frozenset({"Condition/c2"}))
    (period,) = (row for row in rows(store, "observation_period", part) if row["_patient"] == "p1")
    assert str(period["observation_period_end_date"]) == "2020-01-03"
    assert rows(store, "condition_occurrence", part) == [
        row for row in rows(store, "condition_occurrence") if row["_source"] != "Condition/c2"
    ]
    assert len(rows(store, "condition_era", part)) == 2
    assert len(rows(store, "condition_era")) == 3
