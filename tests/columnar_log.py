"""A log and a projection small enough to see through, for the columnar store's tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from onmaru.engines.duck.tables import ColumnarTables
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.lake import View
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table

KEY = b"k" * 32
FACT = Table("fact", (("word", "text"), ("n", "int"), ("day", "date"), ("moment", "timestamp")))
PERSON = Table("person", (("word", "text"),))
HOT = Table("warm", (("word", "text"),), "hot")
ROWS = View(
    "rows", "SELECT _source, _version, _t, _patient, word, n, day, moment FROM fact ORDER BY _source, n", ("fact",)
)


class Words:
    """Each Observation stands for as many facts as its body says, each Patient for one person."""

    name = "words"
    types = frozenset({"Observation", "Patient"})

    def __init__(self, version: int = 1, tables: tuple[Table, ...] = (FACT, PERSON, HOT)) -> None:
        self.version = version
        self.tables = tables

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        for version in batch:
            yield version, tuple(self._rows(version)) if version.body is not None else ()

    def _rows(self, version: Version) -> Iterator[Row]:
        body = msgspec.json.decode(version.body or b"")
        if version.type == "Patient":
            yield Row("person", version.id, "", (body["word"],))
            return
        yield Row("warm", body["of"], "", (body["word"],))
        for n in range(body["n"]):
            yield Row("fact", body["of"], "", (f"{self.version}:{body['word']}", n, 7, 86_400_000_000))


class Recorded:
    """As much of the Log door as a follower needs; an erasure takes the bodies before it, as the log's does."""

    def __init__(self) -> None:
        self.versions: list[Version] = []

    def add(self, type: str, id: str, op: str, body: Any = None) -> None:
        number = 1 + sum(1 for one in self.versions if (one.type, one.id) == (type, id))
        if op == "erase":
            same = [(one.type, one.id) == (type, id) for one in self.versions]
            self.versions = [
                msgspec.structs.replace(one, body=None) if hit else one
                for one, hit in zip(self.versions, same, strict=True)
            ]
        raw = None if body is None else msgspec.json.encode(body)
        self.versions.append(Version(len(self.versions) + 1, type, id, number, op, 0, raw))  # type: ignore[arg-type]

    def read(self, after: int, limit: int) -> Sequence[Version]:
        return self.versions[after : after + limit]


def fact(word: str, of: str = "p1", n: int = 1) -> dict[str, Any]:
    return {"word": word, "of": of, "n": n}


def some() -> Recorded:
    log = Recorded()
    for number in range(40):
        log.add("Observation", f"o{number % 13}", "update", fact(f"w{number}", f"p{number % 3}", number % 4))
    log.add("Observation", "o3", "delete")
    log.add("Patient", "p1", "create", {"word": "secretword"})
    return log


def follow_all(store: ColumnarTables, log: Any, sizes: Iterable[int] = (1000,)) -> None:
    waiting = list(sizes)
    projection = store.projections[0]
    while store.catch_up(projection, log, waiting.pop(0) if waiting else 1000):
        pass


def standing(store: ColumnarTables, sight: Sight = ALL) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = store.query(ROWS, {}, sight).to_pylist()
    return found


def words(store: ColumnarTables, sight: Sight = ALL) -> list[str]:
    return [row["word"] for row in standing(store, sight)]
