"""A room's command at the keyboard: in its tenant, in somebody's name, within its scope, and durable afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from onmaru.app import cli, refusal, room_commands, rooms
from onmaru.app.house import House, place
from onmaru.app.opening import open_hall
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.accounts import User
from onmaru.kernel.record import Change
from onmaru.kernel.room import Command, Hall, Room, Setting

Say = Callable[[Mapping[str, Any]], None]
FLAT = b'{"resourceType":"Basic","code":{"text":"a flat"}}'


def build(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    done = hall.record.write([Change("create", "Basic", body=FLAT)])
    say({"id": done[0].version.id, "user": hall.caller.user, "colour": hall.settings["colour"]})
    return refusal.DONE


def look(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    say({"version": hall.record.read("Basic", args["id"]).version})
    return refusal.DONE


def overreach(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    with pytest.raises(Invalid) as refused:
        hall.record.write([Change("create", "Basic", body=FLAT)])
    say({"status": refused.value.status})
    return refusal.DONE


def outreach(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    id = hall.record.write([Change("create", "Basic", body=FLAT)])[0].version.id
    with pytest.raises(Invalid) as refused:
        hall.record.write([Change("delete", "Basic", id)])
    say({"status": refused.value.status})
    return refusal.DONE


ATTIC = Room(
    name="attic",
    commands=(
        Command("build", "Build a flat.", (), "user/Basic.c", build),
        Command("look", "Look at one.", (("id", "which"),), "user/Basic.r", look),
        Command("overreach", "Write with a scope that only reads.", (), "user/Basic.r", overreach),
        Command("outreach", "Write with a scope that the room does not declare.", (), "user/Basic.cud", outreach),
    ),
    settings=(Setting("colour", "green", "Of the walls."),),
    scopes=("user/Basic.cr",),
)


@pytest.fixture(autouse=True)
def house_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "all_rooms", lambda: (ATTIC,))
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(tmp_path / name))


def run(*args: str) -> int:
    return cli.run([*args, "--json"], room_commands.group(ATTIC, open_hall))


def test_what_a_command_wrote_is_there_for_the_next_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("build") == refusal.DONE
    written = json.loads(capsys.readouterr().out)
    assert (written["user"], written["colour"]) == ("system", "green")
    assert run("look", written["id"]) == refusal.DONE
    assert json.loads(capsys.readouterr().out) == {"version": 1}


def test_a_command_may_do_no_more_than_its_scope(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("overreach") == refusal.DONE
    assert '"status":403' in capsys.readouterr().out


def test_a_command_may_do_no_more_than_its_room_declares(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("outreach") == refusal.DONE
    assert '"status":403' in capsys.readouterr().out


def test_a_user_gets_no_more_than_the_roles_give(capsys: pytest.CaptureFixture[str]) -> None:
    house = House(place(), rooms=())
    house.logins.keep_user(User("main", "p1", "p1", ("patient",), patient="x"))
    assert run("build", "--user", "p1") == refusal.NOT_READY
    assert "do not give user/Basic.c" in capsys.readouterr().err
    assert run("build", "--user", "nobody") == refusal.NOT_READY
    assert "there is no user nobody" in capsys.readouterr().err


def test_an_unknown_tenant_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("build", "--tenant", "elsewhere") == refusal.NOT_READY
    assert "there is no tenant elsewhere" in capsys.readouterr().err


def test_every_room_has_its_group_of_commands() -> None:
    context = click.Context(cli.tree, info_name="onmaru")
    for name in rooms.known():
        assert isinstance(cli.tree.get_command(context, name), click.Group)
