"""Tables in text files as owners of code systems deliver them: quoted or not, in UTF-8, UTF-16 or Korea's CP949.

Whatever a line holds, it is a row or a refusal with its number; nothing is read whole into memory.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.deliveries import Advance, Fact, Refused, Stage

LONGEST = 1 << 20
"""Bytes of one line."""
Row = Mapping[str, str]


class Form(msgspec.Struct, frozen=True):
    """`delimiter` "" is a tab or comma, whichever the first line has; only what commas part is quoted.

    `columns`: the names where the file has no header. `korean`: a line that is not UTF-8 is CP949.
    """

    delimiter: str = ""
    columns: tuple[str, ...] = ()
    korean: bool = False


def lines(path: Path, advance: Advance, *, korean: bool = False) -> Iterator[str | None]:
    """The lines of a file as text, None for one that is in no known charset or beyond LONGEST."""
    with path.open("rb") as file:
        head = file.read(3)
        wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(head[:2], "")
        file.seek(2 if wide else 3 if head == b"\xef\xbb\xbf" else 0)
        if wide:
            yield from _wide(path, wide, advance)
            return
        while raw := file.readline(LONGEST):
            advance(len(raw))
            whole = raw.endswith(b"\n") or len(raw) < LONGEST
            while not raw.endswith(b"\n") and (raw := file.readline(LONGEST)):
                advance(len(raw))
                whole = False
            yield _text(raw, korean=korean) if whole else None


def _text(raw: bytes, *, korean: bool) -> str | None:
    for charset in ("utf-8", "cp949") if korean else ("utf-8",):
        try:
            text = raw.decode(charset)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None


def _wide(path: Path, charset: str, advance: Advance) -> Iterator[str | None]:
    with path.open(encoding=charset, errors="strict", newline="\n") as file:
        file.read(1)
        try:
            while text := file.readline(LONGEST):
                advance(2 * len(text))
                yield None if "\0" in text else text
        except UnicodeError:
            yield None


class _Source:
    """The lines of a file for a reader of tables; what is no text is an empty line whose number is noted."""

    def __init__(self, path: Path, form: Form, advance: Advance) -> None:
        self._lines = lines(path, advance, korean=form.korean)
        self.number = 0
        self.unread = 0

    def __iter__(self) -> Iterator[str]:
        for text in self._lines:
            self.number += 1
            if text is None:
                self.unread = self.number
            yield "\n" if text is None else text


def rows(path: Path, form: Form, needed: Sequence[str], advance: Advance) -> Iterator[tuple[int, Row | Refused]]:
    """(line, row by column name in lower case), or the refusal of that line.

    Raises Invalid 422 where the header lacks a column that is `needed`.
    """
    source = _Source(path, form, advance)
    texts = iter(source)
    first = next(texts, "") if not form.columns else ""
    delimiter = form.delimiter or ("\t" if "\t" in first else ",")
    columns = [one.lower() for one in form.columns] or header(first, delimiter)
    lacking = [one for one in needed if one.lower() not in columns]
    if lacking:
        raise invalid("structure", f"lacks the columns {', '.join(lacking)}", path.name, 422)
    reader = _reader(texts, delimiter)
    while (values := _next(reader)) is not None:
        row = _row(path.name, values, columns, source)
        if row is not None:
            yield source.number, row


def _reader(texts: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
    return csv.reader(texts, delimiter=delimiter, quoting=quoting, strict=True)


def _next(reader: Iterator[list[str]]) -> list[str] | str | None:
    """The fields of the next row, a reason why it has none, None at the end."""
    try:
        return next(reader)
    except StopIteration:
        return None
    except csv.Error:
        return "the line is not well quoted"


def _row(name: str, values: list[str] | str, columns: list[str], source: _Source) -> Row | Refused | None:
    """A row, its refusal, None for an empty line."""
    if source.unread:
        number, source.unread = source.unread, 0
        return Refused(name, number, "the line is in no known charset, or is too long")
    if isinstance(values, str):
        return Refused(name, source.number, values)
    if len(values) == len(columns):
        return dict(zip(columns, values, strict=True))
    if not any(values):
        return None
    return Refused(name, source.number, f"the line has {len(values)} fields and not {len(columns)}")


def header(first: str, delimiter: str) -> list[str]:
    """The names of columns in lower case, as the first line gives them; none where it is not well quoted."""
    try:
        return [one.strip().lower() for one in next(_reader([first], delimiter), [])]
    except csv.Error:
        return []


Read = Callable[[Row], Iterable[Fact | str]]


def stage(path: Path, form: Form, needed: Sequence[str], read: Read) -> Stage:
    """A stage over a table. `read` makes facts of a row; a text among them is the reason for which the row is refused."""

    def facts(advance: Advance) -> Iterator[tuple[int, Fact]]:
        for number, row in rows(path, form, needed, advance):
            if isinstance(row, Refused):
                yield number, row
                continue
            for fact in read(row):
                yield number, Refused(path.name, number, fact) if isinstance(fact, str) else fact

    return Stage(path, path.stat().st_size, facts)


def mark(*told: object, files: Iterable[Path]) -> str:
    """What tells a delivery from others: the names, sizes, times and first bytes of its files, and how it is read."""
    found = sha256()
    for path in files:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            found.update(repr((path.name, stat.st_size, stat.st_mtime_ns)).encode())
            found.update(file.read(1 << 16))
    found.update(repr(told).encode())
    return found.hexdigest()


def find(folder: Path, *patterns: str) -> Path | None:
    """The first file in a folder, at any depth, whose name fits a pattern; the shortest path where several do."""
    if folder.is_file():
        return folder if any(folder.match(one) for one in patterns) else None
    for pattern in patterns:
        found = sorted((one for one in folder.rglob(pattern) if one.is_file()), key=lambda one: (len(one.parts), one))
        if found:
            return found[0]
    return None


def every(folder: Path, *patterns: str) -> list[Path]:
    """All files in a folder, at any depth, whose names fit a pattern, by name."""
    if folder.is_file():
        return [folder] if find(folder, *patterns) else []
    return sorted({one for pattern in patterns for one in folder.rglob(pattern) if one.is_file()})


def required(folder: Path, what: str, *patterns: str) -> Path:
    """The same. Raises Invalid 404 that says what is missing."""
    found = find(folder, *patterns)
    if found is None:
        raise invalid("not-found", f"holds no {what}", folder.name, 404)
    return found
