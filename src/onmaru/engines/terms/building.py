"""A code system on its way into a file: facts in batches, each with its place, so that a broken load goes on where it was.

Whatever happens, a file that is served holds a system whole: it gets its name when all of it is on the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec
from pyroaring import BitMap

from onmaru.engines.keyring import sync_folder
from onmaru.engines.sqlite.connection import connect
from onmaru.engines.terms.closure import Links, reached
from onmaru.engines.terms.schema import ABSTRACT, INACTIVE, SCHEMA
from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.concepts import Designation, Property
from onmaru.fhir.terminology.system import About
from onmaru.fhir.terminology.text import folded, grams
from onmaru.kernel.deliveries import Advance, Delivery, Fact, Link, Outcome, Refused, Said, Stage, Term

BATCH = 2_000
CHUNK = 500
TOLD = 1_000
"""Refused lines that are told one by one."""
HOPELESS = 200
"""Refused lines after which a file is refused, if most of it is."""


class Building:
    """Loads one delivery into `path`, whose name ends in .loading until all is there."""

    def __init__(self, path: Path, key: bytes, delivery: Delivery) -> None:
        self._path = path
        self._delivery = delivery
        self._db = connect(path, key, cache_mb=64)
        self._db.execute(SCHEMA)
        held = self._kept("mark")
        self.resumed = held == delivery.mark.encode()
        if not self.resumed:
            self._begin()
        self._place = msgspec.msgpack.decode(self._kept("place"), type=tuple[int, int])
        [(self._next,)] = self._db.execute("SELECT count(*) FROM concept")
        self._names = dict(self._rows("SELECT name, p FROM named"))
        [(self._refusals,)] = self._db.execute("SELECT count(*) FROM refused")

    def _begin(self) -> None:
        """Another delivery was broken off here: what it left goes."""
        with self._db:
            for table in ("concept", "designation", "named", "property", "link", "line", "refused", "kept"):
                self._db.execute(f"DELETE FROM {table}")
            self._db.execute("DROP TABLE words")
            self._db.execute(SCHEMA)
            self._keep("mark", self._delivery.mark.encode())
            self._keep("place", msgspec.msgpack.encode((0, 0)))
            self._keep("about", msgspec.msgpack.encode(self._delivery.about))

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return list(self._db.execute(sql, tuple(values)))

    def _kept(self, name: str) -> bytes:
        rows = self._rows("SELECT value FROM kept WHERE name = ?", (name,))
        return rows[0][0] if rows else b""

    def _keep(self, name: str, value: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, value))

    def run(self, advance: Advance) -> Outcome:
        """Take every stage, then the hierarchy and the words. Raises Invalid 422 where the delivery is not of its form."""
        for number, stage in enumerate(self._delivery.stages):
            if number >= self._place[0]:
                self._take(number, stage, advance)
            else:
                advance(stage.size)
        if not self._next:
            raise invalid("structure", "the files hold no concept", self._delivery.stages[0].path.name, 422)
        self._lines()
        self._words()
        return self._outcome()

    def _take(self, number: int, stage: Stage, advance: Advance) -> None:
        begun = self._place[1] if number == self._place[0] else 0
        batch: list[tuple[int, Fact]] = []
        last = 0
        for line, fact in stage.facts(advance):
            if line <= begun:
                continue
            # A batch ends between two lines, never within one
            if len(batch) >= BATCH and line != last:
                self._write(stage, batch, (number, last))
                batch = []
            batch.append((line, fact))
            last = line
            self._hopeful(stage, fact)
        self._write(stage, batch, (number + 1, 0))
        self._place = (number + 1, 0)

    def _hopeful(self, stage: Stage, fact: Fact) -> None:
        if isinstance(fact, Refused) and self._refusals > max(HOPELESS, self._next):
            raise invalid(
                "structure", "most lines of the file are not of the form that was named", stage.path.name, 422
            )

    def _write(self, stage: Stage, batch: list[tuple[int, Fact]], place: tuple[int, int]) -> None:
        """A batch and its place, in one step."""
        file = stage.path.name
        with self._db:
            known = self._known(batch)
            for line, fact in batch:
                refused = self._put(fact, known)
                if refused:
                    self._refuse(Refused(file, line, refused))
            self._keep("place", msgspec.msgpack.encode(place))

    def _known(self, batch: Iterable[tuple[int, Fact]]) -> dict[str | int, int]:
        """The numbers of every code and alias that a batch speaks of."""
        named: set[str | int] = set()
        for _, fact in batch:
            if isinstance(fact, Link):
                named |= {fact.child, fact.parent}
            elif isinstance(fact, Term | Said):
                named.add(fact.code)
        found: dict[str | int, int] = {}
        for column, kind in (("code", str), ("alias", int)):
            wanted = [one for one in named if isinstance(one, kind)]
            for at in range(0, len(wanted), CHUNK):
                some = wanted[at : at + CHUNK]
                marks = ",".join("?" * len(some))
                found.update(self._rows(f"SELECT {column}, n FROM concept WHERE {column} IN ({marks})", some))
        return found

    def _put(self, fact: Fact, known: dict[str | int, int]) -> str:
        """Take one fact; why not, where it cannot be."""
        if isinstance(fact, Refused):
            self._refuse(fact)
            return ""
        if isinstance(fact, Term):
            return self._term(fact, known)
        if isinstance(fact, Said):
            number = known.get(fact.code)
            if number is None:
                return "" if fact.loose else "it is about a code that the system has not"
            if fact.display:
                weak = " AND display = ''" if fact.weak else ""
                self._db.execute(f"UPDATE concept SET display = ? WHERE n = ?{weak}", (fact.display, number))
            self._say(number, fact.designations, fact.properties)
            return ""
        return self._link(fact, known)

    def _term(self, term: Term, known: dict[str | int, int]) -> str:
        if term.code in known:
            return "" if term.loose else "the code was given before"
        number = self._next
        flags = (ABSTRACT if term.abstract else 0) | (INACTIVE if term.inactive else 0)
        row = (number, term.code, term.display, term.definition, flags, term.alias)
        try:
            self._db.execute("INSERT INTO concept VALUES (?, ?, ?, ?, ?, ?)", row)
        except apsw.ConstraintError:
            return "its number was given before"
        self._next += 1
        known[term.code] = number
        if term.alias is not None:
            known[term.alias] = number
        self._say(number, term.designations, term.properties)
        return ""

    def _say(self, number: int, named: Iterable[Designation], said: Iterable[Property]) -> None:
        for text in named:
            row = (number, text.language, text.value, msgspec.msgpack.encode(text.use))
            self._db.execute("INSERT OR IGNORE INTO designation VALUES (?, ?, ?, ?)", row)
        for one in said:
            if one.code not in self._names:
                self._names[one.code] = len(self._names) + 1
                self._db.execute("INSERT INTO named VALUES (?, ?)", (self._names[one.code], one.code))
            more = msgspec.msgpack.encode((one.system, one.display)) if one.system or one.display else None
            values = (self._names[one.code], one.value, number, one.kind, more)
            self._db.execute("INSERT OR IGNORE INTO property VALUES (?, ?, ?, ?, ?)", values)

    def _link(self, link: Link, known: dict[str | int, int]) -> str:
        child, parent = known.get(link.child), known.get(link.parent)
        if child is None or parent is None:
            return "" if link.loose else "it links to a code that the system has not"
        if child != parent:
            self._db.execute("INSERT OR IGNORE INTO link VALUES (?, ?)", (child, parent))
        return ""

    def _refuse(self, one: Refused) -> None:
        self._refusals += 1
        if self._refusals <= TOLD:
            self._db.execute(
                "INSERT INTO refused VALUES (?, ?, ?, ?)", (self._refusals, one.file, one.line, one.reason)
            )

    def _lines(self) -> None:
        """Every concept's line up and down, each as one bitmap. Raises Invalid 422 for links that make a ring."""
        pairs: Iterator[tuple[int, int]] = iter(self._db.execute("SELECT child, parent FROM link"))
        links = Links(self._next, pairs)
        order = links.order()
        with self._db:
            self._db.execute("DELETE FROM line")
            self._db.executemany(
                "INSERT INTO line (n, parents, children) VALUES (?, ?, ?)",
                ((n, _packed(links.parents.get(n)), _packed(links.children.get(n))) for n in order),
            )
            above = reached(order, links.parents, links.children)
            self._db.executemany("UPDATE line SET above = ? WHERE n = ?", ((s.serialize(), n) for n, s in above))
            below = reached(order[::-1], links.children, links.parents)
            self._db.executemany("UPDATE line SET below = ? WHERE n = ?", ((s.serialize(), n) for n, s in below))
            everything = BitMap(range(self._next))
            self._keep("everything", everything.serialize())
            self._keep("roots", (everything - BitMap(links.parents)).serialize())
            self._keep("leaves", (everything - BitMap(links.children)).serialize())
            for name, flag in (("abstract", ABSTRACT), ("inactive", INACTIVE)):
                rows = self._db.execute("SELECT n FROM concept WHERE flags & ?", (flag,))
                self._keep(name, BitMap(row[0] for row in rows).serialize())

    def _words(self) -> None:
        """The text of every concept in the index of words."""
        with self._db:
            self._db.execute("DROP TABLE words")
            self._db.execute(SCHEMA)
            for start in range(0, self._next, BATCH):
                self._db.executemany("INSERT INTO words (rowid, line) VALUES (?, ?)", self._lines_of(start))

    def _lines_of(self, start: int) -> list[tuple[int, str]]:
        stretch = (start, start + BATCH)
        texts: dict[int, list[str]] = {}
        for number, code, display in self._rows("SELECT n, code, display FROM concept WHERE n >= ? AND n < ?", stretch):
            texts[number] = [code, display]
        for number, value in self._rows("SELECT n, value FROM designation WHERE n >= ? AND n < ?", stretch):
            texts[number].append(value)
        return [(number, grams(folded(listed))) for number, listed in texts.items()]

    def _outcome(self) -> Outcome:
        [(links,)] = self._rows("SELECT count(*) FROM link")
        told = self._rows("SELECT file, line, reason FROM refused ORDER BY number LIMIT ?", (TOLD,))
        refused = tuple(Refused(*row) for row in told)
        return Outcome(self._delivery.about, self._next, links, self._refusals, refused, self.resumed)

    def place(self, path: Path) -> None:
        """Put the finished file under its name, in place of an older one."""
        self._db.execute("ANALYZE")
        self._db.pragma("wal_checkpoint(TRUNCATE)")
        self._db.pragma("journal_mode", "delete")
        self._db.close()
        self._path.rename(path)
        sync_folder(path.parent)

    def close(self) -> None:
        """Leave the file as it is, to go on with later."""
        self._db.close()


def _packed(numbers: Iterable[int] | None) -> bytes | None:
    return None if numbers is None else BitMap(numbers).serialize()


def told_about(path: Path, key: bytes) -> tuple[About, int] | None:
    """The system of a file and how many concepts it holds; None for a file that was never begun."""
    db = connect(path, key, cache_mb=2, readonly=True)
    try:
        rows: list[Any] = list(db.execute("SELECT value FROM kept WHERE name = 'about'"))
        [(count,)] = list(db.execute("SELECT count(*) FROM concept"))
        return (msgspec.msgpack.decode(rows[0][0], type=About), int(count)) if rows else None
    except apsw.SQLError:
        return None
    finally:
        db.close()
