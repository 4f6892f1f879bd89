"""HL7 v2 into a running house: what is answered AA is on the disk and in the record, and strangers are turned away."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tests.served import Served, admission, code

from onmaru.app.house import House, place
from onmaru.app.peers import LOOPBACK, peers
from onmaru.app.refusal import Refusal


def audit(house: Served) -> list[dict[str, object]]:
    status, body = house.get("/api/audit")
    assert status == 200
    items: list[dict[str, object]] = body["items"]
    return items


def test_a_message_answered_aa_is_there_over_http_and_after_a_kill(tmp_path: Path) -> None:
    with Served(tmp_path) as house:
        assert code(house.send(admission())[0]) == "AA"
        assert [one["birthDate"] for one in house.found("Patient?identifier=7")] == ["1980-01-01"]
        answers = house.send(*(admission(str(n), f"D{n}") for n in range(10, 20)))
        house.kill()
        assert [code(answer) for answer in answers] == ["AA"] * 10
        house.start()
        assert len(house.found("Patient?_count=50")) == 11
        assert len(house.found("Encounter?_count=50")) == 11
        assert code(house.send(admission())[0]) == "AA"
        assert len(house.found("Encounter?_count=50")) == 11
        assert house.stop() == 0
        status, lines = house.command("verify", "--deep")
        assert (status, lines[0]["wrong"]) == (0, [])


def test_the_doors_tell_what_came_and_what_was_refused(tmp_path: Path) -> None:
    with Served(tmp_path) as house:
        answers = house.send(admission(), admission().replace(b"\rPID|1||7^", b"\rPID|1||^"), b"MSH|^~\\&|EMR")
        assert [code(answer) for answer in answers] == ["AA", "AE", "AR"]
        _, body = house.get("/api/doors")
        _, door = body["doors"]
        counts = {name: door[name] for name in ("received", "accepted", "rejected", "dead")}
        assert counts == {"received": 3, "accepted": 1, "rejected": 2, "dead": 2}
        assert (door["name"], door["kind"], door["state"]) == ("loopback", "mllp", "listening")
        assert house.get("/api/dead-letters")[1]["total"] == 2


def test_the_http_door_counts_what_was_asked_to_be_written(tmp_path: Path) -> None:
    with Served(tmp_path) as house:
        before = house.get("/api/doors")[1]["doors"][0]
        assert (before["name"], before["kind"], before["state"], before["last"]) == ("HTTP", "fhir", "listening", None)
        patient = b'{"resourceType":"Patient"}'
        asked = [
            ("POST", "Patient", patient, house.token),
            ("POST", "Patient", b'{"resourceType":"Patient","nonsense":1}', house.token),
            ("PUT", "Patient/p1", b'{"resourceType":"Patient","id":"p1"}', house.token),
            ("DELETE", "Patient/p1", b"", house.token),
            ("GET", "Patient/p1", b"", house.token),
            ("POST", "Patient/_search", b"", house.token),
            ("POST", "Patient", patient, "a token of nobody's"),
        ]
        assert [house.ask(*one) for one in asked] == [201, 422, 201, 204, 410, 200, 401]
        http, mllp = house.get("/api/doors")[1]["doors"]
        counts = {name: http[name] for name in ("received", "accepted", "rejected", "dead")}
        assert counts == {"received": 4, "accepted": 3, "rejected": 1, "dead": 0}
        assert http["last"] > http["since"] == mllp["since"]
        assert mllp["received"] == 0


def test_a_peer_that_is_not_listed_is_cut_off_and_put_on_file(tmp_path: Path) -> None:
    row = '[[mllp.peer]]\nname = "emr"\naddress = "10.9.0.0/16"\n'
    with Served(tmp_path, row) as house:
        assert house.send(admission()) == [b""]
        assert house.found("Patient") == []
        denied = [one for one in audit(house) if one["path"] == "mllp"]
        assert denied
        assert {(one["outcome"], one["reason"], one["address"]) for one in denied} == {
            ("denied", "not on the list of peers", "127.0.0.1")
        }


def test_a_sending_facility_decides_the_tenant_or_is_refused(tmp_path: Path) -> None:
    rows = "".join(
        f'[[mllp.peer]]\nname = "{name}"\naddress = "127.0.0.1"\nfacilities = ["{name}"]\ntenant = "{tenant}"\n'
        for name, tenant in (("HOSP", "main"), ("CLINIC", "clinic"))
    )
    house = Served(tmp_path, rows)
    founded = House(place(house.environ), rooms=())
    founded.seat("clinic")
    founded.close()
    with house:
        sent = [admission("1", "A", name) for name in ("HOSP", "CLINIC", "NOBODY")]
        assert [code(answer) for answer in house.send(*sent)] == ["AA", "AA", "AR"]
        assert len(house.found("Patient")) == 1
        assert [one["reason"] for one in audit(house) if one["path"] == "mllp"] == ["sending facility not on the list"]


def test_a_message_in_pieces_is_one_message(tmp_path: Path) -> None:
    with Served(tmp_path) as house, socket.create_connection(("127.0.0.1", house.mllp_port), 10) as line:
        frame = b"\x0b" + admission() + b"\x1c\r"
        for start in range(0, len(frame), 50):
            line.sendall(frame[start : start + 50])
        assert b"MSA|AA|C1" in line.recv(1 << 16)


def test_without_a_list_only_this_machine_may_send(tmp_path: Path) -> None:
    assert peers({"ONMARU_HOME": str(tmp_path)}) == LOOPBACK


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('name = "a"\naddress = "10.0.0.0/99"', "address is neither an address nor a CIDR network"),
        ('name = "a"\naddress = "10.0.0.1"\ncertificate = "abc"', "SHA-256"),
        ('name = "a"', "address"),
        ('name = "a"\naddress = "10.0.0.1"\nport = 1', "port"),
    ],
)
def test_a_peer_that_cannot_be_understood_is_refused(tmp_path: Path, row: str, said: str) -> None:
    (tmp_path / "onmaru.toml").write_text(f"[[mllp.peer]]\n{row}\n", "utf-8")
    with pytest.raises(Refusal, match=said):
        peers({"ONMARU_HOME": str(tmp_path)})
