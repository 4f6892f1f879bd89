"""`$export` from its beginning to its files: what is in them, who may have them, and what ends them."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests import bulk_house
from tests.bulk_house import LATER, BulkHouse, run
from tests.web_house import _Protocol

from onmaru.app.bulk import desk, exporting
from onmaru.kernel.audit import Access
from onmaru.kernel.tenancy import Tenancy


def patient(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "gender": "male", **more}


def observation(id: str, of: str, **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]}
    subject = {"reference": f"Patient/{of}"}
    return {"resourceType": "Observation", "id": id, "status": "final", "code": code, "subject": subject, **more}


WARD = {"resourceType": "Location", "id": "w1", "name": "W5"}
GROUP = {
    "resourceType": "Group",
    "id": "g1",
    "type": "person",
    "actual": True,
    "member": [{"entity": {"reference": "Patient/p1"}}, {"entity": {"reference": "Patient/p2"}, "inactive": True}],
}
CONSENT = {
    "resourceType": "Consent",
    "id": "c1",
    "status": "active",
    "scope": {"coding": [{"code": "patient-privacy"}]},
    "category": [{"text": "개인정보"}],
    "patient": {"reference": "Patient/p2"},
    "policyRule": {"text": "거부"},
    "provision": {"type": "deny"},
}


def filled(house: BulkHouse) -> None:
    house.put(
        patient("p1", name=[{"family": "홍", "given": ["길동"]}]),
        patient("p2"),
        observation("o1", "p1", valueQuantity={"value": 37.50, "unit": "C"}),
        observation("o2", "p2", status="preliminary"),
        WARD,
        GROUP,
    )


def ids(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    return {type: [one["id"] for one in some] for type, some in found.items()}


def test_a_system_export_gives_every_resource_as_it_is_stored(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        status = await house.begun("$export")
        done = await house.ended(status)
        manifest = done.json
        assert manifest["requiresAccessToken"] is True and manifest["request"].endswith("/fhir/$export")
        assert {one["type"]: one["count"] for one in manifest["output"]} == {
            "Group": 1, "Location": 1, "Observation": 2, "Patient": 2,
        }  # fmt: skip
        assert "expires" in done.headers and manifest["error"] == []
        (file,) = [one["url"] for one in manifest["output"] if one["type"] == "Observation"]
        given = (await house.ask("GET", file)).body
        stored = [(await house.ask("GET", f"Observation/{id}")).body for id in ("o1", "o2")]
        assert given == b"\n".join([*stored, b""]) and b"37.5" in given
        packed = await house.ask("GET", file, headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip" and gzip.decompress(packed.body) == given

    run(tmp_path, journey)


def test_the_levels_and_parameters_choose(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        found = ids(await house.exported("Patient/$export"))
        assert found == {"Group": ["g1"], "Observation": ["o1", "o2"], "Patient": ["p1", "p2"]}
        assert ids(await house.exported("Group/g1/$export")) == {
            "Group": ["g1"],
            "Observation": ["o1"],
            "Patient": ["p1"],
        }
        named = await house.exported(
            "Patient/$export?_type=Location,Observation&_typeFilter=Observation%3Fstatus%3Dfinal"
        )
        assert ids(named) == {"Location": ["w1"], "Observation": ["o1"]}
        two = "Observation%3Fstatus%3Dpreliminary,Observation%3Fstatus%3Dfinal%26code%3D8310-5"
        assert ids(await house.exported(f"$export?_type=Observation&_typeFilter={two}")) == {
            "Observation": ["o1", "o2"]
        }
        (only,) = (await house.exported("$export?_type=Patient&_elements=name&_typeFilter=Patient%3F_id%3Dp1"))[
            "Patient"
        ]
        assert "gender" not in only and only["name"] and only["meta"]["tag"][0]["code"] == "SUBSETTED"
        body = {"resourceType": "Parameters", "parameter": [
            {"name": "patient", "valueReference": {"reference": "Patient/p2"}}, {"name": "_type", "valueString": "Patient"},
        ]}  # fmt: skip
        posted = await house.ask("POST", "Patient/$export", body, LATER)
        done = await house.ended(posted.headers["content-location"])
        assert [one["id"] for one in await house.lines(done.json["output"][0]["url"])] == ["p2"]

    run(tmp_path, journey)


def origin(id: str, *of: str) -> dict[str, Any]:
    return {"resourceType": "Provenance", "id": id, "target": [{"reference": one} for one in of],
            "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": {"display": "검사실"}}]}  # fmt: skip


def test_where_resources_come_from_is_given_with_them_where_that_is_asked_for(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        house.put(
            origin("v1", "Observation/o1"),
            origin("v2", "Observation/o1", "Observation/o2"),
            origin("v3", "Location/w1"),
        )
        asked = "Group/g1/$export?_type=Observation&includeAssociatedData="
        every = {"Observation": ["o1"], "Provenance": ["v1", "v2"]}
        assert ids(await house.exported(f"{asked}RelevantProvenanceResources")) == every
        assert ids(await house.exported(f"{asked}LatestProvenanceResources")) == {**every, "Provenance": ["v2"]}

    run(tmp_path, journey)


def test_what_changes_after_the_beginning_is_for_the_next_export(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        status = await house.begun("$export?_type=Patient")
        house.put(patient("p1", gender="female"), patient("p3"))
        first = (await house.ended(status)).json
        told = await house.lines(first["output"][0]["url"])
        assert [(one["id"], one["gender"]) for one in told] == [("p1", "male"), ("p2", "male")]
        since = first["transactionTime"]
        assert ids(await house.exported(f"$export?_type=Patient&_since={since}")) == {"Patient": ["p1", "p3"]}
        assert ids(await house.exported(f"$export?_type=Patient&_until={since}")) == {"Patient": ["p2"]}

    run(tmp_path, journey)


REFUSED = (
    "_since=soon", "_type=Nothing", "_typeFilter=Observation", "_typeFilter=Observation?nothing=1", "_outputFormat=csv",
    "_typeFilter=Observation?_include=*", "includeAssociatedData=all", "x=1", "_elements=a.b.c", "patient=Patient/p1",
    "_type=Patient&_typeFilter=Observation?status=final",
)  # fmt: skip


def test_what_is_not_understood_is_refused_at_once_or_told_where_that_is_asked_for(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        for query in REFUSED:
            answer = await house.ask("GET", f"$export?{query}", headers=LATER)
            assert answer.status == 400 and answer.issues, query
        lenient = {"prefer": "respond-async, handling=lenient"}
        begun = await house.ask("GET", "$export?_type=Patient,Nothing&x=1", headers=lenient)
        told = (await house.ended(begun.headers["content-location"])).json
        assert [one["type"] for one in told["output"]] == ["Patient"]
        (error,) = told["error"]
        issues = [one["issue"][0] for one in await house.lines(error["url"])]
        assert [(one["severity"], one["expression"]) for one in issues] == [("warning", ["_type"]), ("warning", ["x"])]

    run(tmp_path, journey)


def test_only_who_may_have_everything_gets_an_export_and_only_they_see_it(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        doctor, other = house.issue("doctor", "physician"), house.issue("second", "data-manager")
        narrow = house.issue("keeper", "data-manager", "system/Patient.rs")
        for token, url, expected in (
            (doctor, "$export", 403), (narrow, "$export", 403), (narrow, "$export?_type=Observation", 403),
            (narrow, "Group/g1/$export", 403), (narrow, "$export?_type=Patient", 202), (other, "Group/none/$export", 404),
        ):  # fmt: skip
            assert (await house.ask("GET", url, headers=LATER, token=token)).status == expected, url
        assert (await house.ask("GET", "$export")).status == 400, "not asked to be answered later"
        status = await house.begun("$export")
        file = (await house.ended(status)).json["output"][0]["url"]
        for method, url in (("GET", status), ("DELETE", status), ("GET", file)):
            assert (await house.ask(method, url, token=other)).status == 404
            assert (await house.ask(method, url, token="nobody")).status == 401
        for wrong in (
            file[:-1] + ("0" if file[-1] != "0" else "1"),
            file.partition("?")[0],
            file.replace("expires=1", "expires=2"),
        ):
            assert (await house.ask("GET", wrong)).status == 404

    run(tmp_path, journey)


def test_a_consent_withdrawn_holds_for_what_is_not_fetched_yet(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        done = await house.ended(await house.begun("$export"))
        urls = {one["type"]: one["url"] for one in done.json["output"]}
        assert [one["id"] for one in await house.lines(urls["Patient"])] == ["p1", "p2"]
        house.put(CONSENT)
        assert [one["id"] for one in await house.lines(urls["Patient"])] == ["p1"]
        assert [one["id"] for one in await house.lines(urls["Observation"])] == ["o1"]
        assert ids(await house.exported("$export?_type=Patient,Group")) == {"Patient": ["p1"]}, (
            "a group names its members"
        )

    run(tmp_path, journey)


def test_a_label_put_on_later_holds_for_what_is_not_fetched_yet_by_the_purpose_it_is_fetched_for(
    tmp_path: Path,
) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        research = {"x-onmaru-purpose": "HRESCH"}
        begun = await house.ask("GET", "$export?_type=Observation", headers={**LATER, **research})
        file = (await house.ended(begun.headers["content-location"])).json["output"][0]["url"]
        secret = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
        given = []
        for _ in range(2):
            given += [(await house.ask("GET", file, headers=headers)).body.count(b"\n") for headers in (research, {})]
            house.put(observation("o2", "p2", meta={"security": [secret]}))
        assert given == [2, 2, 1, 2]

    run(tmp_path, journey)


def test_a_revoked_token_a_disabled_user_and_a_lost_role_end_it(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        logins = house.house.logins
        second = logins.issue(logins.accounts.user("main", "keeper"), "")[0]  # type: ignore[arg-type]  # there is one
        grant = logins.found(house.token)
        assert grant is not None
        async with house.resting():
            status = await house.begun("$export")
            logins.revoke(grant)
        ended = await house.ended(status, second)
        assert ended.status == 403 and ended.issues[0]["code"] == "forbidden"
        house.token = second
        done = await house.ended(await house.begun("$export"))
        house.issue("keeper", "registrar")
        urls = {one["type"]: one["url"] for one in done.json["output"]}
        assert (await house.ask("GET", urls["Observation"], token=second)).status == 403

    run(tmp_path, journey)


def test_a_file_is_cut_off_where_its_reader_may_no_longer_have_it_and_nobody_takes_that_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PART", 1)
    told: list[bytes] = []

    async def journey(house: BulkHouse) -> None:
        filled(house)
        grant = house.house.logins.found(house.token)
        assert grant is not None

        class Reader(_Protocol):
            async def send_bytes(self, data: bytes) -> None:
                told.append(data)
                house.house.logins.revoke(grant)

        done = await house.ended(await house.begun("$export?_type=Patient"))
        monkeypatch.setattr(bulk_house, "_Protocol", Reader)
        await house.ask("GET", done.json["output"][0]["url"])

    run(tmp_path, journey)
    assert json.loads(told[0])["id"] == "p1" and len(told) == 2
    with pytest.raises(json.JSONDecodeError):
        json.loads(told[1])


def test_a_suspended_tenants_jobs_rest_until_it_is_open_again(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        other = "other"
        house.house.tenancies.save(Tenancy(other))
        token = house.issue("keeper", "data-manager", tenant=other)
        house.put(patient("p1"), tenant=other)
        base = "http://hospital.example/t/other/fhir"
        async with house.resting():
            begun = await house.ask("GET", f"{base}/$export", headers=LATER, token=token)
            status = begun.headers["content-location"]
            assert (await house.ask("GET", status.replace("/t/other", ""))).status == 404, "no other tenant's job"
            house.house.tenancies.save(Tenancy(other, state="suspended"))
            assert (await house.ask("GET", status, token=token)).status == 403
        house.house.tenancies.save(Tenancy(other))
        done = await house.ended(status, token)
        assert [one["type"] for one in done.json["output"]] == ["Patient"]

    run(tmp_path, journey)


def test_a_cancelled_job_is_gone_with_all_its_bytes(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        status = await house.begun("$export")
        file = (await house.ended(status)).json["output"][0]["url"]
        assert (await house.ask("DELETE", status)).status == 202
        for url in (status, file):
            assert (await house.ask("GET", url)).status == 404
        assert (await house.ask("DELETE", status)).status == 404
        async with house.resting():
            running = await house.begun("$export")
            assert (await house.ask("DELETE", running)).status == 202
        assert (await house.ask("GET", running)).status == 404
        assert not list((house.house.folder("main") / "blobs").glob("??/*"))

    run(tmp_path, journey)


def test_every_page_of_a_file_leaves_an_audit_row_with_its_patients(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        filled(house)
        await house.exported("$export?_type=Observation")
        trail = house.house.seat("main").home.trail
        rows: list[Access] = [row for _, row in trail.page(user="keeper")]
        assert [row.patients for row in rows if "Observation.0.ndjson" in row.target and row.action == "read"] == [
            ("p1", "p2")
        ]
        assert any("$export?" in row.target or "$export $job" in row.target for row in rows)

    run(tmp_path, journey)


def test_a_killed_server_goes_on_with_its_jobs_and_a_file_is_the_same_afterwards(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    async def before(house: BulkHouse) -> None:
        filled(house)
        done = await house.ended(await house.begun("$export?_type=Observation"))
        seen["file"] = done.json["output"][0]["url"]
        seen["bytes"] = (await house.ask("GET", seen["file"])).body
        async with house.resting():
            seen["status"] = await house.begun("$export?_type=Patient")
            house.put(patient("p1", gender="female"))
            seen["token"] = house.token
            await house.desk.stop()

    async def after(house: BulkHouse) -> None:
        house.token = seen["token"]
        assert (await house.ask("GET", seen["file"])).body == seen["bytes"]
        done = await house.ended(seen["status"])
        told = await house.lines(done.json["output"][0]["url"])
        assert [(one["id"], one["gender"]) for one in told] == [("p1", "male"), ("p2", "male")]

    run(tmp_path, before)
    run(tmp_path, after)


def test_what_came_of_a_job_is_removed_when_its_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "SWEEP_EVERY", 0.01)

    async def journey(house: BulkHouse) -> None:
        filled(house)
        house.desk._lasts = 300_000
        status = await house.begun("$export?_type=Patient")
        file = (await house.ended(status)).json["output"][0]["url"]
        await asyncio.sleep(0.4)
        for url in (status, file):
            assert (await house.ask("GET", url)).status == 404
        assert not list((house.house.folder("main") / "blobs").glob("??/*"))

    run(tmp_path, journey)
