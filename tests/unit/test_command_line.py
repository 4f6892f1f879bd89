"""The command line: it starts light, ends every error as one line with its exit status, and shows no patient's data."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from onmaru.app import cli, refusal, room_commands, rooms
from onmaru.app.lines import plain
from onmaru.app.progress import progress
from onmaru.engines.keyring import KeyLost
from onmaru.engines.sqlite.home import Taken
from onmaru.fhir.outcome import Invalid, Issue
from onmaru.kernel.room import Command, Hall, Room

HEAVY = (
    "importlib.metadata",
    "rich",
    "msgspec",
    "pyarrow",
    "duckdb",
    "apsw",
    "granian",
    "reportlab",
    "cryptography",
    "asyncio",
)


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from onmaru.app.cli import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Commands:" in done.stdout
    assert set(done.stderr.split()) & set(HEAVY) == set()


def test_every_command_is_there_and_has_help() -> None:
    context = click.Context(cli.tree, info_name="onmaru")
    for name in cli.COMMANDS:
        command = cli.tree.get_command(context, name)
        assert command is not None and command.name == name and command.help


def command_that(act: Callable[[], Any]) -> click.Command:
    return click.Command("act", callback=act)


def raiser(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (refusal.Refusal("no key"), refusal.NOT_READY, "onmaru: no key"),
        (refusal.Refusal("no such step", refusal.USAGE), refusal.USAGE, "onmaru: no such step"),
        (
            Invalid([Issue("required", "is required", "Patient.name")], 422),
            refusal.REFUSED,
            "onmaru: Patient.name: is required",
        ),
        (FileNotFoundError(2, "No such file", "a.json"), refusal.NOT_READY, "onmaru: No such file: a.json"),
        (Taken("main: another process serves this tenant"), refusal.NOT_READY, "stop the server"),
        (KeyLost("tenant main: its key does not open"), refusal.NOT_READY, "ONMARU_KEYS names the folder"),
        (KeyboardInterrupt(), refusal.INTERRUPTED, "interrupted"),
    ],
)
def test_every_error_ends_as_one_line_and_its_status(
    error: BaseException, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([], command_that(raiser(error))) == status
    err = capsys.readouterr().err
    assert line in err and "\n" not in err.strip()


def test_an_unforeseen_error_tells_its_place_and_not_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    def act() -> None:
        msgspec.json.decode('{"family": 홍}'.encode())

    assert cli.run([], command_that(lambda: raiser(KeyError("홍길동"))())) == refusal.FAULT
    assert cli.run([], command_that(act)) == refusal.FAULT
    err = capsys.readouterr().err
    assert "KeyError at app/cli.py:" in err and "홍" not in err


def test_a_wrong_option_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["settings", "--nope"]) == refusal.USAGE
    assert "--nope" in capsys.readouterr().err


def test_a_commands_answer_is_the_exit_status() -> None:
    assert cli.run([], command_that(lambda: refusal.NO)) == refusal.NO
    assert cli.run([], command_that(lambda: None)) == refusal.DONE


def test_settings_can_be_read_by_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["settings", "--json"]) == refusal.DONE
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["port"]["value"] == 8080


def test_plain_lines_read_like_words() -> None:
    assert plain({"text": "only this"}) == "only this"
    assert plain({"n": 28903, "ok": True, "rate": 0.51234, "by_type": {"Patient": 1}}) == (
        "n 28,903  ok yes  rate 0.512\nby_type:\n  Patient  1"
    )


def test_progress_shows_nothing_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("loading", 3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def attic(hall: Hall, args: Mapping[str, str], say: Callable[[Mapping[str, Any]], None]) -> int:
    say({"tenant": hall.caller, "args": dict(args)})
    return refusal.NO


@contextmanager
def opener(room: Room, command: Command, tenant: str, user: str) -> Iterator[Any]:
    class Opened:
        caller = f"{room.name}/{command.name}/{tenant}/{user}"

    yield Opened


ATTIC = Room(
    name="attic",
    commands=(
        Command(
            "sweep", "Sweep it.", (("corner", "where"), ("broom?", "with"), ("--speed", "how")), "user/*.rs", attic
        ),
    ),
)


def test_a_rooms_command_gets_its_hall_and_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    group = room_commands.group(ATTIC, opener)
    args = ["sweep", "north", "--speed", "high", "--tenant", "b", "--user", "u", "--json"]
    assert cli.run(args, group) == refusal.NO
    line = json.loads(capsys.readouterr().out)
    assert line == {"tenant": "attic/sweep/b/u", "args": {"corner": "north", "speed": "high"}}
    assert cli.run(["sweep"], group) == refusal.USAGE


def test_a_need_that_no_room_provides_is_refused() -> None:
    provider = Room(name="omop", provides=("omop",))
    needy = Room(name="cohort", needs=("omop",))
    rooms.check_needs([provider, needy])
    with pytest.raises(refusal.Refusal, match="room cohort needs omop"):
        rooms.check_needs([needy])


def test_a_partners_package_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "partner-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: partner\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[onmaru.rooms]\nattic = partner.attic:room\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    rooms.known.cache_clear()
    try:
        assert rooms.known() == {"attic": "partner.attic:room", **rooms.OURS}
    finally:
        rooms.known.cache_clear()


def test_a_room_is_the_one_it_calls_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "known", lambda: {"attic": f"{__name__}:ATTIC", "cellar": f"{__name__}:ATTIC"})
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    assert rooms.open_room("attic") is ATTIC
    with pytest.raises(refusal.Refusal, match="calls itself attic"):
        rooms.open_room("cellar")


def test_verifying_a_folder_that_holds_nothing_is_no_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(tmp_path / name))
    assert cli.run(["verify"]) == refusal.NOT_READY
    assert "nothing to verify" in capsys.readouterr().err


def test_a_user_is_made_once_and_a_misspelt_one_gets_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(tmp_path / name))
    for expected in (0, 3):
        monkeypatch.setattr("sys.stdin", io.StringIO("a long passphrase\n"))
        assert cli.run(["user", "add", "kim", "--role", "nurse"]) == expected
    assert cli.run(["token", "--user", "kmi"]) == 3
    assert cli.run(["token", "--user", "kim"]) == 0
    assert cli.run(["token", "--user", "machine", "--service"]) == 0
