"""A hall on the in-memory engine for the doors' tests: real record, real blobs, a clock that ticks."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import msgspec

from onmaru.adapters.door import Door
from onmaru.adapters.receipt import Receipt, Source
from onmaru.engines.folder import FolderBlobs, Shelf
from onmaru.engines.keyring import Keyring
from onmaru.engines.memory import MemoryLog, MemoryTrail
from onmaru.fhir import search
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import Gate
from onmaru.kernel.room import Hall
from onmaru.kernel.tasks import TaskJobs

SYSTEM = Caller("main", "door", frozenset({"system"}), "HOPERAT", (Scope("system", "*", frozenset("cruds")),))


class House:
    """One tenant, its door and short ways to look at what was written."""

    def __init__(self, folder: Path, name: str = "id-{}") -> None:
        self._at = 1_772_000_000_000_000
        numbers = itertools.count(1)
        self._new_id = lambda: name.format(next(numbers))
        self.log = MemoryLog(self.now)
        gate, trail = Gate("main", Consents(), self.now), MemoryTrail()
        self.tenant = Tenant("main", self.log, self.log, trail, gate, self.now, self._new_id)
        blobs = FolderBlobs(Shelf(folder / "blobs", Keyring(b"k" * 32), gate, trail, self.now), SYSTEM)
        record = Chart(self.tenant, SYSTEM)
        self.hall = Hall(SYSTEM, record, None, blobs, TaskJobs(record), {})  # type: ignore[arg-type]
        self.door = Door(self.now, self._new_id)

    def now(self) -> int:
        self._at += 1_000_000
        return self._at

    def all(self, type: str, **pairs: str) -> list[Any]:
        """Current resources of a type as JSON, newest first."""
        query = search.parse((type,), [*pairs.items(), ("_count", "500")])
        return [msgspec.json.decode(version.body or b"{}") for version in self.hall.record.search(query).matches]

    def one(self, type: str, **pairs: str) -> Any:
        found = self.all(type, **pairs)
        assert len(found) == 1, f"{len(found)} {type}"
        return found[0]


def send(house: House, event: str, *lines: str, at: str = "20260301120000", control: str = "") -> Receipt:
    kind, _, trigger = event.partition("^")
    head = f"MSH|^~\\&|EMR|HOSP|ONMARU|HOSP|{at}+0900||{kind}^{trigger}|{control or at}|P|2.5.1||||||UNICODE UTF-8"
    return house.door.take(house.hall, "\r".join([head, *lines]).encode(), Source("mllp", "test"))


def pid(number: str = "7", name: str = "홍^길동", rest: str = "|19800101|M") -> str:
    return f"PID|1||{number}^^^HOSP^MR||{name}|{rest}"


VISIT = "|".join(
    [
        "PV1",
        "1",
        "I",
        "W5^501^1^HOSP",
        "",
        "",
        "",
        "77^김^의사^^^^^^HOSP",
        *[""] * 11,
        "V1^^^HOSP^VN",
        *[""] * 24,
        "202603011100",
    ]
)
