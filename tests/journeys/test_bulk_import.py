"""`$import` from its manifest to the record: what is taken, what is told of what is not, and that twice is once."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.bulk_house import LATER, BulkHouse, run
from tests.journeys.test_bulk_export import observation, patient
from tests.unit.test_outbound import served, told

from onmaru.adapters.letters import inputs
from onmaru.adapters.lines import LINE, Line, lines, plain
from onmaru.app.bulk import importing
from onmaru.app.house import system
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.outbound import Rules


def ndjson(*resources: Any) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in resources) + b"\n"


def binary(house: BulkHouse, id: str, data: bytes) -> None:
    """Put a file into the record, where an import finds it."""
    text = base64.b64encode(data).decode()
    house.put({"resourceType": "Binary", "id": id, "contentType": "application/fhir+ndjson", "data": text})


def manifest(*inputs: tuple[str, str]) -> dict[str, Any]:
    named = [{"type": type, "url": url} for type, url in inputs]
    return {"inputFormat": "application/fhir+ndjson", "inputSource": "https://source.example", "input": named}


async def imported(house: BulkHouse, body: Any, token: str | None = None) -> Any:
    begun = await house.ask("POST", "$import", body, LATER, token)
    assert begun.status == 202, begun.body
    done = await house.ended(begun.headers["content-location"], token)
    assert done.status == 200, done.body
    return done.json


def total(house: BulkHouse, id: str) -> list[int]:
    """The versions of a patient."""
    found = house.house.seat("main").tenant.index.positions("Patient", id, 10**6)
    return list(found)


def test_lines_are_taken_whole_and_each_that_is_not_is_told_with_its_file_and_number(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        weight = observation("o1", "p1", valueQuantity={"value": 37.50, "unit": "C"})
        bad = {"resourceType": "Patient", "id": "p3", "birthDate": "soon"}
        same = patient("p1", gender="female")
        binary(house, "a", ndjson(patient("p1"), b"", bad, b"{", patient("p2"), observation("o9", "p1"), same))
        binary(house, "b", gzip.compress(ndjson(weight).replace(b"37.5,", b"37.50,")))
        told = await imported(house, manifest(("Patient", "Binary/a"), ("Observation", "Binary/b")))
        assert [(one["type"], one["inputUrl"], one["count"]) for one in told["output"]] == [
            ("Patient", "Binary/a", 3), ("Observation", "Binary/b", 1),
        ]  # fmt: skip
        (error,) = told["error"]
        assert (error["inputUrl"], error["count"]) == ("Binary/a", 3)
        issues = [one["issue"][0] for one in await house.lines(error["url"])]
        assert [one["details"]["text"] for one in issues] == [f"Binary/a line {number}" for number in (3, 4, 6)]
        assert issues[0]["expression"] == ["Patient.birthDate"] and "soon" not in str(issues)
        assert b'"value":37.50' in (await house.ask("GET", "Observation/o1")).body, "tokens stay as they were written"
        assert len(total(house, "p1")) == 2 and (await house.ask("GET", "Patient/p1")).json["gender"] == "female"

    run(tmp_path, journey)


def test_a_file_that_cannot_be_had_or_read_is_told_and_the_others_are_taken(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        binary(house, "torn", gzip.compress(b"{}\n" * 100)[:-9])
        binary(house, "good", ndjson(patient("p1")))
        told = await imported(house, manifest(*(("Patient", f"Binary/{id}") for id in ("torn", "none", "good"))))
        assert [(one["inputUrl"], one["count"]) for one in told["output"]] == [("Binary/good", 1)]
        assert [one["inputUrl"] for one in told["error"]] == ["Binary/torn", "Binary/none"]
        (issue,) = (await house.lines(told["error"][0]["url"]))[0]["issue"]
        assert (issue["code"], issue["details"]["text"]) == ("structure", "Binary/torn")

    run(tmp_path, journey)


def test_the_same_file_again_adds_nothing_and_tells_the_same(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        binary(house, "a", ndjson(patient("p1"), b"x"))
        parameters = {"resourceType": "Parameters", "parameter": [
            {"name": "inputFormat", "valueCode": "application/fhir+ndjson"},
            {"name": "inputSource", "valueUri": "https://source.example"},
            {"name": "storageDetail", "part": [{"name": "type", "valueCode": "https"}]},
            {"name": "input", "part": [{"name": "type", "valueCode": "Patient"}, {"name": "url", "valueUri": "Binary/a"}]},
        ]}  # fmt: skip
        first, second = await imported(house, manifest(("Patient", "Binary/a"))), await imported(house, parameters)
        assert [one["count"] for one in (*first["output"], *second["output"])] == [1, 1]
        assert [one["count"] for one in (*first["error"], *second["error"])] == [1, 1]
        assert len(total(house, "p1")) == 1

    run(tmp_path, journey)


def test_an_import_that_was_cut_short_goes_on_behind_its_last_stretch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "STRETCH", 10)
    seen: dict[str, str] = {}

    async def before(house: BulkHouse) -> None:
        binary(house, "a", ndjson(*(patient(f"p{number}") for number in range(60)), b"{"))
        begun = await house.ask("POST", "$import", manifest(("Patient", "Binary/a")), LATER)
        seen.update(status=begun.headers["content-location"], token=house.token)
        while not total(house, "p15"):
            assert (await house.ask("GET", seen["status"])).status == 202
        await house.desk.stop()
        assert not total(house, "p59")

    async def after(house: BulkHouse) -> None:
        done = await house.ended(seen["status"], seen["token"])
        assert done.json["output"][0]["count"] == 60 and done.json["error"][0]["count"] == 1
        assert [len(total(house, f"p{number}")) for number in range(60)] == [1] * 60

    run(tmp_path, before)
    run(tmp_path, after)


def test_nothing_is_fetched_from_where_the_tenant_may_not_be_sent(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        for url in (
            "https://elsewhere.example/a",
            "http://127.0.0.1:1/a",
            "file:///etc/passwd",
            "http://[::1]/Binary/a",
        ):
            begun = await house.ask("POST", "$import", manifest(("Patient", url)), LATER)
            if begun.status == 202:
                begun = await house.ended(begun.headers["content-location"])
            assert begun.status == 403, url
        for wrong in (
            b"{}",
            b"[]",
            b"x",
            {"input": []},
            manifest(("Nothing", "Binary/a")),
            {"inputFormat": "csv", "input": []},
        ):
            assert (await house.ask("POST", "$import", wrong, LATER)).status in (400, 422)
        narrow = house.issue("robot", "data-manager", "system/Observation.cruds")
        doctor = house.issue("doctor", "physician")
        for token in (narrow, doctor):
            assert (await house.ask("POST", "$import", manifest(("Patient", "Binary/a")), LATER, token)).status == 403

    run(tmp_path, journey)


def test_a_file_is_streamed_from_a_host_on_the_list_and_a_revoked_token_ends_it(tmp_path: Path) -> None:
    data = gzip.compress(ndjson(*(patient(f"p{number}") for number in range(300))))
    with served(lambda asked: told(asked, data)) as port:
        rules = Rules({"main": ("127.0.0.1",)}, f"127.0.0.1:{port}")

        async def journey(house: BulkHouse) -> None:
            url = f"http://127.0.0.1:{port}/patients.ndjson.gz"
            given = await imported(house, manifest(("Patient", url)))
            assert given["output"] == [{"type": "Patient", "inputUrl": url, "count": 300}]
            assert not list((house.house.folder("main") / "blobs").glob("??/*"))[3:], "what was fetched is not kept"
            logins = house.house.logins
            grant = logins.found(house.token)
            assert grant is not None
            second = logins.issue(logins.accounts.user("main", "keeper"), "")[0]  # type: ignore[arg-type]  # there is one
            async with house.resting():
                begun = await house.ask("POST", "$import", manifest(("Observation", url)), LATER)
                logins.revoke(grant)
            ended = await house.ended(begun.headers["content-location"], second)
            assert ended.status == 403

        run(tmp_path, journey, rules)


def parts(data: bytes, size: int) -> Sequence[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_the_same_however_their_bytes_come(size: int) -> None:
    data = b"\xef\xbb\xbf{}\r\n\n  \n[1]\n{"
    expected = [Line(1, b"{}"), Line(4, b"[1]"), Line(5, b"{")]
    assert list(lines(plain(parts(data, size)))) == expected
    packed = gzip.compress(data[:7]) + gzip.compress(data[7:])
    assert list(lines(plain(parts(packed, size)))) == expected


def test_a_line_beyond_all_measure_is_passed_over_in_bounded_memory() -> None:
    def endless() -> Iterator[bytes]:
        yield b"{}\n"
        for _ in range(LINE // (1 << 20) + 3):
            yield b" " * (1 << 20)
        yield b"\n{}"

    assert list(lines(endless())) == [Line(1, b"{}"), Line(2, None), Line(3, b"{}")]


def test_a_broken_archive_is_refused() -> None:
    packed = gzip.compress(b"{}\n" * 100)
    for broken in (packed[:-4], packed[:20] + b"\0\0\0" + packed[23:]):
        with pytest.raises(Invalid):
            list(plain([broken]))


def test_refused_lines_are_one_dead_letter_that_is_read_mended_and_replayed(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        async def api(method: str, path: str, body: Any = b"") -> Any:
            kind = {"content-type": "application/json"}
            return (await house.ask(method, f"http://hospital.example/api/dead-letters{path}", body, kind)).json

        bad = [{"resourceType": "Patient", "id": f"x{number}", "birthDate": "soon"} for number in range(3)]
        binary(house, "a", ndjson(patient("p1"), *bad, b"{nothing", patient("p2")))
        service = house.issue("loader", "data-manager", scopes="system/Patient.cu system/Binary.r")
        asked = manifest(("Patient", "Binary/a"))
        for _ in range(2):
            told = await imported(house, asked, service)
            assert (told["output"][0]["count"], told["error"][0]["count"]) == (2, 4)
        (item,) = (await api("GET", "?state=open"))["items"]
        assert (item["door"], item["format"], item["where"]) == ("import", "fhir", "line 2, line 3, line 4, line 5")
        shown = await api("GET", f"/{item['id']}")
        assert shown["text"].encode() == ndjson(*bad, b"{nothing")
        mended = shown["text"].replace("soon", "2001-02-03", 2).replace("{nothing", json.dumps(patient("y")))
        await api("PUT", f"/{item['id']}", {"text": mended})
        done = await api("POST", f"/{item['id']}/replay")
        assert done["state"] == "replayed"
        for id, status in (("x0", 200), ("x1", 200), ("x2", 404), ("y", 200)):
            assert (await house.ask("GET", f"Patient/{id}")).status == status
        (left,) = (await api("GET", "?state=open"))["items"]
        assert json.loads((await api("GET", f"/{left['id']}"))["text"])["id"] == "x2"
        assert (await api("POST", f"/{left['id']}/replay"))["state"] == "open"
        assert (await api("GET", "?state=open"))["total"] == 1

    run(tmp_path, journey)


def test_bytes_of_letters_whose_transaction_was_refused_do_not_stay(tmp_path: Path) -> None:
    async def journey(house: BulkHouse) -> None:
        twice = [
            patient("p1"),
            patient("p1", gender="female"),
        ]  # two versions in one transaction: it is written in halves
        binary(house, "a", ndjson(*[b"{bad %d" % number for number in range(4)], *twice))
        assert (await imported(house, manifest(("Patient", "Binary/a"))))["error"][0]["count"] == 4
        letters = (
            house.house.hall(system("main")).record.search(search.parse(("Task",), [("code", "dead-letter")])).matches
        )
        named = {inputs(json.loads(one.body or b""))["blob"] for one in letters}
        kept = {path.name for path in (house.house.folder("main") / "blobs").glob("??/*")}
        assert named and named == {blob for blob in kept if not _of_job(house, blob)}

    run(tmp_path, journey)


def _of_job(house: BulkHouse, blob: str) -> bool:
    """Whether a blob goes with a job."""
    jobs = (
        house.house.hall(system("main")).record.search(search.parse(("Task",), [("code:not", "dead-letter")])).matches
    )
    return any(blob.encode() in (one.body or b"") for one in jobs)
