"""Proof that an erased person is gone: a hospital told of her in every way there is, and then nothing kept holds a word.

Its one law is that a word must first be found in its place, or that it is missing there would show nothing.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from onmaru.adapters.door import Door
from onmaru.adapters.receipt import Source
from onmaru.app.erasing import erased
from onmaru.app.evidence import Figures, Proof
from onmaru.app.fresh import new_id
from onmaru.app.house import MAIN, House, now, system
from onmaru.app.prove.remains import place_in, projected
from onmaru.app.verifying import examined
from onmaru.engines.folder import opened
from onmaru.engines.packing import unpacker
from onmaru.engines.sqlite.connection import connect
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.erasure import Asked
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change

# Each is told in another way: name in Hangul and Latin, number, visit, result, address, note, attachment, dead letter
WORDS = ("소멸자", "Vanishing", "X9Q7731", "VN55501", "Zyzzogeton", "가상길 77", "Quixotry", "Flibberty", "Unheardof")
TRAIL = "audit.db"
REASON = "본인의 삭제 요구"


def purge() -> Figures:
    """Fill a house, erase one person of two, and look for her in every file, table, blob, column and past position."""
    with tempfile.TemporaryDirectory(prefix="onmaru-purge-") as scratch:
        house = House(place_in(Path(scratch)))
        try:
            who = _filled(house)
            before = _where(house)
            missing = [word for word in WORDS if not before[word]]
            assert not missing, f"{len(missing)} of {len(WORDS)} words were nowhere before the erasure"
            head = house.seat(MAIN).home.head()
            plan = erased(house, MAIN, system(MAIN, "prove"), Asked(who, REASON, with_shared=True))
            places = Counter(place for found in before.values() for place in found)
            left = {place for found in _where(house).values() for place in found}
            assert not left, f"words are left in {', '.join(sorted(left))}"
            asked = _past(house, who, head)
            projected(house)
        finally:
            house.close()
        report = examined(house, MAIN, deep=True)
        assert report.ok, str(report.wrong[0])
        files = [path for path in (Path(scratch) / "home").rglob("*") if path.is_file()]
        raw = [path.name for path in files for word in WORDS if word.encode() in path.read_bytes()]
        assert not raw, f"words stand in clear in {', '.join(sorted(set(raw)))}"
    return {
        "words": len(WORDS),
        "places before": ", ".join(f"{name} {count}" for name, count in sorted(places.items())),
        "resources erased": len(plan.taken),
        "blobs dropped": len(plan.blobs),
        "dead letters dropped": len(plan.letters),
        "past positions asked": asked,
        "files searched": len(files),
        "seals": "hold",
    }


# -- a hospital with two people ------------------------------------------------------------------------------------


def _filled(house: House) -> str:
    """The id of the Patient whom every word tells of."""
    seat, hall, door = house.seat(MAIN), house.hall(system(MAIN, "prove")), Door(now, new_id)
    source = Source("mllp", "prove", "hl7v2", settle=lambda: seat.home.wait(seat.home.tip()))
    for number, name, word in (("X9Q7731", "소멸자^Vanishing", "Zyzzogeton"), ("Y100", "잔류자^Staying", "sound")):
        for control, event, lines in (
            ("A", "ADT^A01", []),
            ("B", "ORU^R01", _result(f"L1{number}", word)),
            ("C", "ORU^R01", _result(f"L2{number}", f"{word} {'long ' * 9000}")),
            ("D", "QRY^A19", ["QRD|||||||Unheardof" if number == "X9Q7731" else "QRD|1"]),
        ):
            door.take(hall, _message(event, number, name, f"{control}{number}", lines), source)
    seat.home.wait(seat.home.tip())
    (who,) = [v.id for v in _versions(house) if v.type == "Patient" and "소멸자".encode() in (v.body or b"")][:1]
    subject = {"reference": f"Patient/{who}"}
    note: dict[str, Any] = {"resourceType": "Communication", "id": "note", "status": "completed", "subject": subject}
    for text in ("Quixotry", "Flibberty"):
        note["payload"] = [{"contentString": text}]
        hall.record.write([Change("update", "Communication", "note", msgspec.json.encode(note))])
    hall.record.write([Change("delete", "Communication", "note")])
    seat.home.wait(seat.home.tip())
    house.catch_up(MAIN)
    return who


def _message(event: str, number: str, name: str, control: str, lines: list[str]) -> bytes:
    head = f"MSH|^~\\&|EMR|HOSP|ONMARU|HOSP|19900301120000+0900||{event}|{control}|P|2.5.1||||||UNICODE UTF-8"
    address = "가상길 77^^서울" if number == "X9Q7731" else "본길 1^^서울"
    visit = "VN55501" if number == "X9Q7731" else "VN9"
    pid = f"PID|1||{number}^^^HOSP^MR||{name}||19300101|F|||{address}"
    pv1 = f"PV1|1|I|W5^501^1^HOSP{'|' * 16}{visit}^^^HOSP^VN{'|' * 25}199003011100|199003101100"
    return "\r".join([head, pid, pv1, *lines, ""]).encode()


def _result(order: str, text: str) -> list[str]:
    head = f"OBR|1||{order}^LAB|8867-4^Heart rate^LN|||199003011200"
    return [head, f"OBX|1|ST|8867-4^Heart rate^LN||{text}||||||F|||199003011200"]


# -- everything that is kept ---------------------------------------------------------------------------------------


def _versions(house: House) -> list[Version]:
    home = house.seat(MAIN).home
    return list(home.read(0, home.head()))


def _where(house: House) -> dict[str, set[str]]:
    """Each word and the places that hold it, whatever its case."""
    found: dict[str, set[str]] = {word: set() for word in WORDS}
    seat = house.seat(MAIN)
    seat.home.index.commit()
    for place, data in _kept(house):
        low = data.lower()
        for word in WORDS:
            if word.lower().encode() in low:
                found[word].add(place)
    return found


def _kept(house: House) -> Iterator[tuple[str, bytes]]:
    """(place, bytes in clear) of all that the tenant's files hold but the trail of who saw what, which the law keeps."""
    (keys, ring), folder = house.keys(MAIN), house.folder(MAIN)
    files = {str(path.relative_to(folder)) for some in ("*.db", "own/*/*.db") for path in folder.glob(some)}
    for name in sorted(files - {TRAIL}):
        db = connect(folder / name, keys.pages)
        for cell in _cells(db):
            yield name, cell
        yield f"{name} pages", db.serialize("main")
        db.close()
    for path in (folder / "blobs").glob("??/*"):
        yield "blobs", opened(path, ring).read()
    for one in house.seat(MAIN).columnar._followed.values():
        assert one.vault.names() == one.manifest.names(), "a file that no manifest names is left"
        for name, kept in one.contents():
            yield f"lake {name}", repr(_rows(kept)).encode()


def _cells(db: Any) -> Iterator[bytes]:
    unpack = unpacker()
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for row in db.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - a table of ours
            for value in row:
                if isinstance(value, bytes) and value[:4] == b"\x28\xb5\x2f\xfd":
                    yield unpack(value)
                yield value if isinstance(value, bytes) else str(value).encode()


def _rows(found: Any) -> list[Any]:
    rows: list[Any] = (found.to_table() if hasattr(found, "to_table") else found).to_pylist()
    return rows


def _past(house: House, who: str, head: int) -> int:
    """Ask every past position for the person, by id, by history and by word."""
    record = house.hall(system(MAIN, "prove")).record
    for t in range(1, head + 1):
        then = record.at(t)
        for type, id in (("Patient", who), ("Communication", "note")):
            try:
                then.read(type, id)
            except Invalid as refused:
                assert refused.status in (404, 410), f"position {t} answers {refused.status}"
            else:
                raise AssertionError(f"position {t} still shows the person")
        shown = b"".join(version.body or b"" for version in then.history(count=1000).matches).lower()
        assert not [word for word in WORDS if word.lower().encode() in shown], f"the history at {t} still tells"
    return head


PROOFS = (
    Proof("3.purge", "Nothing kept holds a word of an erased person, nor any past position; the seals hold.", purge),
)
