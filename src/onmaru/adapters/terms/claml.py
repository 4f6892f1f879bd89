"""Classifications in ClaML (CEN/TS 14463), the XML in which WHO and national offices deliver ICD-10.

A document that defines entities is refused, and nothing it names is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.parsers import expat

import msgspec

from onmaru.adapters.terms.reading import mark, required
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.terminology.concepts import Designation, Property
from onmaru.fhir.terminology.system import About, Declared
from onmaru.kernel.deliveries import Advance, Delivery, Fact, Link, Refused, Stage, Term

URL = "http://hl7.org/fhir/sid/icd-10"
CHUNK = 1 << 16
LONGEST = 100_000
"""Letters of one label."""
_HELD = frozenset({"Class", "Rubric", "Label"})


class _Class(msgspec.Struct):
    line: int
    code: str
    kind: str
    above: list[str] = []
    texts: list[tuple[str, str, str]] = []  # kind of rubric, language, text


class _Reader:
    """Gathers one Class after another from expat's events."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._refuse
        self._class: _Class | None = None
        self._rubric = ""
        self._language = ""
        self._label: list[str] | None = None
        self._length = 0
        self.title = self.version = ""
        self.done: list[_Class] = []

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """Read on. Raises Invalid 422 for what is no XML."""
        try:
            self._parser.Parse(data, last)
        except Invalid:
            raise
        except (expat.ExpatError, LookupError, ValueError):
            # The two last: an encoding that is none, or that expat cannot read
            line = self._parser.CurrentLineNumber
            raise invalid("structure", f"line {line}: not well-formed XML", self._name, 422) from None

    def _refuse(self, *told: object) -> None:
        raise invalid("structure", "the document defines entities", self._name, 422)

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        if element == "Class":
            code, kind = attributes.get("code", ""), attributes.get("kind", "")
            self._class = _Class(self._parser.CurrentLineNumber, code, kind, [], [])
        elif element == "Title":
            self.version, self.title = attributes.get("version", ""), attributes.get("name", "")
        elif self._class is not None and element == "SuperClass":
            self._class.above.append(attributes.get("code", ""))
        elif element == "Rubric":
            self._rubric = attributes.get("kind", "")
        elif self._class is not None and element == "Label":
            self._language, self._label, self._length = attributes.get("xml:lang", ""), [], 0

    def _text(self, text: str) -> None:
        if self._label is not None:
            self._length += len(text)
            if self._length > LONGEST:
                raise invalid("too-long", "a label is too long", self._name, 422)
            self._label.append(text)

    def _end(self, element: str) -> None:
        if self._class is None:
            return
        if element == "Label" and self._label is not None:
            self._class.texts.append((self._rubric, self._language, " ".join("".join(self._label).split())))
            self._label = None
        elif element == "Class":
            self.done.append(self._class)
            self._class = None


def delivery(path: Path, url: str = "", version: str = "") -> Delivery:
    """A ClaML file, or the one in a folder. Raises Invalid 404, 422."""
    file = required(path, "ClaML file (.xml)", "*.xml")
    told = _Reader(file.name)
    with file.open("rb") as opened:
        told.feed(opened.read(CHUNK))
    title = told.title or "ICD-10"
    declared = (Declared("kind", "code"), Declared("inclusion", "string"), Declared("exclusion", "string"))
    about = About(url or URL, version or told.version, "ICD10", title, declared=declared)
    stages = tuple(Stage(file, file.stat().st_size, _facts(file, make)) for make in (_term, _links))
    return Delivery(about, mark(about.url, about.version, files=[file]), stages)


Make = Callable[[str, _Class], Iterator[Fact]]


def _facts(path: Path, make: Make) -> Callable[[Advance], Iterator[tuple[int, Fact]]]:
    def facts(advance: Advance) -> Iterator[tuple[int, Fact]]:
        reader, number = _Reader(path.name), 0
        with path.open("rb") as opened:
            while data := opened.read(CHUNK):
                advance(len(data))
                reader.feed(data)
                for one in reader.done:
                    # Several classes may stand on one line: they are counted, so that a load can go on between them
                    number += 1
                    for fact in make(path.name, one):
                        yield number, fact
                reader.done.clear()
        reader.feed(b"", last=True)

    return facts


def _term(name: str, one: _Class) -> Iterator[Fact]:
    preferred = [(language, text) for kind, language, text in one.texts if kind == "preferred" and text]
    if not one.code or not preferred:
        yield Refused(name, one.line, "the class has no code or no preferred label")
        return
    said = [Property("kind", "valueCode", one.kind)] if one.kind else []
    said += [Property(kind, "valueString", text) for kind, _, text in one.texts if kind in ("inclusion", "exclusion")]
    texts = tuple(Designation(text, language) for language, text in preferred)
    definition = next((text for kind, _, text in one.texts if kind == "definition"), "")
    abstract = one.kind in ("chapter", "block")
    yield Term(one.code, preferred[0][1], definition, texts, tuple(said), abstract)


def _links(name: str, one: _Class) -> Iterator[Fact]:
    for above in one.above:
        yield Link(one.code, above)
