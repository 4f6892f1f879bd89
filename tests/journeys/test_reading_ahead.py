"""A second process reads files ahead: the record comes out as if there were none, whatever becomes of it."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.journeys.test_fhir_files import ORGANIZATION, PATIENT, bundle, by_number, numbered
from tests.v2_hall import House as Made

from onmaru.adapters import fhirfile
from onmaru.adapters.ahead import tell
from onmaru.adapters.door import Door
from onmaru.adapters.receipt import Receipt, Source
from onmaru.app import reading
from onmaru.app.house import MAIN, House, Place, new_id, system
from onmaru.app.loading import loaded
from onmaru.fhir.search import parse
from onmaru.kernel.chart import Chart

CONDITIONAL = json.loads(bundle(("p7", by_number("1")), ("o7", numbered("1"))))
CONDITIONAL["entry"][1]["request"]["ifNoneExist"] = "identifier=urn:o|1"
FILES = [
    bundle(ORGANIZATION),
    bundle(PATIENT, ("b1", {"resourceType": "Patient", "gender": 5})),
    b'{"resourceType":"Patient","id":"kept","active":true}\n{"resourceType":"Patient","id":"kept2"}\n',
    bundle(("c1", {"resourceType": "Patient", "id": "c1"}), kind="collection"),
    json.dumps(CONDITIONAL).encode(),
    b"MSH|^~\\&|nothing more",
    b'{"resourceType":"Bundle","type":"history","entry":[]}',
    bundle(("p9", {"resourceType": "Patient", "link": [{"other": {"reference": "urn:uuid:p7"}, "type": "seealso"}]})),
]


def told_and_taken(made: Made, files: Sequence[bytes]) -> list[Receipt]:
    """Take files of which all was told beforehand, as the second process does it."""
    links = dict(made.door.known(made.hall))
    told = [tell(data, links, new_id) for data in files]
    return [made.door.take(made.hall, data, Source(), one) for data, one in zip(files, told, strict=True)]


def bodies(receipts: Sequence[Receipt], made: Made) -> list[str]:
    """What was written but for its time, each id replaced by its place in the order of writing."""
    names = [name for receipt in receipts for name in receipt.created]
    found = []
    for name in names:
        text = (made.hall.record.read(*name.split("/")).body or b"").decode()
        for number, other in enumerate(names):
            text = re.sub(f'(?<=["/]){other.partition("/")[2]}(?=")', f"#{number}", text)
        found.append(re.sub('"lastUpdated":"[^"]*"', "", text))
    return found


def test_what_was_told_beforehand_is_written_as_if_it_had_not_been(tmp_path: Path) -> None:
    plain, ahead = Made(tmp_path / "a"), Made(tmp_path / "b")
    one = [plain.door.take(plain.hall, data, Source()) for data in FILES]
    two = told_and_taken(ahead, FILES)
    assert [(r.accepted, r.rejected, r.dead, r.by_type) for r in one] == [
        (r.accepted, r.rejected, r.dead, r.by_type) for r in two
    ]
    assert len(bodies(one, plain)) > 7
    assert bodies(one, plain) == bodies(two, ahead)


def test_a_refused_entry_is_kept_as_it_came(tmp_path: Path) -> None:
    """What is refused only at the write, here because its name is taken twice, was made ready before."""
    made = Made(tmp_path)
    twice = b'{"resourceType":"Patient", "id":"same"}\n{"resourceType":"Patient",  "id":"same"}\n'
    told_and_taken(made, [twice])
    letters = made.door.letters.page(made.hall)["items"]
    assert letters
    texts = [made.door.letters.one(made.hall, letter["id"])["text"] for letter in letters]
    assert all(text in twice.decode() for text in texts)


def test_a_file_that_was_cut_short_leads_nobody_astray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of it gets the ids promised at first, and so do references to it in later files."""
    monkeypatch.setattr(fhirfile, "SLICE", 1)
    made = Made(tmp_path)
    first = bundle(("p1", {"resourceType": "Patient"}), ("p2", {"resourceType": "Patient", "active": True}))
    inner = type(made.hall.record).write
    writes: list[object] = []

    def failing(self: object, changes: object) -> object:
        writes.append(changes)
        if len(writes) == 2:
            raise KeyboardInterrupt
        return inner(self, changes)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(type(made.hall.record), "write", failing)
    with pytest.raises(KeyboardInterrupt):
        made.door.take(made.hall, first, Source())
    monkeypatch.setattr(type(made.hall.record), "write", inner)
    later = bundle(("x", {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": "urn:uuid:p2"}}))
    made.door = Door(made.now, made._new_id)
    told_and_taken(made, [first, later])
    patient = made.one("Patient", active="true")
    assert made.one("Basic")["subject"]["reference"] == f"Patient/{patient['id']}"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(reading, "WORTH", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    folder = tmp_path / "files"
    folder.mkdir()
    for number, data in enumerate(FILES):
        (folder / f"{number}.json").write_bytes(data)
    return sorted(folder.iterdir())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness"))
    yield made
    made.close()


def patients(house: House) -> int:
    found = Chart(house.seat(MAIN).tenant, system(MAIN)).search(parse(("Patient",), [("_count", "100")]))
    return len(found.matches)


def test_a_load_reads_ahead(files: list[Path], house: House) -> None:
    receipts = [receipt for _, receipt in loaded(house, MAIN, files)]
    assert [receipt.accepted for receipt in receipts] == [1, 1, 2, 1, 2, 0, 0, 1]
    assert patients(house) == 6


def test_a_load_goes_on_alone_when_the_other_process_dies(
    files: list[Path], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = reading.subprocess.Popen
    killed = []

    def doomed(*args: object, **options: object) -> object:
        process = started(*args, **options)  # type: ignore[call-overload]  # handed on as it came
        os.kill(process.pid, signal.SIGKILL)
        killed.append(process)
        return process

    monkeypatch.setattr(reading.subprocess, "Popen", doomed)
    accepted = sum(receipt.accepted for _, receipt in loaded(house, MAIN, files))
    assert killed
    assert accepted == 8
