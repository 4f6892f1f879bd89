"""A loaded code system as a System: small reads by number, answers as bitmaps, nothing held but what was asked for last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
from pyroaring import BitMap

from onmaru.engines.sqlite.connection import connect
from onmaru.engines.terms.schema import ABSTRACT, INACTIVE
from onmaru.fhir.terminology.concepts import Concept, Designation, Property
from onmaru.fhir.terminology.system import About
from onmaru.fhir.terminology.text import matching

# Variables of one statement, and rows read while others wait
CHUNK = 500
STRETCH = 10_000
# Concepts whose code, display and standing are kept at hand
GLANCED = 50_000


class KeptSystem:
    """One file, read only. The connection is used by one thread at a time."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._db = connect(path, key, cache_mb=32, readonly=True)
        self._lock = Lock()
        self.about = msgspec.msgpack.decode(self._kept("about"), type=About)
        self.size = len(self._set("everything"))
        # The last questions of a busy ward, which asks the same again and again
        self.number = lru_cache(maxsize=GLANCED)(self._number)
        self._glanced: dict[int, Concept] = {}
        self._concept = lru_cache(maxsize=5_000)(self._read_concept)
        self._line = lru_cache(maxsize=2_000)(self._read_line)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._db.close()

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            return list(self._db.execute(sql, tuple(values)))

    def _kept(self, name: str) -> bytes:
        rows = self._all("SELECT value FROM kept WHERE name = ?", (name,))
        return rows[0][0] if rows else b""

    def _set(self, name: str) -> BitMap:
        held = self._kept(name)
        return BitMap.deserialize(held) if held else BitMap()

    def _number(self, code: str) -> int | None:
        """One read for what nearly every question goes on to ask."""
        rows = self._all("SELECT n, code, display, flags FROM concept WHERE code = ?", (code,))
        return self._noted(*rows[0]) if rows else None

    def _noted(self, number: int, code: str, display: str, flags: int) -> int:
        if len(self._glanced) >= GLANCED:
            self._glanced.clear()
        concept = Concept(code, display, abstract=bool(flags & ABSTRACT), inactive=bool(flags & INACTIVE))
        self._glanced[number] = concept
        return number

    def glance(self, number: int) -> Concept:
        """See System."""
        found = self._glanced.get(number)
        if found is None:
            [row] = self._all("SELECT n, code, display, flags FROM concept WHERE n = ?", (number,))
            self._noted(*row)
            # Another thread may clear what is noted at any moment
            return self._glanced.get(number) or self._read_concept(number)
        return found

    def concepts(self, numbers: Sequence[int]) -> Sequence[Concept]:
        """See System."""
        return [self._concept(number) for number in numbers]

    def _read_concept(self, number: int) -> Concept:
        [(code, display, definition, flags)] = self._all(
            "SELECT code, display, definition, flags FROM concept WHERE n = ?", (number,)
        )
        named = self._all(
            "SELECT value, language, use FROM designation WHERE n = ? ORDER BY language, value", (number,)
        )
        said = self._all(
            "SELECT name, kind, value, more FROM property JOIN named USING (p) WHERE n = ? ORDER BY name, value",
            (number,),
        )
        return Concept(
            code,
            display,
            definition,
            tuple(
                Designation(value, language, msgspec.msgpack.decode(use, type=_Use)) for value, language, use in named
            ),
            tuple(Property(name, kind, value, *_more(more)) for name, kind, value, more in said),
            bool(flags & ABSTRACT),
            bool(flags & INACTIVE),
        )

    def codes(self, numbers: BitMap | None = None) -> Iterable[tuple[int, str]]:
        """See System."""
        return self._column("code", numbers)

    def texts(self) -> Iterable[tuple[int, str]]:
        """See System."""
        return self._column("display", None)

    def _column(self, name: str, numbers: BitMap | None) -> Iterator[tuple[int, str]]:
        if numbers is None:
            for start in range(0, self.size, STRETCH):
                yield from self._all(
                    f"SELECT n, {name} FROM concept WHERE n >= ? AND n < ? ORDER BY n", (start, start + STRETCH)
                )
            return
        for at in range(0, len(numbers), CHUNK):
            some = list(numbers[at : at + CHUNK])
            marks = ",".join("?" * len(some))
            yield from self._all(f"SELECT n, {name} FROM concept WHERE n IN ({marks}) ORDER BY n", some)

    def everything(self) -> BitMap:
        """See System."""
        return BitMap(range(self.size))

    def inactive(self) -> BitMap:
        """See System."""
        return self._set("inactive")

    def abstract(self) -> BitMap:
        """See System."""
        return self._set("abstract")

    def roots(self) -> BitMap:
        """See System."""
        return self._set("roots")

    def leaves(self) -> BitMap:
        """See System."""
        return self._set("leaves")

    def _read_line(self, number: int) -> tuple[BitMap, BitMap, BitMap, BitMap]:
        rows = self._all("SELECT parents, children, above, below FROM line WHERE n = ?", (number,))
        one, two, three, four = (BitMap.deserialize(held) if held else BitMap() for held in (rows or [(None,) * 4])[0])
        return one, two, three, four

    def parents(self, number: int) -> BitMap:
        """See System."""
        return self._line(number)[0]

    def children(self, number: int) -> BitMap:
        """See System."""
        return self._line(number)[1]

    def above(self, number: int) -> BitMap:
        """See System."""
        return self._line(number)[2]

    def below(self, number: int) -> BitMap:
        """See System."""
        return self._line(number)[3]

    def knows(self, name: str) -> bool:
        """See System."""
        declared = any(one.code == name for one in self.about.declared)
        return declared or bool(self._all("SELECT 1 FROM named WHERE name = ?", (name,)))

    def valued(self, name: str, value: str) -> BitMap:
        """See System."""
        sql = "SELECT n FROM property WHERE p = (SELECT p FROM named WHERE name = ?) AND value = ?"
        return BitMap(row[0] for row in self._all(sql, (name, value)))

    def values(self, name: str) -> Iterable[tuple[str, BitMap]]:
        """See System."""
        found: dict[str, BitMap] = {}
        for value, number in self._all(
            "SELECT value, n FROM property WHERE p = (SELECT p FROM named WHERE name = ?)", (name,)
        ):
            found.setdefault(value, BitMap()).add(number)
        return found.items()

    def matching(self, wanted: list[str]) -> BitMap:
        """See System."""
        if not wanted:
            return BitMap()
        rows = self._all("SELECT rowid FROM words WHERE words MATCH ?", (matching(wanted),))
        return BitMap(row[0] for row in rows)


_Use = tuple[str, str, str]


def _more(packed: bytes | None) -> tuple[str, str]:
    return ("", "") if packed is None else msgspec.msgpack.decode(packed, type=tuple[str, str])
