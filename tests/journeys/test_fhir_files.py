"""FHIR files through the door: bundles that refer to each other, NDJSON, gzip, the same file again, a load cut short."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest
from tests.served import admission
from tests.v2_hall import House

from onmaru.adapters import fhirfile, letters, packing
from onmaru.adapters.receipt import Receipt, Source
from onmaru.app import streaming
from onmaru.app.house import MAIN, Place, system
from onmaru.app.house import House as AppHouse
from onmaru.app.loading import loaded
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.record import Change


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def take(house: House, data: bytes) -> Receipt:
    return house.door.take(house.hall, data, Source("file", "test"))


def bundle(*entries: tuple[str, dict[str, object]], kind: str = "transaction") -> bytes:
    return json.dumps(
        {
            "resourceType": "Bundle",
            "type": kind,
            "entry": [
                {
                    "fullUrl": f"urn:uuid:{name}",
                    "resource": body,
                    "request": {"method": "POST", "url": body["resourceType"]},
                }
                for name, body in entries
            ],
        },
        indent=1,
    ).encode()


ORGANIZATION = ("o1", {"resourceType": "Organization", "id": "x", "name": "온마루병원"})
PATIENT = ("p1", {"resourceType": "Patient", "managingOrganization": {"reference": "urn:uuid:o1"}, "active": True})


def test_entries_refer_to_entries_of_an_earlier_file(house: House) -> None:
    take(house, bundle(ORGANIZATION))
    take(house, bundle(PATIENT))
    organization, patient = house.one("Organization"), house.one("Patient")
    assert patient["managingOrganization"]["reference"] == f"Organization/{organization['id']}"


def test_links_outlive_the_process(house: House, tmp_path: Path) -> None:
    take(house, bundle(ORGANIZATION))
    again = fhirfile.FhirFiles(house._new_id, lambda hall, piece, promised, error: "")
    again.take(house.hall, bundle(PATIENT), lambda: None)
    reference = house.one("Patient")["managingOrganization"]["reference"]
    assert reference == f"Organization/{house.one('Organization')['id']}"


def test_the_same_file_again_adds_nothing(house: House) -> None:
    assert take(house, bundle(ORGANIZATION, PATIENT)).accepted == 2
    head = house.log.head()
    assert take(house, bundle(ORGANIZATION, PATIENT)).duplicate
    assert house.log.head() == head


def test_equal_entries_of_one_file_are_each_taken(house: House) -> None:
    assert take(house, bundle(ORGANIZATION, ORGANIZATION)).accepted == 2


def test_ndjson_and_gzip_are_told_by_content(house: House) -> None:
    lines = b"\n".join(json.dumps({"resourceType": "Patient", "gender": g}).encode() for g in ("male", "female"))
    assert take(house, gzip.compress(lines)).by_type == {"Patient": 2}
    assert take(house, b'{"resourceType":"Patient"}').by_type == {"Patient": 1}


def test_an_invalid_entry_is_buried_and_its_neighbours_are_taken(house: House) -> None:
    bad = ("b1", {"resourceType": "Patient", "gender": 5})
    receipt = take(house, bundle(ORGANIZATION, bad, PATIENT))
    assert (receipt.accepted, receipt.rejected, receipt.dead) == (2, 1, 1)
    assert "gender" in receipt.reason
    letter = house.door.letters.page(house.hall)["items"][0]
    assert letter["where"] == "Bundle.entry[1]"


def test_what_is_no_file_of_ours_is_buried(house: House) -> None:
    receipt = take(house, b"hello")
    assert (receipt.ack, receipt.dead) == ("AE", 1)
    assert take(house, b"\x1f\x8bbroken").dead == 1


def test_a_load_that_was_cut_short_goes_on_where_it_stopped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhirfile, "SLICE", 2)
    data = bundle(*[(f"p{n}", {"resourceType": "Patient", "id": str(n)}) for n in range(5)])
    writes = 0
    inner = type(house.hall.record).write

    def failing(self: object, changes: object) -> object:
        nonlocal writes
        writes += 1
        if writes == 2:
            raise KeyboardInterrupt
        return inner(self, changes)  # type: ignore[arg-type]

    monkeypatch.setattr(type(house.hall.record), "write", failing)
    with pytest.raises(KeyboardInterrupt):
        take(house, data)
    assert take(house, data).accepted == 3
    assert len(house.all("Patient")) == 5


def test_bundles_of_other_types_are_refused() -> None:
    with pytest.raises(Invalid):
        list(fhirfile.pieces(b'{"resourceType":"Bundle","type":"history","entry":[]}'))


def by_number(number: str) -> dict[str, object]:
    """A patient whose hospital is told by a condition."""
    reference = {"reference": f"Organization?identifier=urn:o|{number}"}
    return {"resourceType": "Patient", "managingOrganization": reference, "active": True}


def numbered(number: str) -> dict[str, object]:
    return {"resourceType": "Organization", "identifier": [{"system": "urn:o", "value": number}]}


def test_a_conditional_reference_leads_to_the_resource_of_an_earlier_file(house: House) -> None:
    take(house, bundle(("o1", numbered("1")), ("o2", numbered("2"))))
    assert take(house, bundle(("p1", by_number("1")))).accepted == 1
    stored = house.one("Organization", identifier="urn:o|1")
    assert house.one("Patient")["managingOrganization"]["reference"] == f"Organization/{stored['id']}"


def test_a_conditional_reference_leads_to_an_entry_made_under_that_condition(house: House) -> None:
    data = json.loads(bundle(("p1", by_number("1")), ("o1", numbered("1"))))
    data["entry"][1]["request"]["ifNoneExist"] = "identifier=urn:o|1"
    assert take(house, json.dumps(data).encode()).accepted == 2
    stored = house.one("Organization")
    assert house.one("Patient")["managingOrganization"]["reference"] == f"Organization/{stored['id']}"


def test_a_conditional_reference_without_one_match_buries_its_entry_alone(house: House) -> None:
    take(house, bundle(("o1", numbered("1")), ("o2", numbered("1"))))
    receipt = take(house, bundle(("p1", by_number("1")), ("p2", by_number("3")), ("p3", PATIENT[1])))
    assert (receipt.accepted, receipt.dead) == (1, 2)
    assert "more than one" in receipt.reason
    assert "managingOrganization" in house.one("Patient")


def test_all_that_is_wrong_around_the_entries_is_told_at_once_and_nothing_is_taken(house: House) -> None:
    data = json.loads(bundle(ORGANIZATION, PATIENT))
    data["colour"] = "blue"
    data["entry"][0]["link"] = 5
    data["entry"][1]["request"]["verb"] = "POST"
    data["total"] = "two"
    receipt = take(house, json.dumps(data).encode())
    assert (receipt.ack, receipt.accepted, receipt.dead) == ("AE", 0, 1)
    told = receipt.location + " " + receipt.reason
    for place in ("Bundle.colour", "Bundle.total", "Bundle.entry[0].link", "Bundle.entry[1].request.verb"):
        assert place in told
    assert not house.all("Organization") and not house.all("Patient")


@pytest.mark.parametrize("kind", ["collection", "batch", "document"])
def test_bundles_of_every_type_are_judged_around_their_entries(house: House, kind: str) -> None:
    data = json.loads(bundle(PATIENT, kind=kind))
    data["entry"][0]["search"], data["entry"][0]["fullURL"] = 7, "x"
    receipt = take(house, json.dumps(data).encode())
    assert receipt.accepted == 0 and receipt.dead == 1
    assert "Bundle.entry[0].search" in receipt.location + receipt.reason
    assert "Bundle.entry[0].fullURL" in receipt.location + receipt.reason
    assert not house.all("Patient")


def test_a_bundle_that_is_broken_json_is_buried_whole(house: House) -> None:
    receipt = take(house, bundle(PATIENT)[:-3])
    assert (receipt.accepted, receipt.dead) == (0, 1)


@pytest.mark.parametrize(
    "content",
    [
        {"title": "x"},
        {"data": "eA=="},
        {"data": "e30="},
        {"data": "eyJkb25lIjoieCJ9"},
        {"data": "eyJsaW5rcyI6WzFdfQ=="},
    ],
)
def test_a_mark_that_says_nothing_of_a_load_stops_no_load(house: House, content: dict[str, str]) -> None:
    forged = {
        "resourceType": "DocumentReference",
        "status": "current",
        "identifier": [{"system": fhirfile.FILE, "value": hashlib.sha256(bundle(PATIENT)).hexdigest()}],
        "category": [{"coding": [{"system": "urn:onmaru:document", "code": "load"}]}],
        "content": [{"attachment": content}],
    }
    house.hall.record.write([Change("create", "DocumentReference", body=json.dumps(forged).encode())])
    assert take(house, bundle(PATIENT)).accepted == 1


@pytest.mark.parametrize(
    "input",
    [
        [],
        [{"type": {"coding": [{"code": "blob"}]}, "valueString": "x"}],
        [{"type": {"text": "size"}, "valueString": "many"}, {"type": {"text": "blob"}, "valueString": "../../x"}],
        [{"type": {"text": "blob"}, "valueInteger": 7}],
    ],
)
def test_a_task_that_only_looks_like_a_dead_letter_hides_no_other(house: House, input: list[object]) -> None:
    take(house, b'{"resourceType":"Patient","birthDate":"never"}')
    coding = [{"system": letters.SYSTEM, "code": letters.CODE}]
    forged = {"resourceType": "Task", "status": "requested", "intent": "order", "code": {"coding": coding}}
    body = json.dumps({**forged, **({"input": input} if input else {})}).encode()
    (made,) = house.hall.record.write([Change("create", "Task", body=body)])
    page = house.door.letters.page(house.hall)
    assert page["total"] == 2 and sorted(one["format"] for one in page["items"])[1]
    for answer in (house.door.letters.one, house.door.letters.replay):
        with pytest.raises(Invalid) as refusal:
            answer(house.hall, made.version.id)
        assert refusal.value.status == 404


@pytest.mark.parametrize("data", [b'{"resourceType":"Patient","birthDate":"never"}', b'{"resourceType":"Patient"'])
def test_a_letter_that_was_a_whole_file_stays_open_until_it_is_taken(house: House, data: bytes) -> None:
    (letter,) = take(house, data).letters
    for _ in range(2):
        told = house.door.letters.replay(house.hall, letter)
        assert told["state"] == "open" and told["reason"]
    assert house.all("Patient") == []
    house.door.letters.mend(house.hall, letter, '{"resourceType":"Patient","birthDate":"1980-01-01"}')
    assert house.door.letters.replay(house.hall, letter)["state"] == "replayed"
    assert [one["birthDate"] for one in house.all("Patient")] == ["1980-01-01"]


def test_a_letter_whose_bytes_are_in_by_now_is_not_taken_twice(house: House) -> None:
    data = b'{"resourceType":"Patient","gender":5}'
    (letter,) = take(house, data).letters
    mended = '{"resourceType":"Patient","gender":"male"}'
    take(house, mended.encode())
    house.door.letters.mend(house.hall, letter, mended)
    assert house.door.letters.replay(house.hall, letter)["state"] == "replayed"
    assert len(house.all("Patient")) == 1


@pytest.mark.parametrize(
    "data", [b'{"resourceType":"Patient","extension":', b'{"resourceType":"Patient","id":', b"", b'{"a":']
)
def test_a_file_that_nests_without_end_is_buried_and_stops_no_load(house: House, data: bytes) -> None:
    for end in (b"", b"]" * 200_000 + b"}"):
        receipt = take(house, data + b"[" * 200_000 + end)
        assert (receipt.accepted, receipt.rejected, receipt.dead) == (0, 1, 1) and receipt.reason
    receipt = take(house, data + b"[" * 200_000 + b"\n" + b'{"resourceType":"Patient"}')
    assert receipt.dead == 1 or receipt.rejected == 1


@pytest.mark.parametrize("own", [{}, {"id": "of-the-sender"}])
def test_a_mended_entry_gets_the_id_that_its_neighbours_were_told(house: House, own: dict[str, str]) -> None:
    about = {"subject": {"reference": "urn:uuid:p9"}}
    fact = ("o1", {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **about})
    (letter,) = take(house, bundle(("p9", {"resourceType": "Patient", "gender": 5, **own}), fact)).letters
    house.door.letters.mend(house.hall, letter, json.dumps({"resourceType": "Patient", "gender": "male", **own}))
    assert house.door.letters.replay(house.hall, letter)["state"] == "replayed"
    assert house.one("Observation")["subject"]["reference"] == f"Patient/{house.one('Patient')['id']}"


def test_equal_entries_that_were_refused_are_a_letter_each(house: House) -> None:
    bad = {"resourceType": "Patient", "gender": 5}
    assert len(set(take(house, bundle(("p1", bad), ("p2", bad))).letters)) == 2


def test_a_letter_is_replayed_in_the_zone_of_its_sender(house: House) -> None:
    data = admission().replace(b"\rPID|1||7^", b"\rPID|1||^").replace(b"20260301120000+0900", b"20260301120000")
    (letter,) = house.door.take(house.hall, data, Source("mllp", "peer", zone="+02:00")).letters
    house.door.letters.mend(
        house.hall, letter, house.door.letters.one(house.hall, letter)["text"].replace("||^", "||7^")
    )
    assert house.door.letters.replay(house.hall, letter)["state"] == "replayed"
    assert house.one("Encounter")["period"]["start"] == "2026-03-01T11:00:00+02:00"


def test_a_long_file_of_lines_is_streamed_with_its_letters_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "LONG_PACKED", 10)
    monkeypatch.setattr(streaming, "STRETCH", 3)
    house = AppHouse(Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness"), rooms=())
    named = [json.dumps({"resourceType": "Patient", "id": f"p{number}"}).encode() for number in range(7)]
    file = tmp_path / "patients.ndjson.gz"
    file.write_bytes(gzip.compress(b"\n".join([*named[:4], b'{"resourceType":"Patient","gender":7}', *named[4:], b""])))
    ((_, receipt),) = loaded(house, MAIN, [file])
    assert (receipt.accepted, receipt.rejected, receipt.dead, receipt.location) == (7, 1, 1, "line 5")
    record = house.hall(system(MAIN)).record
    assert record.search(search.parse(("Task",), [("code", "dead-letter")])).total == 1
    ((_, again),) = loaded(house, MAIN, [file])
    assert (again.accepted, again.rejected) == (0, 0)
    assert record.search(search.parse(("Patient",), [])).total == 7
    house.close()


def test_an_archive_of_one_endless_string_is_refused_within_bounds(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MAX_UNPACKED", 4 << 20)
    receipt = take(house, gzip.compress(b'{"resourceType":"Basic","id":"' + b"a" * (8 << 20) + b'"}'))
    assert (receipt.rejected, receipt.dead) == (1, 1) and receipt.reason == "the file unpacks to more than 128 MiB"
