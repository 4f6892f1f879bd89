"""`onmaru load`: files and folders into the record through its doors; a load that was cut short goes on where it stopped."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from onmaru.adapters.door import Door
from onmaru.adapters.receipt import Receipt, Source
from onmaru.app.calm import calm
from onmaru.app.fresh import new_id
from onmaru.app.house import House, now, place, system
from onmaru.app.lines import say
from onmaru.app.progress import progress
from onmaru.app.reading import Reading, worth
from onmaru.app.refusal import NO, Refusal
from onmaru.app.streaming import long, streamed

ENDINGS = (".json", ".ndjson", ".hl7", ".er7", ".txt", ".msg")
_FIRST = re.compile(rb'"resource"\s*:\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"')
# What belongs to no patient comes before what refers to it.
_SHARED = {b"Organization", b"Location", b"Practitioner", b"PractitionerRole", b"HealthcareService", b"Medication"}
WAL = 64 << 20


class Counts(msgspec.Struct):
    """What a load came to. `rejected` entries are dead letters too, unless the file itself could not be read."""

    files: int = 0
    entries: int = 0
    accepted: int = 0
    rejected: int = 0
    dead_letters: int = 0
    by_type: dict[str, int] = {}
    seconds: float = 0.0
    rate: float = 0.0

    def add(self, receipt: Receipt) -> None:
        """Count one file's receipt in."""
        self.files += 1
        self.accepted += receipt.accepted
        self.rejected += receipt.rejected
        self.dead_letters += receipt.dead
        self.entries += receipt.accepted + receipt.rejected
        for type, number in receipt.by_type.items():
            self.by_type[type] = self.by_type.get(type, 0) + number


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--tenant", default="main", show_default=True, help="Into whose record.")
@click.option("--json", is_flag=True, help="Print JSON; the last line is the result.")
def load(paths: tuple[Path, ...], tenant: str, json: bool) -> int:
    """Load FHIR (JSON, NDJSON, Bundles) and HL7 v2 files, also gzipped; the format is told by the content."""
    house = House(place())
    calm()
    if not house.exists(tenant):
        raise Refusal(f"no tenant {tenant}; `onmaru tenant add {tenant}` makes it")
    started = time.perf_counter()
    counts = Counts()
    try:
        files = ordered(found(paths))
        with progress("loading", len(files), quiet=json) as advance:
            for file, receipt in loaded(house, tenant, files):
                counts.add(receipt)
                advance(1)
                if receipt.reason:
                    say({"file": str(file), "where": receipt.location, "reason": receipt.reason}, json=json)
    finally:
        house.close()
    counts.seconds = round(time.perf_counter() - started, 3)
    counts.rate = round(counts.accepted / counts.seconds, 1)
    counts.by_type = dict(sorted(counts.by_type.items()))
    line: dict[str, Any] = msgspec.to_builtins(counts)
    say(line, json=json)
    return NO if counts.rejected else 0


def loaded(house: House, tenant: str, files: Sequence[Path]) -> Iterator[tuple[Path, Receipt]]:
    """Take each file and give its receipt once it is durable; a second process reads ahead where that is worth it."""
    home = house.seat(tenant).home
    hall = house.hall(system(tenant, "load"))
    door = Door(now, new_id)
    short = [file for file in files if not long(file)]
    reading = Reading(short, door.known(hall)) if worth(short) else None
    try:
        for file in files:
            if long(file):
                yield file, streamed(house, tenant, file, door)
                continue
            source = Source("file", file.name, settle=lambda: home.wait(home.tip()))
            receipt = door.take(hall, file.read_bytes(), source, reading.told() if reading is not None else None)
            home.wait(home.tip())
            home.tidy(WAL)
            yield file, receipt
    finally:
        if reading is not None:
            reading.close()


def found(paths: Sequence[Path]) -> list[Path]:
    """The files named, and of folders those whose name tells a format that some door reads."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(one for one in path.rglob("*") if one.is_file() and _readable(one))
        else:
            files.append(path)
    return files


def _readable(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith(ENDINGS)


def ordered(files: Sequence[Path]) -> list[Path]:
    """Bundles of what belongs to no patient first; otherwise the order given."""
    return sorted(files, key=lambda path: 0 if _first_type(path) in _SHARED else 1)


def _first_type(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            match = _FIRST.search(file.read(65_536))
    except (OSError, EOFError):
        return b""
    return match.group(1) if match else b""
