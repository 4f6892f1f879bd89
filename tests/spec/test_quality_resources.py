"""Each check of resources on made resources: it finds those that violate it, no other, and counts the right total."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from onmaru.engines.duck.script import Handed, ScriptRun
from onmaru.fhir.columnar import filled, read, row, table
from onmaru.kernel.lake import Layout, Script
from onmaru.kernel.views import arrow_type
from onmaru.rooms.quality.resources import listed
from onmaru.rooms.quality.resources.counting import counting
from onmaru.rooms.quality.rows import subject

SEEN = "2024-06-02T00:00:00.000Z"
Json = dict[str, Any]


class Made:
    """As much of a lake as the checks ask: resource tables of the resources in one case, at positions in their order."""

    def __init__(self, resources: Sequence[Json]) -> None:
        self.tables: dict[str, pa.Table] = {}
        every = [read(msgspec.json.encode(one)) for one in resources]
        for type in {*listed.types(), "Provenance"}:
            mine = [(t, one) for t, one in enumerate(every) if one["resourceType"] == type]
            tree = filled(type, [one for _, one in mine]) if mine else table(type)
            own = {"_source": pa.string(), "_version": pa.int64(), "_t": pa.int64(), "_patient": pa.string()}
            schema = pa.schema([*((name, arrow_type(c)) for name, c in tree.columns.items()), *own.items()])
            names = {id(one): f"{type}/{one['id']}" for _, one in mine}
            rows = [
                {**row(tree, one), "_source": names[id(one)], "_version": 1, "_t": t, "_patient": ""} for t, one in mine
            ]
            self.tables[type] = pa.Table.from_pylist(rows, schema=schema)

    def layout(self, name: str) -> Layout:
        return Layout(self.tables[name].schema, 1, 1, 1)

    def run(self, script: Script) -> dict[str, pa.Table]:
        @contextmanager
        def handed() -> Iterator[Handed]:
            parts = {f"__{name}": self.tables[name] for name in script.tables}
            yield Handed(parts, {name: f'SELECT * FROM "__{name}" r' for name in script.tables}, {})

        return ScriptRun(script, handed).compute()


def patient(id: str = "p", **more: Any) -> Json:
    return {"resourceType": "Patient", "id": id, "birthDate": "1980-05-05", "gender": "male", **more}


def result(id: str, at: str = "2024-06-01T10:00:00+09:00", **more: Any) -> Json:
    quantity = {"value": 5, "unit": "mmol/L", "code": "mmol/L", "system": "http://unitsofmeasure.org"}
    code = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}
    told = {"effectiveDateTime": at, "valueQuantity": quantity, "code": code, "status": "final"}
    return {"resourceType": "Observation", "id": id, "subject": {"reference": "Patient/p"},
            "meta": {"lastUpdated": SEEN}, **told, **more}  # fmt: skip


def stay(id: str = "v", **more: Any) -> Json:
    period = {"start": "2024-06-01T09:00:00+09:00", "end": "2024-06-05"}
    return {"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "IMP"}, "period": period,
            "subject": {"reference": "Patient/p"}, "meta": {"lastUpdated": SEEN}, **more}  # fmt: skip


def amount(value: float, unit: str = "mmol/L") -> Json:
    return {"valueQuantity": {"value": value, "unit": unit}}


def message(id: str, *segments: str, sent: str = "2024-06-01T23:30:00Z", head: str = "") -> Json:
    data = "\r".join([f"MSH|^~\\&|EMR|한빛병원{head}", *segments, ""]).encode("euc_kr")
    attachment = {"contentType": "x-application/hl7-v2+er7;charset=euc-kr", "data": base64.b64encode(data).decode()}
    return {"resourceType": "DocumentReference", "id": id, "status": "current", "date": sent, "meta": {"lastUpdated": SEEN},
            "subject": {"reference": "Patient/p"}, "content": [{"attachment": attachment}]}  # fmt: skip


def brought(message: str, *targets: str, sent: str = "2024-06-01T23:30:00Z") -> Json:
    return {"resourceType": "Provenance", "id": f"of-{message}", "recorded": sent, "agent": [{"who": {"display": "한빛"}}],
            "target": [{"reference": one} for one in targets],
            "entity": [{"role": "source", "what": {"reference": f"DocumentReference/{message}"}}]}  # fmt: skip


PID = "PID|1||7^^^HOSP^MR||홍^길동||19800505|M"
MANY = [result(f"m{n}", at=f"2024-05-{n + 1:02}", **amount(5 + n % 4)) for n in range(20)]
CODE = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}
DOSE = {"resourceType": "MedicationAdministration", "status": "completed", "subject": {"reference": "Patient/p"},
        "meta": {"lastUpdated": SEEN}}  # fmt: skip
NOTED = {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "meta": {"lastUpdated": SEEN}}
# Check, resources, the ids of those that violate it, how many are looked at
CASES: list[tuple[str, Sequence[Json], set[str], int]] = [
    ("resourceFilled.Patient.birthDate", [patient(), patient("q", birthDate=None)], {"q"}, 2),
    ("resourceFilled.Patient.identifier", [patient(identifier=[{"value": "7"}]), patient("q")], {"q"}, 2),
    ("resourceFilled.Observation.value", [result("a"), result("b", valueQuantity=None),
     result("c", valueQuantity=None, dataAbsentReason={"text": "혈액 부족"})], {"b"}, 3),
    ("resourceFilled.Observation.valueQuantity.unit", [result("a"), result("b", valueQuantity={"value": 5}),
     result("c", valueQuantity=None)], {"b"}, 2),
    ("resourceFilled.Condition.onset", [{**NOTED, "id": "a", "recordedDate": "2024"}, {**NOTED, "id": "b"}], {"b"}, 2),
    ("resourcePlaced.Encounter.location", [stay(location=[{"location": {"reference": "Location/l"}}]), stay("w"),
     stay("x", **{"class": {"code": "AMB"}}), stay("y", status="cancelled")], {"w"}, 2),
    ("resourceCoded.Observation.unit", [result("a"), result("b", **amount(5))], {"b"}, 2),
    ("resourceCoded.Observation.code", [result("a"), result("b", code={"coding": [{"code": "K"}]})], {"b"}, 2),
    ("resourceReference.Observation.subject", [patient(), result("a"), result("b", subject={"reference": "Patient/x"}),
     result("c", subject={"display": "누구"})], {"b"}, 2),
    ("resourceFuture.Observation.effective", [result("a"), result("b", at="2024-06-03"), result("c", at="2024-06-04"),
     result("d", at="2025")], {"c", "d"}, 4),
    ("resourceBeforeBirth.Observation.effective", [patient(), result("a"), result("b", at="1980-05-04T23:00:00+09:00"),
     result("c", at="1980"), result("d", at="1979-12")], {"b", "d"}, 4),
    ("resourceAfterDeath.Observation.effective", [patient(deceasedDateTime="2024-01-01"), result("a"),
     result("b", at="2024-03-01")], {"a"}, 2),
    ("resourceOrder.Encounter.period", [stay(),
     stay("w", period={"start": "2024-06-05T10:00:00+09:00", "end": "2024-06-05"}),
     stay("x", period={"start": "2024-06-05T10:00:00+09:00", "end": "2024-06-05T00:30:00Z"})], {"x"}, 3),
    ("resourceOutsideVisit.Observation.effective", [stay(), *(result(id, at=at, encounter={"reference": "Encounter/v"})
     for id, at in (("a", "2024-06-03"), ("b", "2024-06-12"), ("c", "2024-06-14"), ("d", "2024-05-20")))], {"c", "d"}, 4),
    ("resourceUnit.Observation.valueQuantity.unit", [*MANY, result("a", **amount(5, "mg/dL"))], {"a"}, 21),
    ("resourceSpread.Observation.valueQuantity", [*MANY, result("a", **amount(126)), result("b", **amount(9)),
     result("c", **amount(-1))], {"a"}, 22),
    ("resourceLate.Observation.effective", [result("a"), result("b", at="2024-05-30"), result("c", at="2024-05"),
     result("d", at="2024-04")], {"b", "d"}, 4),
    ("messageLate.DocumentReference.date", [message("a"), message("b", sent="2024-06-01T22:00:00Z")], {"b"}, 2),
    ("messageShifted.Observation.effective", [result("a"), result("b", at="2024-06-09"), result("c", at="2019"), result("d"),
     message("m"), brought("m", "Observation/a", "Observation/b", "Observation/c")], {"b", "c"}, 3),
    ("resourceRepeated.Observation.value", [result("a"), result("b"), result("c", **amount(6)),
     result("d", status="entered-in-error")], {"b"}, 3),
    ("resourceDisagreeing.Observation.value", [result("a"), result("b", **amount(6)), result("c", at="2024-05-01")],
     {"a", "b"}, 3),
    ("samePerson.Patient.identifier", [patient(identifier=[{"system": "n", "value": "7"}]),
     patient("q", identifier=[{"system": "n", "value": "7"}], gender="female"),
     patient("r", identifier=[{"system": "n", "value": "8"}])], {"p", "q"}, 3),
    ("messageRepeated.DocumentReference.content", [message("a", PID, head="|1"), message("b", PID, head="|2"),
     message("c", PID, "PV1|1|I", head="|3")], {"b"}, 3),
    ("messageSex.DocumentReference.PID-8", [patient(), message("a", PID), message("b", PID[:-1] + "F"),
     message("c", PID[:-1] + "U"), message("d", "ZZZ|1")], {"b"}, 2),
    ("messageBirth.DocumentReference.PID-7", [patient(), message("a", PID), message("b", PID.replace("0505", "0506")),
     message("c", PID.replace("19800505", "1980"))], {"b"}, 2),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_check_finds_the_resources_that_violate_it(case: tuple[str, Sequence[Json], set[str], int]) -> None:
    id, resources, wrong, total = case
    made = Made([{name: value for name, value in one.items() if value is not None} for one in resources])
    check = next(one for one in listed.checks() if one.id == id)
    counted, asked = counting(made, [(0, check)], 60), subject(made, check)  # type: ignore[arg-type]  # a lake's part
    assert asked is not None and {*asked.tables} <= {*counted.tables}
    rows = f"CREATE TABLE rows AS SELECT t._source AS s, {asked.value} AS v {asked.source} AND ({asked.wrong})"
    both = Script("t", (*counted.statements, rows), counted.tables, ("found", "rows"))
    told = made.run(both)
    assert [(row["violated"], row["total"]) for row in told["found"].to_pylist()] == [(len(wrong), total)]
    assert {row["s"].partition("/")[2] for row in told["rows"].to_pylist()} == wrong


def test_every_kind_in_sql_has_a_case() -> None:
    kinds = {check.kind for check in listed.checks()} - {listed.VALID}
    assert {id.partition(".")[0] for id, *_ in CASES} == kinds


def test_each_check_runs_where_there_is_no_resource_at_all() -> None:
    asked = [(number, check) for number, check in enumerate(listed.checks()) if check.kind != listed.VALID]
    found = Made([]).run(counting(Made([]), asked, 60))["found"].to_pylist()  # type: ignore[arg-type]  # as above
    assert {(row["violated"], row["total"]) for row in found} == {(0, 0)} and len(found) == len(asked)


def test_a_dose_of_a_visit_is_looked_at_through_its_context() -> None:
    dose: Mapping[str, Any] = {
        **DOSE,
        "id": "d",
        "context": {"reference": "Encounter/v"},
        "effectiveDateTime": "2024-07-01",
    }
    made = Made([stay(), dict(dose)])
    check = next(one for one in listed.checks() if one.id == "resourceOutsideVisit.MedicationAdministration.effective")
    (found,) = made.run(counting(made, [(0, check)], 60))["found"].to_pylist()  # type: ignore[arg-type]  # as above
    assert (found["violated"], found["total"]) == (1, 1)
