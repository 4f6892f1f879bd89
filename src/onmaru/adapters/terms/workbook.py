"""The first sheet of an Excel workbook (.xlsx, ECMA-376 part 1 §18) as rows of text, read in a stream.

A workbook comes from outside: what it unpacks to is bounded, and one that defines entities is refused.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.parsers import expat

from onmaru.fhir.outcome import Invalid, invalid

CHUNK = 1 << 16
LARGEST = 1 << 30
"""Bytes of one part of the workbook, unpacked."""
TEXTS = 256 << 20
"""Letters of all shared texts together."""
COLUMNS = 1_000
_SHEET = re.compile(r"xl/worksheets/sheet([0-9]+)\.xml")
_PLACE = re.compile(r"([A-Z]{1,3})[0-9]*")
_NUMBER = re.compile(r"-?[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]{1,2})?")


class _Part(ABC):
    """Feeds a part of the workbook to expat, element by element without their namespaces."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parser = expat.ParserCreate(namespace_separator="|")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = lambda tag, told: self.start(tag.rpartition("|")[2], told)
        self._parser.EndElementHandler = lambda tag: self.end(tag.rpartition("|")[2])
        self._parser.CharacterDataHandler = self.text
        self._parser.EntityDeclHandler = self._refuse

    def _refuse(self, *told: object) -> None:
        raise invalid("structure", "the workbook defines entities", self._name, 422)

    @abstractmethod
    def start(self, tag: str, told: dict[str, str]) -> None: ...

    @abstractmethod
    def end(self, tag: str) -> None: ...

    @abstractmethod
    def text(self, data: str) -> None: ...

    def fed(self, file: IO[bytes]) -> Iterator[None]:
        """Read on, chunk by chunk."""
        size = 0
        try:
            while data := file.read(CHUNK):
                size += len(data)
                if size > LARGEST:
                    raise invalid("too-costly", "the workbook unpacks to more than is read", self._name, 422)
                self._parser.Parse(data, False)
                yield
            self._parser.Parse(b"", True)
            yield
        except Invalid:
            raise
        except (expat.ExpatError, zlib.error, zipfile.BadZipFile, EOFError, OSError, ValueError, LookupError):
            raise invalid("structure", "the workbook is damaged", self._name, 422) from None


class _Shared(_Part):
    """xl/sharedStrings.xml: texts by number; readings beside them (rPh) are no part of a text."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.texts: list[str] = []
        self._now: list[str] | None = None
        self._reading = self._inside = False
        self._length = 0

    def start(self, tag: str, told: dict[str, str]) -> None:
        if tag == "si":
            self._now = []
        elif tag == "rPh":
            self._reading = True
        elif tag == "t":
            self._inside = not self._reading

    def end(self, tag: str) -> None:
        if tag == "si" and self._now is not None:
            self.texts.append("".join(self._now))
            self._now = None
        elif tag == "rPh":
            self._reading = False
        elif tag == "t":
            self._inside = False

    def text(self, data: str) -> None:
        if self._inside and self._now is not None:
            self._length += len(data)
            if self._length > TEXTS:
                raise invalid("too-costly", "the workbook holds more text than is read", self._name, 422)
            self._now.append(data)


class _Sheet(_Part):
    """A worksheet: each row's cells by column."""

    def __init__(self, name: str, shared: list[str]) -> None:
        super().__init__(name)
        self._shared = shared
        self.done: list[tuple[int, list[str]]] = []
        self._line = 0
        self._row: list[str] = []
        self._column = -1
        self._kind = ""
        self._value: list[str] | None = None
        self._inside = False

    def start(self, tag: str, told: dict[str, str]) -> None:
        if tag == "row":
            number = told.get("r", "")
            self._line = int(number) if number.isdecimal() and len(number) < 9 else self._line + 1
            self._row, self._column = [], -1
        elif tag == "c":
            place = _PLACE.match(told.get("r", ""))
            self._column = _column(place[1]) if place else self._column + 1
            self._kind = told.get("t", "n")
            self._value = []
        elif tag in ("v", "t") and self._value is not None:
            self._inside = True

    def end(self, tag: str) -> None:
        if tag == "row":
            self.done.append((self._line, self._row))
        elif tag in ("v", "t"):
            self._inside = False
        elif tag == "c" and self._value is not None:
            if self._column < COLUMNS:
                self._row += [""] * (self._column + 1 - len(self._row))
                self._row[self._column] = self._read("".join(self._value))
            self._value = None

    def text(self, data: str) -> None:
        if self._value is not None and self._inside:
            self._value.append(data)

    def _read(self, value: str) -> str:
        if self._kind == "s":
            known = value.isdecimal() and len(value) < 9 and int(value) < len(self._shared)
            return self._shared[int(value)] if known else ""
        if self._kind == "n" and _NUMBER.fullmatch(value):
            # A code that Excel took for a number is written again as one that was typed
            number = float(value)
            return str(int(number)) if number.is_integer() and abs(number) < 1e15 else value
        return value


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(number of the row, its cells) of the first sheet. Raises Invalid 422 for what is no workbook."""
    try:
        book = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise _no_workbook(path) from None
    with book:
        names = {int(found[1]): name for name in book.namelist() if (found := _SHEET.fullmatch(name))}
        if not names:
            raise _no_workbook(path)
        shared = _Shared(path.name)
        if "xl/sharedStrings.xml" in book.namelist():
            with _opened(book, "xl/sharedStrings.xml", path) as file:
                for _ in shared.fed(file):
                    continue
        with _opened(book, names[min(names)], path) as file:
            sheet = _Sheet(path.name, shared.texts)
            for _ in sheet.fed(file):
                yield from sheet.done
                sheet.done.clear()


def _opened(book: zipfile.ZipFile, name: str, path: Path) -> IO[bytes]:
    try:
        return book.open(name)
    except (RuntimeError, NotImplementedError):
        raise invalid("not-supported", "the workbook is locked by a password", path.name, 422) from None
    except (zipfile.BadZipFile, OSError, ValueError):
        raise _no_workbook(path) from None


def _no_workbook(path: Path) -> Invalid:
    return invalid("structure", "is no workbook of the form .xlsx", path.name, 422)
