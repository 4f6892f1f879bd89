"""ER7, the bar-and-hat encoding (HL7 v2.9 chapter 2.5–2.7): bytes to segments, fields, repetitions and components."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from onmaru.adapters.hl7v2 import charset
from onmaru.adapters.hl7v2.refused import MESSAGE_TYPE, REQUIRED, SEQUENCE, VERSION, Refused

NULL = '""'
MAX_BYTES = 16 * 1024 * 1024
MAX_SEGMENTS = 20_000
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}\Z")
_LINE = re.compile(rb"[\r\n]+")
_VERSION = re.compile(r"2\.[1-9](\.\d)?\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


SHORT = 200
"""Characters up to which a field is remembered; longer ones are documents and seldom come twice."""
KNOWN = 4_096


class Delimiters:
    """The separators that MSH-1 and MSH-2 set: field, component, repetition, escape, sub-component.

    Messages repeat themselves: the same short text between the same separators is the same Repetition, read once.
    """

    __slots__ = ("_known", "blank", "codec", "component", "escape", "field", "repetition", "subcomponent")

    def __init__(self, field: str, encoding: str, codec: str) -> None:
        padded = encoding.ljust(4, "\0")
        self.field = field
        self.component, self.repetition, self.escape, self.subcomponent = padded[0], padded[1], padded[2], padded[3]
        self.codec = codec
        self.blank = self.repetition + self.component + self.subcomponent + " \t"
        self._known: dict[str, list[Repetition]] = {}

    def repetitions(self, raw: str) -> list[Repetition]:
        """A field's text cut at the repetition separator; the list is shared and not to be changed."""
        found = self._known.get(raw)
        if found is None:
            found = [
                Repetition(one, self) for one in (raw.split(self.repetition) if self.repetition in raw else (raw,))
            ]
            if len(raw) <= SHORT:
                if len(self._known) >= KNOWN:
                    self._known.clear()
                self._known[raw] = found
        return found

    def text(self, raw: str) -> str:
        """Resolve escape sequences and drop control characters, which FHIR strings cannot hold."""
        if self.escape in raw and self.escape != "\0":
            raw = self._unescape(raw)
        elif raw.isprintable():
            return raw
        return _CONTROL.sub("", raw) if _CONTROL.search(raw) else raw

    def _unescape(self, raw: str) -> str:
        parts = raw.split(self.escape)
        out = [parts[0]]
        at = 1
        while at < len(parts):
            if at == len(parts) - 1:  # an escape character that nothing closes stands for itself
                out.append(self.escape + parts[at])
                break
            meaning = self._sequence(parts[at])
            if meaning is None:
                out.append(self.escape + parts[at])
                at += 1
                continue
            out.append(meaning + parts[at + 1])
            at += 2
        return "".join(out)

    def _sequence(self, code: str) -> str | None:
        plain = {
            "F": self.field,
            "S": self.component,
            "T": self.subcomponent,
            "R": self.repetition,
            "E": self.escape,
            "P": "#",
            "H": "",
            "N": "",
        }
        if code in plain:
            return plain[code]
        if code[:1] == ".":
            return _format_command(code[1:])
        if code[:1] == "X" and len(code) > 1:
            try:
                return bytes.fromhex(code[1:]).decode(self.codec, "replace")
            except ValueError:
                return None
        return "" if code[:1] in ("C", "M") and len(code) in (5, 7) else None


@lru_cache(maxsize=16)
def _separators(field: str, encoding: str, codec: str) -> Delimiters:
    return Delimiters(field, encoding, codec)


def _format_command(code: str) -> str | None:
    """Formatted text commands (2.7.6): line breaks stay, indents and centring go."""
    name = code[:2].lower()
    if name in ("br", "ce"):
        return "\n"
    if name == "sp":
        count = code[2:].strip(" +")
        return "\n" * min(int(count), 20) if count.isdigit() else "\n"
    if name in ("fi", "nf", "in", "ti", "sk"):
        return " " * min(int(code[2:]), 20) if name == "sk" and code[2:].strip().isdigit() else ""
    return None


class Repetition:
    """One repetition of a field; components and sub-components count from 1. A missing one is ""."""

    __slots__ = ("_parts", "_said", "_texts", "delimiters", "meant", "raw")

    def __init__(self, raw: str, delimiters: Delimiters) -> None:
        self.raw = raw
        self.delimiters = delimiters
        self.meant: dict[Any, Any] = {}  # what the converters made of it
        self._parts: list[str] | None = None
        self._texts: dict[int, str] = {}
        self._said: bool | None = None

    @property
    def parts(self) -> list[str]:
        """Raw components."""
        if self._parts is None:
            self._parts = self.raw.split(self.delimiters.component)
        return self._parts

    def c(self, component: int, sub: int = 1) -> str:
        """Text of a component's sub-component; "" when absent or null."""
        if sub > 1:
            return self._text(component, sub)
        known = self._texts.get(component)
        if known is None:
            known = self._texts[component] = self._text(component, 1)
        return known

    def _text(self, component: int, sub: int) -> str:
        parts = self._parts if self._parts is not None else self.parts
        if component > len(parts) or not parts[component - 1]:
            return ""
        raw = parts[component - 1]
        if self.delimiters.subcomponent in raw:
            subs = raw.split(self.delimiters.subcomponent)
            raw = subs[sub - 1] if sub <= len(subs) else ""
        elif sub > 1:
            return ""
        return "" if raw == NULL else self.delimiters.text(raw).strip()

    def sub(self, component: int) -> Repetition:
        """A component taken as a field of its own: its sub-components become components."""
        parts = self.parts
        raw = parts[component - 1] if component <= len(parts) else ""
        outer = self.delimiters
        inner = _separators(outer.field, f"{outer.subcomponent}\0{outer.escape}\0", outer.codec)
        return Repetition(raw, inner) if "\0" in raw else inner.repetitions(raw)[0]

    @property
    def text(self) -> str:
        """The whole repetition as text, separators and all."""
        return "" if self.raw == NULL else self.delimiters.text(self.raw).strip()

    @property
    def null(self) -> bool:
        return self.raw == NULL

    def __bool__(self) -> bool:
        if self._said is None:
            raw = self.raw
            self._said = bool(raw) and raw != NULL and bool(raw.strip(" \t^~&" + self.delimiters.component))
        return self._said


_WHOLE = frozenset({"MSH", "FHS", "BHS"})  # their fields do not repeat: MSH-2 holds the separators themselves


class Segment:
    """One segment: `name`, `line` (1 for MSH) and `sequence` (1 for the first segment of this name)."""

    __slots__ = ("_fields", "_populated", "delimiters", "line", "name", "sequence")

    def __init__(self, name: str, fields: list[str], delimiters: Delimiters, line: int, sequence: int) -> None:
        self.name = name
        self._fields = fields
        self.delimiters = delimiters
        self.line = line
        self.sequence = sequence
        self._populated: list[int] | None = None

    def field(self, number: int) -> str:
        """Raw text of field `number`, "" when absent."""
        return self._fields[number] if number < len(self._fields) else ""

    def repetitions(self, number: int) -> list[Repetition]:
        """All repetitions of a field, none where it is empty; the list is shared and not to be changed."""
        raw = self._fields[number] if number < len(self._fields) else ""
        if not raw:
            return []
        return [Repetition(raw, self.delimiters)] if self.name in _WHOLE else self.delimiters.repetitions(raw)

    def first(self, number: int) -> Repetition:
        raw = self._fields[number] if number < len(self._fields) else ""
        if self.name == "MSH" and number == 2:
            return Repetition(raw, self.delimiters)
        return self.delimiters.repetitions(raw)[0]

    def c(self, number: int, component: int = 1, sub: int = 1) -> str:
        """Text of the first repetition's component."""
        return self.first(number).c(component, sub)

    def null(self, number: int) -> bool:
        """True for the HL7 null `""`: the sender deletes the value."""
        return self.field(number) == NULL

    def populated(self) -> list[int]:
        """Numbers of fields that hold something; nulls count."""
        if self._populated is None:
            blank = self.delimiters.blank
            self._populated = [n for n, raw in enumerate(self._fields) if raw and n and raw.strip(blank)]
        return self._populated

    @property
    def said(self) -> str:
        """All of the segment's text: equal texts between equal separators say the same."""
        return self.delimiters.field.join(self._fields)

    def location(self, field: int = 0) -> str:
        """ERR-2 form: segment^sequence^field."""
        return f"{self.name}^{self.sequence}^{field}" if field else f"{self.name}^{self.sequence}"


class Message:
    """A parsed message: its segments in order, MSH first, and how the bytes were read."""

    __slots__ = ("codec", "delimiters", "notes", "segments")

    def __init__(self, segments: list[Segment], delimiters: Delimiters, codec: str, notes: list[str]) -> None:
        self.segments = segments
        self.delimiters = delimiters
        self.codec = codec
        self.notes = notes

    @property
    def msh(self) -> Segment:
        return self.segments[0]

    @property
    def type(self) -> str:
        return self.msh.c(9, 1)

    @property
    def event(self) -> str:
        return self.msh.c(9, 2) or self.segment_text("EVN", 1)

    @property
    def control(self) -> str:
        return self.msh.c(10)

    def all(self, name: str) -> list[Segment]:
        return [segment for segment in self.segments if segment.name == name]

    def one(self, name: str) -> Segment | None:
        return next((segment for segment in self.segments if segment.name == name), None)

    def segment_text(self, name: str, field: int) -> str:
        segment = self.one(name)
        return segment.c(field) if segment else ""


@lru_cache(maxsize=4)
def header(data: bytes) -> Segment | None:
    """Give MSH alone, read leniently, for an answer to a message that cannot be read; None where there is none."""
    data = _trimmed(data)
    if data[:3] != b"MSH" or len(data) < 8:
        return None
    line = _LINE.split(data, maxsplit=1)[0].decode("latin-1")
    if len(line) < 8:
        return None
    delimiters = _delimiters(line, "iso8859-1")
    return Segment("MSH", _msh_fields(line, delimiters), delimiters, 1, 1)


def parse(data: bytes) -> Message:
    """Read one message.

    Raises Refused: AR for no MSH, an unknown version or no message type; AE for a bad segment name, a missing control
    id, or more bytes or segments than the limits. Empty fields at the end of a segment are legal (2.6.1 e).
    """
    data = _trimmed(data)
    if len(data) > MAX_BYTES:
        raise Refused("AE", SEQUENCE, f"message is longer than {MAX_BYTES} bytes")
    if data[:3] != b"MSH":
        raise Refused("AR", SEQUENCE, "first segment is not MSH", "MSH^1")
    head = header(data)
    if head is None or not head.delimiters.field or _bad_delimiters(head.delimiters):
        raise Refused("AR", SEQUENCE, "MSH-1 and MSH-2 do not set usable delimiters", "MSH^1^2")
    text, codec, note = charset.decode(data, head.first(18).raw)
    delimiters = _separators(head.delimiters.field, head.field(2), codec)
    segments = _segments(text, delimiters)
    message = Message(segments, delimiters, codec, [note] if note else [])
    _check(message)
    return message


def _trimmed(data: bytes) -> bytes:
    return data.removeprefix(b"\xef\xbb\xbf").strip(b"\x0b\x1c\r\n \t\0")


def _delimiters(line: str, codec: str) -> Delimiters:
    field = line[3]
    return _separators(field, line[4:].split(field, 1)[0][:5], codec)


def _bad_delimiters(delimiters: Delimiters) -> bool:
    used = [delimiters.field, delimiters.component, delimiters.repetition, delimiters.escape, delimiters.subcomponent]
    used = [one for one in used if one != "\0"]
    return len(used) < 2 or len(set(used)) != len(used) or any(one.isalnum() or one in ' \r\n\t"' for one in used)


def _msh_fields(line: str, delimiters: Delimiters) -> list[str]:
    return ["MSH", delimiters.field, *line[4:].split(delimiters.field)]


def _segments(text: str, delimiters: Delimiters) -> list[Segment]:
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    if len(lines) > MAX_SEGMENTS:
        raise Refused("AE", SEQUENCE, f"message has more than {MAX_SEGMENTS} segments")
    counts: dict[str, int] = {}
    segments = []
    for number, line in enumerate(lines, 1):
        name = line.split(delimiters.field, 1)[0]
        if number == 1:
            name, fields = "MSH", _msh_fields(line, delimiters)
        else:
            fields = line.split(delimiters.field)
            name = name.strip()
            if not _NAME.match(name):
                raise Refused("AE", SEQUENCE, f"segment {number} has no legal name of three characters", f"^{number}")
        counts[name] = counts.get(name, 0) + 1
        segments.append(Segment(name, fields, delimiters, number, counts[name]))
    return segments


def _check(message: Message) -> None:
    msh = message.msh
    version = msh.c(12)
    if version and not _VERSION.match(version):
        raise Refused("AR", VERSION, "version is not 2.1 to 2.9", "MSH^1^12")
    if not message.type:
        raise Refused("AR", MESSAGE_TYPE, "message type is missing", "MSH^1^9")
    if not message.control:
        raise Refused("AE", REQUIRED, "message control id is missing", "MSH^1^10")
    if any(segment.name == "MSH" for segment in message.segments[1:]):
        raise Refused("AE", SEQUENCE, "a second MSH stands inside the message", "MSH^2")


@lru_cache(maxsize=1)
def _starts() -> re.Pattern[bytes]:
    return re.compile(rb"(?:\A|[\r\n])[\x0b ]*(?=(?:MSH|FHS|BHS|BTS|FTS)[^A-Za-z0-9\r\n])")


def split(data: bytes) -> list[bytes]:
    """Cut a file into its messages; batch and file headers and trailers (FHS, BHS, BTS, FTS) are left out.

    Bytes before the first header are a piece of their own, so that nothing is lost.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    marks = [match.end() for match in _starts().finditer(data)]
    if not marks:
        return [data] if _trimmed(data) else []
    pieces = [data[: marks[0]]] if _trimmed(data[: marks[0]]) else []
    for at, end in zip(marks, [*marks[1:], len(data)], strict=True):
        if data[at : at + 3] == b"MSH":
            pieces.append(data[at:end])
    return pieces


def batch_count(data: bytes) -> int | None:
    """Give the number of messages that the batch trailers claim (BTS-1, added up), None where none does."""
    claims = [line.split(line[3:4])[1] for line in _LINE.split(data) if line[:3] == b"BTS" and line[3:4]]
    counts = [int(claim) for claim in claims if claim.isdigit()]
    return sum(counts) if counts else None
