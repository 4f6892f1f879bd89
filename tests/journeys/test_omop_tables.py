"""The data contract `omop`: every table of CDM 5.4 under its own name; a renewal equals a run over everything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from onmaru.app.house import House, Place, system
from onmaru.engines.duck import settling
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.lake import Script, View
from onmaru.kernel.record import Change
from onmaru.rooms.omop.cdm import CLINICAL, COLUMNS, RESULTS, VOCABULARY, schema
from onmaru.rooms.omop.derivation import DERIVATION
from onmaru.rooms.omop.ids import number
from onmaru.rooms.omop.views import named

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
STRENGTHS = ((11, 10, 100.0, 8576),)
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


def tablets(id: str, of: str, day: str, number: float, days: int, code: str = "333") -> dict[str, Any]:
    base = {"resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order", "authoredOn": day}
    supply = {"quantity": {"value": number}, "expectedSupplyDuration": {"value": days, "code": "d"}}
    concept = {"coding": [{"system": RXNORM, "code": code}]}
    return {
        **base,
        "subject": reference(f"Patient/{of}"),
        "dispenseRequest": supply,
        "medicationCodeableConcept": concept,
    }


def specimen(id: str, of: str) -> dict[str, Any]:
    taken = {"collectedDateTime": "2020-01-02"}
    return {"resourceType": "Specimen", "id": id, "subject": reference(f"Patient/{of}"), "collection": taken}


def episode(id: str, of: str) -> dict[str, Any]:
    base = {"resourceType": "EpisodeOfCare", "id": id, "status": "active", "patient": reference(f"Patient/{of}")}
    return {**base, "period": {"start": "2020-01-01"}}


def doses(store: ColumnarTables) -> list[tuple[Any, ...]]:
    sql = """SELECT CAST(dose_era_start_date AS VARCHAR), CAST(dose_era_end_date AS VARCHAR), drug_concept_id,
        unit_concept_id, dose_value, _source FROM dose_era ORDER BY ALL"""
    return [tuple(row.values()) for row in store.query(View("doses", sql, ("dose_era",)), {}, ALL).to_pylist()]


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


def everything(store: ColumnarTables) -> dict[str, Any]:
    """Of every table how many rows it has, and a sum that any other row would change."""
    sums = (
        f"(SELECT {{'n': count(*), 'sum': sum(hash(r)), 'mixed': bit_xor(hash(r))}} FROM {name} r) AS {name}"
        for name in MADE
    )
    (found,) = store.query(View("everything", f"SELECT {', '.join(sums)}", tuple(MADE)), {}, ALL).to_pylist()
    return dict(found)


def anew(house: House, folder: Path) -> dict[str, Any]:
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


def test_a_renewal_equals_a_run_over_everything_whatever_came_before(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "MANY", 2)  # so that pieces are joined on the way
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
        lambda: write(house, tablets("r1", "p2", "2020-03-01", 60, 30), tablets("r2", "p2", "2020-04-20", 30, 15)),
        lambda: store.publish("drug_strength", vocabulary(*STRENGTHS, table="drug_strength")),
        lambda: write(house, Change("delete", "Condition", "c1"), stay("e2", "p2", period={"start": "2020-01-01"})),
        lambda: write(house, stay("e3", "p2", partOf=reference("Encounter/e2")), pulse("o3", "p2", "e3")),
        lambda: write(house, patient("p2", link=[{"other": reference("Patient/p1"), "type": "replaced-by"}])),
        lambda: write(house, Change("erase", "Observation", "o3")),
        # what was measured in a specimen, and a visit of an episode, before these are there
        lambda: write(
            house,
            pulse("o4", "p1", specimen=reference("Specimen/s1")),
            stay("e4", "p1", episodeOfCare=[reference("EpisodeOfCare/c1")]),
        ),
        lambda: write(house, specimen("s1", "p1"), specimen("s2", "p1"), episode("c1", "p1")),
        # a part before its whole, and what happens in a visit that has not ended
        lambda: write(
            house,
            stay("e5", "p1", partOf=reference("Encounter/e6")),
            stay("e8", "p1", period={"start": "2020-01-01"}),
        ),
        lambda: write(
            house,
            stay("e6", "p1", partOf=reference("Encounter/e7")),
            pulse("o8", "p1", "e8", effectiveDateTime="2020-02-02"),
        ),
        lambda: store.publish("domain", vocabulary(("Measurement", "", 21), ("Specimen", "", 36), table="domain")),
        lambda: write(house, stay("e7", "p1"), pulse("o5", "p1", "e5")),
    ]
    for place, step in enumerate(steps):
        step()
        if place % 3 == 2:
            store.derivations._made[0].noted = None  # as after a restart: what ended is found by comparing
        store.derivations.renew()
        if place in (4, 9, 16, len(steps) - 1):
            renewed = everything(store)
            assert renewed == anew(house, tmp_path / str(place)), f"after step {place}"
    assert renewed["person"]["n"] == 1 and renewed["drug_exposure"]["n"] == 4
    (era,) = rows(store, "drug_era")
    shown = (era["drug_concept_id"], era["drug_exposure_count"], era["gap_days"], str(era["drug_era_end_date"]))
    assert shown == (10, 4, 50, "2020-05-04")
    assert doses(store) == [("2020-03-01", "2020-05-04", 10, 8576, 200.0, "Patient/p1")]
    assert {row["person_id"] for row in rows(store, "drug_exposure")} == {number("Patient/p1")}
    # a code that maps to two standard concepts is two rows, of one source
    fevers = rows(store, "condition_occurrence")
    assert {row["condition_concept_id"]: row["_source"] for row in fevers} == {3: "Condition/c2", 4: "Condition/c2"}
    assert len({row["condition_occurrence_id"] for row in fevers}) == 2
    details = {row["visit_detail_id"]: row["visit_occurrence_id"] for row in rows(store, "visit_detail")}
    wholes = {"e3": "e2", "e5": "e7", "e6": "e7"}
    assert details == {number(f"Encounter/{one}"): number(f"Encounter/{of}") for one, of in wholes.items()}
    ends = {row["visit_occurrence_id"]: str(row["visit_end_date"]) for row in rows(store, "visit_occurrence")}
    assert ends[number("Encounter/e8")] == "2020-02-02"
    # both ways, and told where it came from
    measured, taken = number("Observation/o4"), number("Specimen/s1")
    related = {tuple(row.values())[:5] for row in rows(store, "fact_relationship")}
    assert related == {(21, measured, 36, taken, 0), (36, taken, 21, measured, 0)}
    assert {row["_source"] for row in rows(store, "fact_relationship")} == {"Observation/o4"}
    report = store.query(named("promised"), {}, ALL).to_pylist()
    told = {row["table"]: (row["promised"], row["there"]) for row in report}
    assert (told["fact_relationship"], told["episode_event"]) == ((2, 2), (1, 1))
    (event,) = rows(store, "episode_event")
    assert (event["episode_id"], event["event_id"]) == (number("EpisodeOfCare/c1"), number("Encounter/e4"))


def test_a_version_that_comes_while_the_tables_are_made_neither_stays_twice_nor_is_lost(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = house.seat("main").columnar.derivations
    write(house, patient("p1"), pulse("o1", "p1"), pulse("o2", "p1"))
    made.renew()
    write(house, pulse("o2", "p1", valueQuantity={"value": 60}))
    asked, waiting = made.source, [pulse("o1", "p1", valueQuantity={"value": 50}), pulse("o3", "p1")]

    def meanwhile(name: str, scope: Any, after: int) -> str:
        if name == "omop_visit" and waiting:
            write(house, *(waiting.pop() for _ in tuple(waiting)))
        return asked(name, scope, after)

    monkeypatch.setattr(made, "source", meanwhile)
    made.renew()
    made.renew()
    store = house.seat("main").columnar
    assert everything(store) == anew(house, tmp_path / "anew")
    told = {row["_source"]: row["value_as_number"] for row in rows(store, "measurement")}
    assert told == {"Observation/o1": 50, "Observation/o2": 60, "Observation/o3": 71}


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
    # what is hidden is no row of these tables: then the kept rows are read
    apart = msgspec.structs.replace(ALL, concealed=frozenset({"Provenance/x"}), masked=frozenset({("s", "R")}))
    with store._handed(("condition_era",), apart, None) as handed:
        assert list(handed.tables) == ["condition_era"]
    with store._handed(("condition_era",), part, None) as handed:
        assert len(handed.tables) > 10
    assert len(rows(store, "condition_era")) == 3


def test_the_first_script_tells_the_position_that_it_made_its_tables_of(house: House) -> None:
    write(house, patient("p1"))
    seat, lake = house.seat("main"), house.hall(system("main")).lake
    seat.columnar.derivations.calm = threading.get_ident()  # as in a house that serves
    statement = "CREATE TABLE found AS SELECT count(*) AS n FROM person"
    run = lake.script(Script("first", (statement,), ("person",), ("found",)))
    with ThreadPoolExecutor(1) as pool:
        results = pool.submit(run).result()
    assert (results.t, results.tables["found"].to_pylist()) == (seat.home.head(), [{"n": 1}])


def test_a_dose_era_is_one_ingredient_at_one_daily_dose_without_a_gap_of_31_days(house: House) -> None:
    store = house.seat("main").columnar
    inhaler = (12, "Aspirin 1 MG/ACTUAT Inhaler", "Drug", "RxNorm", "Clinical Drug", "S", "444")
    patch = (13, "Aspirin 2 MG/HR Patch", "Drug", "RxNorm", "Clinical Drug", "S", "555")
    syrup = (14, "Aspirin 50 MG/ML Syrup", "Drug", "RxNorm", "Clinical Drug", "S", "666")
    units = (
        (8576, "milligram", "Unit", "UCUM", "Unit", "S", "mg"),
        (21, "actuation", "Unit", "UCUM", "Unit", "S", "{actuat}"),
        (22, "hour", "Unit", "UCUM", "Unit", "S", "h"),
        (23, "milliliter", "Unit", "UCUM", "Unit", "S", "mL"),
    )
    store.publish("concept", vocabulary(*CONCEPTS, inhaler, patch, syrup, *units))
    strengths = (
        *STRENGTHS,
        (12, 10, None, None, 1.0, 8576, None, 21),
        (13, 10, None, None, 2.0, 8576, None, 22),
        (14, 10, None, None, 50.0, 8576, 1.0, 23),
    )
    store.publish("drug_strength", vocabulary(*strengths, table="drug_strength"))
    orders = [
        tablets("a", "p1", "2020-01-01", 60, 30),  # 200 mg a day, until 01-30
        tablets("b", "p1", "2020-02-29", 20, 10),  # 30 days later: the same era
        tablets("c", "p1", "2020-04-10", 20, 10),  # 33 days later: another
        tablets("d", "p1", "2020-04-10", 10, 10),  # half the dose
        tablets("e", "p1", "2021-01-01", 40, 10, "444"),
        tablets("f", "p1", "2021-03-01", 4, 28, "555"),
        tablets("g", "p1", "2022-01-01", 100, 10, "666"),  # a volume or bottles: nobody knows
        aspirin("h", "p1", "2023-01-01"),  # no quantity
    ]
    untimed = tablets("i", "p1", "2024-01-01", 10, 10)
    del untimed["dispenseRequest"]["expectedSupplyDuration"]
    write(house, patient("p1"), *orders, untimed)
    mg = 8576
    assert doses(store) == [
        ("2020-01-01", "2020-03-09", 10, mg, 200.0, "Patient/p1"),
        ("2020-04-10", "2020-04-19", 10, mg, 100.0, "Patient/p1"),
        ("2020-04-10", "2020-04-19", 10, mg, 200.0, "Patient/p1"),
        ("2021-01-01", "2021-01-10", 10, mg, 4.0, "Patient/p1"),
        ("2021-03-01", "2021-03-28", 10, mg, 48.0, "Patient/p1"),
    ]
    assert len({row["dose_era_id"] for row in rows(store, "dose_era")}) == 5
    assert [row["name"] for row in rows(store, "metadata")][:1] == ["source"]
