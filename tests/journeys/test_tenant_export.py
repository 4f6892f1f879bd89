"""A tenant written whole into a folder and read into another house is the same tenant; whatever was changed is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from onmaru.app import departing
from onmaru.app.destroying import beginning, finish_all
from onmaru.app.erasing import erased
from onmaru.app.house import House, Place, system
from onmaru.app.keeping import Keeping, at_the_keyboard
from onmaru.app.refusal import Refusal
from onmaru.app.verifying import examined
from onmaru.engines.folder import FolderBlobs
from onmaru.engines.postgres.schema import drop
from onmaru.engines.whole import reading, writing
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.accounts import User
from onmaru.kernel.erasure import Asked, driven
from onmaru.kernel.record import Change
from onmaru.kernel.tenancy import HOUSE, Act, Tenancy

NAME = "clinic"
KEY = bytes(range(32))
CONDITION = b'{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p1"},"recordedDate":"2026-01-01"}'


def quiet(count: float) -> None:
    """Nobody watches."""


def place(folder: Path, name: str, store: str = "") -> Place:
    return Place(folder / name, folder / f"{name}-keys", folder / f"{name}-witness", store)


def resource(type: str, id: str, **more: Any) -> bytes:
    return json.dumps({"resourceType": type, "id": id, **more}, ensure_ascii=False).encode()


def filled(folder: Path, store: str = "") -> House:
    """A house whose tenant has versions, a deletion, an erased patient, blobs, audit rows and users."""
    house = House(place(folder, "from", store), rooms=())
    record = house.hall(system(NAME)).record
    for number in range(6):
        body = resource("Patient", f"p{number}", name=[{"text": f"홍길동{number}"}], multipleBirthInteger=1)
        record.write([Change("update", "Patient", f"p{number}", body)])
    record.write([Change("update", "Patient", "p1", resource("Patient", "p1", name=[{"text": "김"}]))])
    record.write([Change("update", "Basic", "b1", resource("Basic", "b1", code={"text": "1.50"}))])
    record.write([Change("delete", "Basic", "b1")])
    seat = house.seat(NAME)
    seat.home.wait(seat.home.tip())
    record.read("Patient", "p2")
    blobs = FolderBlobs(seat.shelf, system(NAME))
    for number in range(3):
        blobs.put([b"x" * (number * 700_000)], f"p{number}", "scan")
    erased(house, NAME, system(NAME), Asked("p0", "본인의 요청"))
    house.logins.keep_user(User(NAME, "nurse", "간호사", ("nurse",), password="$argon2id$secret"))
    return house


def story(house: House) -> dict[str, Any]:
    """All that a tenant holds, without the seals, which are each house's own."""
    seat = house.seat(NAME)
    seat.home.wait(seat.home.tip() + 1)
    blobs = sorted((seat.shelf.folder).glob("??/*"))
    opened = FolderBlobs(seat.shelf, system(NAME))
    return {
        "log": seat.home.read(0, 1000),
        "audit": [row for row in seat.home.trail.page(count=1000) if not row[1].target.startswith("Blob/")],
        "found": [v.t for v in house.hall(system(NAME)).record.history(count=100).matches],
        "blobs": {path.name: opened.open(path.name).read() for path in blobs},
        "users": [(one.user, one.name, one.roles) for one in house.logins.accounts.users(NAME)],
    }


@pytest.mark.parametrize("key", [None, KEY], ids=["in clear", "sealed"])
def test_an_imported_tenant_equals_the_one_that_was_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: bytes | None
) -> None:
    monkeypatch.setattr(writing, "ENTRIES", 4)
    monkeypatch.setattr(writing, "SLICE", 2)
    here, there = filled(tmp_path), House(place(tmp_path, "to"), rooms=())
    seat = here.seat(NAME)
    seat.home.wait(seat.home.tip() + 1)
    line, stood = departing.exported(here, NAME, tmp_path / "out", key, quiet)
    assert stood.log == seat.home.ends()[1] and line["entries"] == seat.home.tip()
    before = story(here)
    told = departing.imported(there, NAME, tmp_path / "out", key, quiet)
    assert told["signed_by"] == line["signed_by"]
    after = story(there)
    assert after["log"] == before["log"] and len(before["log"]) > 9
    assert after["blobs"] == before["blobs"] and len(before["blobs"]) == 2, "the erased patient's is gone"
    assert after["users"] == before["users"]
    assert after["audit"] == before["audit"] and len(before["audit"]) > 3
    assert after["found"] == before["found"]
    user = there.logins.accounts.user(NAME, "nurse")
    assert user is not None and user.password == "", "no secret travels"
    texts = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert any("홍길동".encode() in text for text in texts) is (key is None)
    assert (tmp_path / "out" / writing.WARNING).exists() is (key is None)
    assert not any("홍길동0".encode() in text for text in texts), "what was erased is not in it"
    with pytest.raises(Refusal):
        departing.imported(there, NAME, tmp_path / "out", key, quiet)
    there.close()
    assert examined(there, NAME, deep=True).ok
    here.close()


class Cut(Exception):
    """The power went."""


def test_an_export_that_was_cut_short_anywhere_goes_on_and_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "ENTRIES", 4)
    monkeypatch.setattr(writing, "SLICE", 2)
    house = filled(tmp_path)
    finished: Callable[..., None] = writing.Writer.finished
    left = [0]

    def cut(writer: writing.Writer, part: Any) -> None:
        finished(writer, part)
        if left[0] == 0:
            with (writer.folder / writing.JOURNAL).open("ab") as journal:
                journal.write(b'{"kind":"lo')
            raise Cut
        left[0] -= 1

    monkeypatch.setattr(writing.Writer, "finished", cut)
    for run in range(3):
        left[0] = run
        with pytest.raises(Cut):
            departing.exported(house, NAME, tmp_path / "out", None, quiet)
        if run == 1:
            erased(house, NAME, system(NAME), Asked("p4", "본인의 요청"))
    monkeypatch.setattr(writing.Writer, "finished", finished)
    departing.exported(house, NAME, tmp_path / "out", None, quiet)
    reader = reading.Reader(tmp_path / "out", None)
    reader.check()
    kept = [line for part in reader.log() for line in part]
    assert [line.t for line in kept] == list(range(1, reader.manifest.entries + 1))
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or "홍길동4".encode() not in path.read_bytes(), (
            "erased while the export was cut short"
        )
    house.close()


def damage(folder: Path, how: str) -> None:
    """Change one thing of an export, and where `how` says so all hashes with it."""
    file = sorted((folder / "versions" / "Patient").iterdir())[0]
    if how == "a file is gone":
        file.unlink()
    elif how == "a word was changed":
        file.write_bytes(file.read_bytes().replace("홍길동1".encode(), "홍길동9".encode()))
    elif how == "a part was left out":
        lines = (folder / writing.JOURNAL).read_bytes().splitlines(keepends=True)
        (folder / writing.JOURNAL).write_bytes(b"".join(lines[1:]))
    elif how == "the manifest says less":
        text = (folder / writing.MANIFEST).read_bytes()
        (folder / writing.MANIFEST).write_bytes(text.replace(b'"entries":', b'"entries":1'))
    elif how == "the parts name another file":
        text = (folder / writing.JOURNAL).read_bytes()
        (folder / writing.JOURNAL).write_bytes(text.replace(b'"versions/', b'"../../versions/'))
    elif how == "the manifest is gone":
        (folder / writing.MANIFEST).unlink()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    house = filled(folder)
    departing.exported(house, NAME, folder / "out", None, quiet)
    house.close()
    return folder / "out"


@pytest.mark.parametrize(
    "how",
    ["a file is gone", "a word was changed", "a part was left out", "the manifest says less",
     "the parts name another file", "the manifest is gone"],
)  # fmt: skip
def test_what_was_changed_is_refused_and_nothing_of_it_is_left(tmp_path: Path, whole: Path, how: str) -> None:
    shutil.copytree(whole, tmp_path / "out")
    damage(tmp_path / "out", how)
    house = House(place(tmp_path, "to"), rooms=())
    with pytest.raises(Refusal):
        departing.imported(house, NAME, tmp_path / "out", None, quiet)
    assert not house.exists(NAME) and not house.folder(NAME).exists()
    assert not list((house.where.home / "importing").iterdir())
    assert not list((house.where.keys / "tenants").glob("clinic-*"))
    house.close()


def test_a_tenant_in_postgresql_is_exported_the_same_way(tmp_path: Path, database: str) -> None:
    here, there = filled(tmp_path, database), House(place(tmp_path, "to"), rooms=())
    try:
        seat = here.seat(NAME)
        seat.home.wait(seat.home.tip() + 1)
        _, stood = departing.exported(here, NAME, tmp_path / "out", KEY, quiet)
        assert stood.log == seat.home.ends()[1]
        before = story(here)
        departing.imported(there, NAME, tmp_path / "out", KEY, quiet)
        assert story(there) == before
        with pytest.raises(Refusal):
            departing.imported(here, "another", tmp_path / "out", KEY, quiet)
        keeping, caller = Keeping(here), at_the_keyboard()
        keeping.do(caller, Act("suspend", NAME, "x"))
        driven(beginning(keeping, caller, Act("destroy", NAME, "x", NAME, "관할 보건소")))
        finish_all(here)
        assert here.store is not None and NAME not in here.store.tenants() and not here.folder(NAME).exists()
        assert not here.logins.accounts.users(NAME)
        # Another worker, with the same keys and a home of its own that had served it
        other = House(replace(here.where, home=tmp_path / "worker"), rooms=())
        (other.folder(NAME) / "blobs").mkdir(parents=True)
        assert not other.exists(NAME)
        with pytest.raises(Refusal):
            other.seat(NAME)
        finish_all(other)
        assert not other.folder(NAME).exists()
        other.close()
    finally:
        for name in (NAME, HOUSE):
            here.logins.accounts.save_tenancy(Tenancy(name))
        there.close()
        here.close()
        for name in (NAME, HOUSE):
            drop(database, name)


def test_what_was_exported_whole_may_be_destroyed_and_what_has_moved_on_may_not(tmp_path: Path) -> None:
    house = filled(tmp_path)
    keeping, caller = Keeping(house), at_the_keyboard()
    leave = Act("destroy", NAME, "계약이 끝났습니다", NAME)
    _, stood = departing.exported(house, NAME, tmp_path / "out", KEY, quiet)
    keeping.do(caller, Act("export", NAME, exported=stood))
    house.hall(system(NAME)).record.write([Change("update", "Condition", "c", CONDITION)])
    keeping.do(caller, Act("suspend", NAME, "x"))
    with pytest.raises(Invalid) as refused:
        driven(beginning(keeping, caller, leave))
    assert [issue.text.split()[0] for issue in refused.value.issues] == ["환자", "진료기록부", "export"]
    _, stood = departing.exported(house, NAME, tmp_path / "again", KEY, quiet)
    keeping.do(caller, Act("export", NAME, exported=stood))
    assert driven(beginning(keeping, caller, leave)).state == "destroying"
    finish_all(house)
    assert keeping.shown(NAME)["state"] == "destroyed"
    told = departing.imported(house, "clinic-again", tmp_path / "again", KEY, quiet)
    assert told["entries"] == stood.t, "and what was taken along can be read without the key that was destroyed"
    house.close()
