"""Small integers for names: resource ids, code systems and codes, so that index rows are narrow and tell nothing."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Protocol

from onmaru.engines.index.database import Database
from onmaru.fhir.structure import RESOURCE_TYPES

TYPES: dict[str, int] = {name: number for number, name in enumerate(sorted(RESOURCE_TYPES), start=1)}
TYPE_NAMES: dict[int, str] = {number: name for name, number in TYPES.items()}
SEVERAL_AT_MOST = 200_000


class Rids(Protocol):
    """Keys of resources by type and id, each given when it is first named."""

    def __getitem__(self, name: tuple[str, str], /) -> int: ...

    def get(self, name: tuple[str, str], /) -> int | None: ...

    def stored(self, type: str, id: str) -> int | None: ...


class Names:
    """Surrogate keys of one tenant's index. Targets that do not exist yet get a row too; an absolute url has type 0."""

    def __init__(self, db: Database, key: bytes) -> None:
        self._db = db
        self.rids: Rids = _Rids(db)
        self._people: dict[int, str] = {}
        self.codes = _Codes(key)
        self.systems: dict[str, int] = _Systems(db)

    def rid(self, type: str, id: str) -> int:
        """The key of `type/id`, given on first use."""
        return self.rids[type, id]

    def known(self, type: str, id: str) -> int | None:
        """The key of `type/id`, or None where nothing ever had or named it."""
        return self.rids.get((type, id)) or self.rids.stored(type, id)

    def all_known(self, names: Sequence[tuple[str, str]]) -> list[int]:
        """The keys of those names that anything ever had or named."""
        found = (self.known(*name) for name in names)
        return [rid for rid in found if rid is not None]

    def name(self, rid: int) -> tuple[str, str]:
        """(type, id) of a key."""
        row: Any = self._db.execute("SELECT type, id FROM res WHERE rid = ?", (rid,)).fetchone()
        return TYPE_NAMES.get(row[0], ""), row[1]

    def person(self, rid: int) -> str:
        """The logical id of a patient's key, remembered: every access names whose data it disclosed."""
        found = self._people.get(rid)
        if found is None:
            if len(self._people) >= SEVERAL_AT_MOST:
                self._people.clear()
            found = self._people[rid] = self.name(rid)[1]
        return found

    def code(self, text: str) -> int:
        """A keyed 63-bit hash of a code or unit; equal texts are equal, nothing else can be read from it."""
        return self.codes[text]

    def system(self, url: str) -> int:
        """The key of a code system, given on first use; 0 is the empty system."""
        return self.systems[url]

    def known_system(self, url: str) -> int | None:
        """The key of a code system that occurs, else None."""
        return self.systems.get(url)


class _Codes(dict[str, int]):
    """Keyed hashes by text. A dictionary that fills itself answers what it knows without a call of Python's."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __missing__(self, text: str) -> int:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key).digest()
        if len(self) >= SEVERAL_AT_MOST:
            self.clear()
        self[text] = found = int.from_bytes(digest, "big") >> 1
        return found


class _Rids(dict[tuple[str, str], int]):
    """Keys of resources by type and id, each stored when it is first named."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._next: int = (db.execute("SELECT max(rid) FROM res").get or 0) + 1

    def __missing__(self, name: tuple[str, str]) -> int:
        type, id = name
        # Most that are asked for are new
        self._db.execute("INSERT OR IGNORE INTO res VALUES(?,?,?)", (self._next, TYPES.get(type, 0), id))
        if not self._db.changes():
            found = self.stored(type, id)
            if found is not None:
                return found
        self._next += 1
        return self._keep(name, self._next - 1)

    def stored(self, type: str, id: str) -> int | None:
        """The key as it is stored, if it is."""
        found: int | None = self._db.execute(
            "SELECT rid FROM res WHERE type = ? AND id = ?", (TYPES.get(type, 0), id)
        ).get
        return found if found is None else self._keep((type, id), found)

    def _keep(self, name: tuple[str, str], rid: int) -> int:
        if len(self) >= SEVERAL_AT_MOST:
            self.clear()
        self[name] = rid
        return rid


class _Systems(dict[str, int]):
    """Keys of code systems by url, each stored when it first occurs."""

    def __init__(self, db: Database) -> None:
        super().__init__({url: s for s, url in db.execute("SELECT s, url FROM sys")})
        self._db = db

    def __missing__(self, url: str) -> int:
        found = len(self) + 1 if url else 0
        self._db.execute("INSERT INTO sys VALUES(?,?)", (found, url))
        self[url] = found
        return found
