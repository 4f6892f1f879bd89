"""Where features made apart meet: a limit that one keeps holds on the others' paths too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.bulk_house import LATER, BulkHouse, run
from tests.journeys.test_bulk_export import observation, patient
from tests.journeys.test_bulk_import import binary, manifest, ndjson

from onmaru.app.house import MAIN, system
from onmaru.kernel.accounts import User

HIDING = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}]}


def bound(house: BulkHouse) -> str:
    """The token of an app that a data manager bound to one patient."""
    made = User(MAIN, "bound", "bound", ("data-manager",), patient="p1")
    house.house.logins.keep_user(made)
    return house.house.logins.issue(made, "patient/*.cruds")[0]


def test_who_is_bound_to_one_patient_brings_nothing_in_bulk_and_reads_no_audit_trail(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        house.put(patient("p1"), patient("p2"))
        binary(house, "a", ndjson(observation("o1", "p2")))
        token = bound(house)
        answer = await house.ask("POST", "$import", manifest(("Observation", "Binary/a")), LATER, token)
        assert (answer.status, answer.json["issue"][0]["diagnostics"]) == (403, "not permitted: patient")
        assert "entry" not in (await house.ask("GET", "AuditEvent", token=token)).json
        assert (await house.ask("GET", "AuditEvent/row-1", token=token)).status == 404

    run(tmp_path, journey)


def test_a_filter_of_an_export_may_name_a_value_set(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        house.put(patient("p1", gender="female"), patient("p2", gender="male"))
        genders = "http:%252F%252Fhl7.org/fhir/ValueSet/administrative-gender"
        asked = f"$export?_type=Patient&_typeFilter=Patient%3Fgender:in={genders}"
        assert len((await house.exported(asked))["Patient"]) == 2
        unknown = await house.ended(
            await house.begun("$export?_typeFilter=Patient%3Fgender:in=http:%252F%252Fnone.example")
        )
        assert (unknown.status, unknown.json["issue"][0]["code"]) == (422, "not-supported")

    run(tmp_path, journey)


def test_a_job_that_somebody_wrote_by_hand_destroys_nothing(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        house.put(patient("p1"))
        status = await house.begun("$export")
        await house.ended(status)
        real = (await house.ask("GET", f"Task/{status.rpartition('/')[2]}")).json
        blobs = house.house.hall(system(MAIN)).blobs
        victim = blobs.put([b"of somebody else"], label="other")
        task: dict[str, Any] = {**real, "output": [{"type": {"text": "file"}, "valueString": victim}]}
        task.pop("id")
        forged = (await house.ask("POST", "Task", task)).json["id"]
        assert (await house.ask("DELETE", f"$job/{forged}")).status == 404
        assert blobs.has(victim)
        assert (await house.ask("GET", status)).status == 200

    run(tmp_path, journey)


def test_a_document_that_is_kept_bears_the_labels_of_what_is_in_it(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        secret = observation("o1", "p1", meta=HIDING)
        composition = {
            "resourceType": "Composition",
            "id": "c",
            "status": "final",
            "type": {"text": "note"},
            "subject": {"reference": "Patient/p1"},
            "date": "2026-11-23",
            "author": [{"display": "Kim"}],
            "title": "note",
            "section": [{"title": "values", "entry": [{"reference": "Observation/o1"}]}],
        }
        house.put(patient("p1"), secret, composition)
        nurse = house.issue("nurse", "nurse")
        kept = await house.ask("POST", "Composition/c/$document?persist=true")
        assert kept.status == 200 and b"Observation/o1" in kept.body and kept.json["meta"]["security"]
        assert (await house.ask("GET", "Observation/o1", token=nurse)).status == 404
        assert (await house.ask("GET", f"Bundle/{kept.json['id']}", token=nurse)).status == 404

    run(tmp_path, journey)


def test_a_running_house_makes_rows_of_an_own_parameter_as_it_is_posted_and_written_under(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        house.put(patient("p1", gender="female"))
        own = {"id": "sex", "url": "http://x/sex", "status": "active", "code": "sex", "name": "sex", "type": "token"}
        own |= {"description": "x", "expression": "Patient.gender", "base": ["Patient"]}
        assert (await house.ask("POST", "SearchParameter", {"resourceType": "SearchParameter", **own})).status == 201
        for id in ("p1", "p2"):
            house.put(patient(id, gender="female"))
            found = (await house.ask("GET", "Patient?sex=female")).json
            assert {one["resource"]["id"] for one in found["entry"]} == {"p1", id}
            assert await indexed(house) == "indexed"

    run(tmp_path, journey)


async def indexed(house: BulkHouse) -> str:
    """What the status is once it changes no more."""
    status = ""
    for _ in range(100):
        told = (await house.ask("GET", "SearchParameter/$index-status")).json["parameter"]
        status = next(part["valueCode"] for part in told[0]["part"] if part["name"] == "status")
        if status == "indexed":
            break
        await asyncio.sleep(0.05)
    return status
