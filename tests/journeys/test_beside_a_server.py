"""The command line beside a running server: rooms' commands and `onmaru verify` work, for the same user only."""

from __future__ import annotations

import json
import socket
import stat
import time
from pathlib import Path

from tests.served import Served, admission

from onmaru.app.control import NAME


def test_a_rooms_command_runs_in_the_server_and_sees_what_was_just_written(tmp_path: Path) -> None:
    with Served(tmp_path) as house:
        house.send(admission())
        status, lines = house.command("omop", "export", str(tmp_path / "out"))
        assert status == 0, lines
        assert lines[-1]["person"] == 1 and lines[-1]["visit_occurrence"] == 1
        assert (tmp_path / "out" / "person.parquet").is_file()
        assert house.command("omop", "export", str(tmp_path / "out"))[0] == 3, "the folder is not empty any more"
        assert house.command("omop", "status")[0] == 0
        status, lines = house.command("lake", "sql", "SELECT count(*) AS n FROM Patient", "--at", "0")
        assert status == 0 and lines[0]["n"] == 0 and lines[-1]["t"] == 0, lines
        assert house.command("lake", "sql", "SELECT id FROM Patient")[1][-1]["rows"] == 1
        assert house.command("lake", "sql", "SELECT * FROM __Patient")[0] == 3
        assert house.command("omop", "status", "--tenant", "nobody")[0] == 4
        assert house.command("omop", "status", "--user", "nobody")[0] == 4
        disclosed = house.get("/api/audit")[1]["items"]
        assert [one for one in disclosed if one["user"] == "system" and one["patients"]], "what it showed is on file"
        assert house.stop() == 0
    assert not (house.home / NAME).exists()
    assert house.command("omop", "status")[0] == 0


def test_verify_holds_beside_a_server_that_is_written_to(tmp_path: Path) -> None:
    with Served(tmp_path) as house:
        for number in range(5):
            house.send(*(admission(str(number * 10 + n), f"D{number}-{n}") for n in range(10)))
            status, lines = house.command("verify", "--deep")
            assert (status, lines[0]["wrong"]) == (0, []), lines
        assert lines[0]["entries"] > 0


def test_the_socket_is_the_owners_alone_and_survives_nonsense(tmp_path: Path) -> None:
    with Served(tmp_path) as house:
        path = house.home / NAME
        # Opened right after the ports on which the house was waited for
        for _ in range(200):
            if path.exists():
                break
            time.sleep(0.05)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for nonsense in (b"\n", b"{}\n", b"x" * 200_000, json.dumps({"room": 1}).encode() + b"\n"):
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(10)
                line.connect(str(path))
                line.sendall(nonsense)
                line.shutdown(socket.SHUT_WR)
                assert line.recv(100) == b""
        assert house.command("omop", "status")[0] == 0
