"""A strict reader of what the simulated hospital sends, written without its code: the tests' own view of the stream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from onmaru.simulate import Event

CHARSETS = {"UNICODE UTF-8": "utf-8", "KS X 1001": "euc_kr"}
SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}\|")
ESCAPE = re.compile(r"\\(?:[FSTRE]|\.br)\\")


class Refused(Exception):
    """A message that a strict receiver refuses; the text says why."""


class Read:
    """One message: its type, control id and segments as lists of fields (index = field number, MSH counted from MSH-1)."""

    def __init__(self, payload: bytes) -> None:
        head = payload.split(b"\r", 1)[0].split(b"|")
        if len(head) < 19:
            raise Refused("truncated")
        try:
            text = payload.decode(CHARSETS[head[17].decode("ascii")])
        except UnicodeDecodeError as wrong:
            raise Refused("wrong_charset") from wrong
        if not text.endswith("\r") or "\n" in text:
            raise Refused("line ends")
        self.segments: list[list[str]] = []
        for line in text[:-1].split("\r"):
            if not SEGMENT.match(line):
                raise Refused("bad_segment")
            if "\\" in ESCAPE.sub("", line[9:]):
                raise Refused("escape")
            fields = line.split("|")
            self.segments.append(["MSH", "|", *fields[1:]] if fields[0] == "MSH" else fields)
        msh = self.segments[0]
        self.text, self.kind, self.control = text, msh[9], msh[10]
        if self.names() == ["MSH"]:
            raise Refused("header_only")
        if not self.mrn:
            raise Refused("no_identifier")

    def names(self) -> list[str]:
        return [fields[0] for fields in self.segments]

    def all(self, name: str) -> list[list[str]]:
        return [fields for fields in self.segments if fields[0] == name]

    def one(self, name: str, field: int) -> str:
        """A field of the only segment of that name, "" beyond its end."""
        (fields,) = self.all(name)
        return fields[field] if field < len(fields) else ""

    @property
    def mrn(self) -> str:
        return self.one("PID", 3).split("~")[0].split("^")[0]


def v2(events: Iterable[Event]) -> Iterable[Event]:
    return (event for event in events if event.channel == "hl7v2")


def resources(event: Event) -> list[dict[str, Any]]:
    """Resources of a FHIR transaction. Raises Refused for JSON that is not whole."""
    try:
        bundle = json.loads(event.payload)
    except ValueError as wrong:
        raise Refused("cut_json") from wrong
    assert bundle["type"] == "transaction"
    return [entry["resource"] for entry in bundle["entry"]]
