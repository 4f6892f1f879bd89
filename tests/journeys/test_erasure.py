"""A person erased from a house that was filled by messages and files: nothing kept anywhere holds a word of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.served import Served, code

from onmaru.app.house import MAIN, House, place
from onmaru.app.verifying import examined
from onmaru.engines.folder import opened
from onmaru.engines.packing import unpacker
from onmaru.engines.sqlite.connection import connect
from onmaru.engines.sqlite.rows import HotTables

# The word has to be found wherever the person still is; each is in another kind of place.
WORDS = ("소멸자", "Vanishing", "X9Q7731", "VN55501", "Zyzzogeton", "가상길 77")
STAYING = "잔류자"


def message(event: str, number: str, name: str, control: str, *lines: str, visit: str = "") -> bytes:
    head = f"MSH|^~\\&|EMR|HOSP|ONMARU|HOSP|19900301120000+0900||{event}|{control}|P|2.5.1||||||UNICODE UTF-8"
    address = "가상길 77^^서울" if name.startswith("소멸자") else "본길 1^^서울"
    pid = f"PID|1||{number}^^^HOSP^MR||{name}||19300101|F|||{address}"
    pv1 = f"PV1|1|I|W5^501^1^HOSP{'|' * 16}{visit}^^^HOSP^VN{'|' * 25}199003011100|199003101100" if visit else ""
    return "\r".join([head, pid, *filter(None, [pv1]), *lines, ""]).encode()


def result(order: str, text: str) -> list[str]:
    return [
        f"OBR|1||{order}^LAB|8867-4^Heart rate^LN|||199003011200",
        f"OBX|1|ST|8867-4^Heart rate^LN||{text}||||||F|||199003011200",
    ]


def fill(house: Served) -> None:
    """Two people: admissions, short and long results, and a letter about each that no door can take."""
    for number, name, visit, word in (
        ("X9Q7731", "소멸자^Vanishing", "VN55501", "Zyzzogeton"),
        ("Y100", f"{STAYING}^길동", "VN9", "sound"),
    ):
        sent = [
            message("ADT^A01", number, name, f"A{number}", visit=visit),
            message("ORU^R01", number, name, f"B{number}", *result(f"L1{visit}", word), visit=visit),
            message(
                "ORU^R01", number, name, f"C{number}", *result(f"L2{visit}", f"{word} {'long ' * 9000}"), visit=visit
            ),
        ]
        assert [code(answer) for answer in house.send(*sent)] == ["AA", "AA", "AA"]
        assert code(house.send(message("QRY^A19", number, name, f"D{number}"))[0]) == "AR"


def cells(db: Any) -> Iterator[bytes]:
    """Everything in every table of a decrypted file, and its whole image with what lies in free pages."""
    unpack = unpacker()
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for row in db.execute(f'SELECT * FROM "{name}"'):
            for value in row:
                if isinstance(value, bytes) and value[:4] == b"\x28\xb5\x2f\xfd":
                    yield unpack(value)
                yield value if isinstance(value, bytes) else str(value).encode()
    yield db.serialize("main")


def kept(house: House) -> Iterator[tuple[str, bytes]]:
    """(where, bytes in clear) of all that the tenant's files hold but the audit trail."""
    keys, ring = house.keys(MAIN)
    folder = house.folder(MAIN)
    for name in ("log.db", "idx.db", "rows.db"):
        assert not (folder / f"{name}-wal").exists() or not (folder / f"{name}-wal").stat().st_size, name
        db = connect(folder / name, keys.pages)
        for cell in cells(db):
            yield name, cell
        db.close()
    for path in (folder / "blobs").glob("??/*"):
        yield "blobs", opened(path, ring).read()
    columnar = house.seat(MAIN).columnar
    for one in columnar._followed.values():
        assert one.vault.names() == one.manifest.names(), "a file that no manifest names is left"
        for name, held in one.contents():
            yield name, repr(_rows(held)).encode()


def _rows(found: Any) -> list[Any]:
    table = found.to_table() if hasattr(found, "to_table") else found
    rows: list[Any] = table.to_pylist()
    return rows


def where(house: House, words: tuple[str, ...]) -> dict[str, set[str]]:
    """Each word and the places that hold it, in whatever writing."""
    found: dict[str, set[str]] = {word: set() for word in words}
    for place_, data in kept(house):
        for word in words:
            if word.encode() in data or word.lower().encode() in data.lower():
                found[word].add(place_)
    return found


def rebuilt(house: House) -> None:
    """Hot rows equal a rebuild from the log."""
    seat, (keys, _) = house.seat(MAIN), house.keys(MAIN)
    with tempfile.TemporaryDirectory() as scratch:
        again = HotTables(Path(scratch), keys.pages, seat.hot.projections)
        for projection in again.projections:
            while again.catch_up(projection, seat.home):
                pass
        for _, physical in again.tables.values():
            rows = [sorted(map(repr, one.db.execute(f'SELECT * FROM "{physical}"'))) for one in (seat.hot, again)]
            assert rows[0] == rows[1], physical
        again.close()


@pytest.mark.parametrize("served", [True, False], ids=["beside a server", "without one"])
def test_an_erased_person_is_nowhere_and_the_other_is_whole(tmp_path: Path, served: bool) -> None:
    with Served(tmp_path) as house:
        fill(house)
        (who,) = house.found("Patient?identifier=X9Q7731")
        before = len(house.found(f"Observation?patient={who['id']}"))
        house.stop()
        counted = House(place(house.environ))
        counted.catch_up(MAIN)
        seen = where(counted, WORDS)
        counted.close()
        assert before == 2 and all(places for places in seen.values()), "the words must be there to be missed later"
        assert {"log.db", "idx.db", "rows.db", "blobs"} <= set().union(*seen.values())
        if served:
            house.start()
        status, lines = house.command("erase", who["id"], "--reason", "본인의 요구", "--dry-run")
        assert status == 0 and lines[-1]["erased"] is False
        assert (lines[-1]["blobs"], lines[-1]["dead_letters"]) == (2, 1)
        status, lines = house.command("erase", who["id"], "--reason", "본인의 요구")
        assert status == 0 and lines[-1]["erased"] is True
        assert lines[-1]["by_type"]["DocumentReference"] == 3 and lines[-1]["by_type"]["Task"] == 1
        assert house.command("erase", who["id"], "--reason", "본인의 요구")[0] == 3
        if served:
            assert house.get(f"/fhir/Patient/{who['id']}")[0] == 410
            assert house.found("Patient?identifier=X9Q7731") == []
            house.stop()
    raw = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert not [word for word in WORDS if word.encode() in raw]
    left = House(place(house.environ))
    try:
        left.catch_up(MAIN)
        assert where(left, WORDS) == {word: set() for word in WORDS}
        assert where(left, (STAYING,))[STAYING] >= {"log.db", "rows.db", "blobs"}
        rebuilt(left)
    finally:
        left.close()
    report = examined(left, MAIN, deep=True)
    assert report.ok, report.wrong
    assert report.erased and report.blobs == 2


def test_a_command_names_every_hindrance_and_changes_nothing(tmp_path: Path) -> None:
    house = Served(tmp_path)
    file = tmp_path / "two.json"
    body = [
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
         "subject": {"reference": "Patient/p"}, "period": {"start": "2025-01-01", "end": "2025-01-02"}},
    ]  # fmt: skip
    file.write_text("\n".join(json.dumps(one) for one in body), "utf-8")
    assert house.command("load", str(file))[0] == 0
    status, lines = house.command("erase", "p", "--reason", "본인의 요구")
    assert status == 3 and len(lines) == 1
    assert [text.split(" ")[0] for text in lines[0]["kept_by_law"]] == ["환자", "진료기록부"]
    assert house.command("erase", "p/q", "--reason", "x")[0] == 3
    assert house.command("erase", "nobody", "--reason", "x")[0] == 3
    assert house.command("erase", "p", "--reason", "x", "--tenant", "elsewhere")[0] == 4
    assert house.command("erase", "p")[0] == 2
    assert house.command("verify", "--deep")[0] == 0
