"""Backups: incremental and encrypted, proved by restoring them, never shortened, and a way back to any position."""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from onmaru.app import backups
from onmaru.app.house import House, Place, now, system
from onmaru.app.subscriptions.disowned import NOBODYS
from onmaru.app.verifying import examined
from onmaru.engines.backup import forms, pruning, speaking, writing
from onmaru.engines.backup.repository import Folder, Misnamed
from onmaru.kernel.accounts import User
from onmaru.kernel.record import Change

SECRET_NAME = "홍길동"


class World:
    """A house with its backup, and the command line for both."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.repository = folder, folder / "vault"
        self.where = Place(folder / "home", folder / "keys", folder / "witness")
        for name in ("home", "keys", "witness"):
            patch.setenv(f"ONMARU_{name.upper()}", str(folder / name))
        patch.setenv("ONMARU_BACKUP", str(self.repository))
        self.house = House(self.where, rooms=())
        self.run("init", "--pruner", str(folder / "pruner.key"), "--keep-days", "1")

    def run(self, *args: str, code: int = 0) -> Any:
        """The last line of what a command says, as JSON; of all lines where there are more."""
        found = CliRunner().invoke(backups.backup, [*args, "--json"], standalone_mode=False)
        if found.exception is not None:
            raise found.exception
        lines = [forms.msgspec.json.decode(line) for line in found.stdout.splitlines()]
        assert (found.return_value or 0) == code, found.stdout
        return lines

    def write(self, id: str, family: str = SECRET_NAME, tenant: str = "main") -> int:
        """A version of a Patient; gives its position."""
        body = forms.msgspec.json.encode({"resourceType": "Patient", "id": id, "name": [{"family": family}]})
        home = self.house.seat(tenant).home
        self.house.hall(system(tenant)).record.write([Change("update", "Patient", id, body, make=True)])
        home.wait(home.tip())
        return home.head()

    def erase(self, id: str) -> None:
        home = self.house.seat("main").home
        self.house.hall(system("main")).record.write([Change("erase", "Patient", id)])
        home.wait(home.tip())

    def lines(self, tenant: str = "main") -> writing.Lines:
        secret = (self.where.keys / "backup.key").read_bytes()
        return writing.Lines(Folder(self.repository), secret, forms.folder_of(secret, tenant))

    def back(self, name: str, *args: str) -> House:
        """The house that a restore makes."""
        home = self.folder / name
        self.run("restore", "main", "--to", str(home), *args)
        return House(Place(home, self.where.keys, self.where.witness), rooms=())


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path, monkeypatch)
    yield made
    made.house.close()


def family(house: House, id: str) -> str:
    version = house.hall(system("main")).record.read("Patient", id)
    return str(forms.msgspec.json.decode(version.body or b"{}")["name"][0]["family"])


def test_a_backup_beside_an_open_house_is_incremental_proved_and_restores_everything(world: World) -> None:
    world.house.logins.keep_user(User("main", "nurse", "간호사", ("nurse",)))
    blob = world.house.hall(system("main")).blobs.put([b"pixels" * 300_000], patient="p1")
    world.write("p1")
    first = world.run("run", "--tenant", "main")[-1]
    assert first["proved"] and first["blobs"] == 1 and first["position"] == 1
    world.write("p2")
    second = world.run("run", "--tenant", "main")[-1]
    assert (second["number"], second["entries"], second["line"]) == (2, 2, first["line"])
    parts = world.lines().point(second["line"], 2).parts
    assert 1 <= len(parts) <= 2  # the new entry and the new audit rows, nothing twice
    assert [one["proved"] for one in world.run("list")] == [True, True]
    there = world.back("again")
    assert family(there, "p1") == family(there, "p2") == SECRET_NAME
    with there.hall(system("main")).blobs.open(blob) as file:
        assert file.read() == b"pixels" * 300_000
    assert [user.user for user in there.logins.accounts.users("main")] == ["nurse"]
    there.close()
    assert examined(there, "main", deep=True).ok
    assert world.run("verify")[-1]["proved"]


def test_nothing_in_a_repository_can_be_read_or_names_anybody(world: World) -> None:
    world.write("rrn-9001011234567")
    world.run("run", "--tenant", "main")
    for path in world.repository.rglob("*"):
        assert "main" not in path.name
        if path.is_file():
            data = path.read_bytes()
            assert not any(word in data for word in (SECRET_NAME.encode(), b"Patient", b"9001011234567", b"family"))


def test_a_tenant_goes_back_to_a_position_or_a_time_and_the_witness_knows(world: World) -> None:
    world.write("p1", "전")
    position = world.write("p1", "중")
    moment = world.house.seat("main").home.read(position - 1, 1)[0].at
    world.write("p1", "후")
    world.house.witness()
    world.run("run", "--tenant", "main")
    stamp = f"1970-01-01T00:00:00.{moment % 1_000_000:06d}Z"
    assert family(world.back("one", "--position", str(position)), "p1") == "중"
    assert backups._time(stamp) == moment % 1_000_000 + 1
    from datetime import UTC, datetime

    there = world.back("two", "--at", datetime.fromtimestamp(moment / 1e6, UTC).isoformat())
    assert family(there, "p1") == "중"
    there.close()
    assert examined(there, "main").ok
    assert "position" not in world.folder.joinpath("witness", "main.jsonl").read_text()


def test_what_was_erased_after_the_position_gone_back_to_stays_erased(world: World) -> None:
    world.write("p1", "지울사람")
    world.write("p2")
    world.run("run", "--tenant", "main", "--unproved")
    world.write("p1", "지울사람")
    world.erase("p1")  # its last version was never backed up
    world.run("run", "--tenant", "main")
    world.write("p3")
    world.run("run", "--tenant", "main", "--full")
    for name, args in (("a", ["--position", "3"]), ("b", [])):
        there = world.back(name, *args)
        with pytest.raises(Exception, match=r"erased|no such|deleted"):
            family(there, "p1")
        assert family(there, "p2") == SECRET_NAME
        there.close()
        assert examined(there, "main").ok
    old = world.lines().lines()[0]
    there = world.back("d", "--from", old, "--position", "2")
    with pytest.raises(Exception, match=r"erased|no such|deleted"):
        family(there, "p1")


def test_an_object_is_never_written_over_and_no_name_leads_out(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "vault")
    assert folder.put("a/b", [b"one"]) and not folder.put("a/b", [b"two"])
    assert b"".join(folder.get("a/b")) == b"one"
    for name in ("../x", "/etc/passwd", "a/../b", "", ".hidden", "A", "a//b", "a/", "a" * 99):
        with pytest.raises(Misnamed):
            folder.put(name, [b"x"])
    assert (tmp_path / "vault" / "a" / "b").stat().st_mode & 0o222 == 0


def _killed_writing(world: World, after: int) -> None:
    """A run whose process ends (as by kill -9, no handler runs) at its `after`th step towards the disk."""
    child = os.fork()
    if child == 0:
        steps = iter(range(10_000))
        real = {name: getattr(os, name) for name in ("fsync", "link")}

        def counted(name: str) -> Any:
            def step(*args: Any) -> Any:
                if next(steps) == after:
                    os._exit(9)
                return real[name](*args)

            return step

        for name in real:
            setattr(os, name, counted(name))
        try:
            world.run("run", "--tenant", "main", "--unproved")
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def test_a_backup_killed_at_any_step_leaves_sound_points_and_the_next_one_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "STEP", 1)
    world.house.hall(system("main")).blobs.put([b"pixels"], patient="p1")
    world.write("p1")
    world.run("run", "--tenant", "main")
    world.house.logins  # noqa: B018  opened before the fork
    world.write("p2")
    for after in (0, 1, 3, 6):
        _killed_writing(world, after)
        found = [one for one in world.run("list") if one.get("position")]
        assert found
    last = world.run("run", "--tenant", "main")[-1]
    assert last["proved"] and last["entries"] == 2
    assert len(world.lines().lines()) == 1


def test_a_harmed_repository_is_found_out(world: World) -> None:
    world.write("p1")
    world.run("run", "--tenant", "main", "--unproved")
    world.write("p2")
    line = world.run("run", "--tenant", "main", "--unproved")[-1]["line"]
    place = world.repository / world.lines().point(line, 1).parts[0][0]
    other = world.repository / world.lines().point(line, 2).parts[0][0]
    data = place.read_bytes()
    place.chmod(0o600)
    for harmed in (data[:-9], data[:40] + bytes([data[40] ^ 1]) + data[41:], other.read_bytes(), b""):
        place.write_bytes(harmed)
        found = world.run("verify", code=1)[-1]
        assert found["proved"] is False and found["wrong"]
    place.unlink()
    assert world.run("verify", code=1)[-1]["wrong"]
    place.write_bytes(data)
    (world.repository / world.lines().place(line, "points", 1)).unlink()
    assert "point 1 is missing" in world.run("verify", code=1)[-1]["wrong"]


def test_a_bogus_point_stops_neither_the_next_backup_nor_the_way_back(world: World) -> None:
    world.write("p1")
    good = world.run("run", "--tenant", "main")[-1]
    place = world.repository / world.lines().place(good["line"], "points", good["number"] + 1)
    place.write_bytes(b"slipped in by who has taken the house over")
    assert "wrong" in world.run("list")[-1]
    there = world.back("again", "--from", f"{good['line']}:{good['number']}")
    assert family(there, "p1") == SECRET_NAME
    there.close()
    again = world.run("run", "--tenant", "main")[-1]
    assert again["proved"] and again["line"] > good["line"]


def test_a_vault_in_other_hands_cannot_name_a_path_of_ours(tmp_path: Path) -> None:
    bad = "import sys; w = sys.stdout.buffer.write; n = b'../../x'; sys.stdin.buffer.read(4); "
    bad += "w(len(n).to_bytes(4, 'big') + n + bytes(4)); sys.stdout.flush(); sys.stdin.read()"
    found = speaking.found(f"command:{sys.executable} -S -c {shlex.quote(bad)}")
    assert isinstance(found, speaking.Spoken)
    with pytest.raises(OSError, match="no object has"):
        found.names("a")
    found.close()


def test_a_house_put_back_begins_a_line_of_its_own_and_the_old_one_stays(world: World) -> None:
    world.write("p1")
    world.run("run", "--tenant", "main")
    position = world.write("p1", "잃을말")
    world.run("run", "--tenant", "main")
    there = world.back("again", "--position", str(position - 1))
    world.house.close()
    world.house = there
    os.environ["ONMARU_HOME"] = str(there.where.home)
    world.write("p1", "새말")
    last = world.run("run", "--tenant", "main")[-1]
    assert last["proved"] and len(world.lines().lines()) == 2
    assert family(there, "p1") == "새말"


def test_only_the_pruners_key_prunes_and_only_what_is_old_enough_and_superseded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("p1")
    world.run("run", "--tenant", "main")
    world.run("run", "--tenant", "main", "--full")
    wrong = world.folder / "wrong.key"
    wrong.write_bytes(bytes(32))
    with pytest.raises(Exception, match="not the key"):
        world.run("prune", "--pruner", str(wrong))
    key = world.folder / "pruner.key"
    assert world.run("prune", "--pruner", str(key))[-1]["lines"] == 0
    monkeypatch.setattr(backups, "now", lambda: now() + 2 * pruning.DAY)
    assert world.run("prune", "--pruner", str(key))[-1]["lines"] == 1
    assert len(world.lines().lines()) == 1
    assert world.run("verify")[-1]["proved"]


def test_without_the_tenants_own_key_a_backup_opens_nothing(world: World) -> None:
    world.write("p1")
    world.run("run", "--tenant", "main")
    for own in (world.where.keys / "tenants").iterdir():
        own.unlink()
    with pytest.raises(Exception, match="own key"):
        world.run("verify")


def test_behind_a_keeper_things_can_be_added_and_read_and_nothing_else(world: World, monkeypatch: Any) -> None:
    kept = world.folder / "kept"
    monkeypatch.setenv("PYTHONPATH", str(Path(backups.__file__).parents[2]))
    keeper = "from onmaru.engines.backup import speaking as s, repository as r; import sys, pathlib; "
    keeper += f"s.keep(r.Folder(pathlib.Path({str(kept)!r})), sys.stdin.buffer, sys.stdout.buffer)"
    found = speaking.found(f"command:{sys.executable} -c {shlex.quote(keeper)}")
    assert isinstance(found, speaking.Spoken)
    monkeypatch.setattr(backups, "_repository", lambda: found)
    world.run("init", "--pruner", str(world.folder / "other.key"))
    world.house.hall(system("main")).blobs.put([b"pixels" * 300_000], patient="p1")
    world.write("p1")
    assert world.run("run", "--tenant", "main")[-1]["proved"]
    found.close()
    assert (kept / forms.CONFIG).exists()
    monkeypatch.setenv("ONMARU_BACKUP", "command:anything")
    with pytest.raises(Exception, match="where the folder"):
        world.run("prune", "--pruner", str(world.folder / "other.key"))


def test_a_keeper_is_asked_nonsense_and_takes_no_half_object(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "vault")

    def said(*frames: bytes, tail: bytes = b"") -> bytes:
        heard = io.BytesIO()
        for frame in frames:
            speaking.say(heard, frame)
        heard.write(tail)
        heard.seek(0)
        sink = io.BytesIO()
        speaking.keep(folder, heard, sink)
        return sink.getvalue()

    def wish(verb: str, name: str) -> bytes:
        return forms.msgspec.msgpack.encode({"verb": verb, "name": name})

    assert said(b"nonsense") == b"" == said(tail=b"\xff\xff\xff\xff") == said(wish("delete", "a"))
    assert said(wish("put", "a"), b"x", b"")[4:] == b"done"
    assert said(wish("put", "a"), b"y", b"")[4:] == b"there"
    assert said(wish("put", "../b"), b"y", b"")[4:] == b"refused"
    assert said(wish("get", "../../etc/passwd"))[4:] == b"missing"
    with pytest.raises(OSError, match="left"):
        said(wish("put", "c"), b"half")
    assert folder.names("a") == () and b"".join(folder.get("a")) == b"x"
    assert [path.name for path in (tmp_path / "vault").iterdir()] == ["a"]


def test_a_subscription_that_was_at_work_is_nobodys_where_it_is_restored(world: World) -> None:
    for id, status in (("busy", "active"), ("still", "off")):
        body = {"resourceType": "Subscription", "id": id, "status": status, "reason": "r", "criteria": "Patient?"}
        body["channel"] = {"type": "rest-hook", "endpoint": "https://receiver.example"}
        change = Change("update", "Subscription", id, forms.msgspec.json.encode(body), make=True)
        world.house.hall(system("main")).record.write([change])
    world.write("p")
    world.run("run")
    house = world.back("again")
    ledger = house.ledger("main")
    assert [(id, owner.grant) for id, owner in ledger.rows()] == [("busy", NOBODYS)]
    assert house.subscribed("main")
    ledger.close()
    house.close()
