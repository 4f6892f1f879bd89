"""The compiled mapping tables, loaded once: rows by field, message structures, vocabularies, data types."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

Tree = list[Any]


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One line of a segment table. Steps are [name, repeats, label], or "@Type" where a reference is followed."""

    field: int
    component: int
    condition: Tree | None
    steps: list[Any]
    leaf: str
    kind: str
    vocabulary: str
    constant: str | None


class Tables(msgspec.Struct, frozen=True):
    """All compiled tables; `messages["*"]` is our order of segments for messages that have no table."""

    structures: dict[str, str]
    messages: dict[str, list[Any]]
    segments: dict[str, list[Row]]
    types: dict[str, dict[str, str]]
    vocabularies: dict[str, dict[str, list[str]]]
    defaults: dict[str, list[str]]


@cache
def tables() -> Tables:
    raw = files("onmaru.adapters").joinpath("data/hl7v2.json").read_bytes()
    return msgspec.json.decode(raw, type=Tables)


@cache
def by_field(name: str) -> dict[int, list[Row]]:
    """Rows of a segment map by field number; 0 holds the rows that need no field."""
    found: dict[int, list[Row]] = {}
    for row in tables().segments.get(name, ()):
        found.setdefault(row.field, []).append(row)
    return found


@cache
def type_of(segment: str, field: int) -> str:
    """v2 data type of a field, "" when the tables do not say."""
    return tables().types.get(segment, {}).get(str(field), "")


@cache
def _folded(vocabulary: str) -> dict[str, list[str]]:
    return {code.casefold(): to for code, to in tables().vocabularies.get(vocabulary, {}).items()}


def coded(vocabulary: str, code: str) -> list[str] | None:
    """Give [code, display, system] that a vocabulary map makes of a v2 code; None when it has no row for it."""
    if not vocabulary or not code:
        return None
    exact = tables().vocabularies.get(vocabulary, {}).get(code)
    return exact or _folded(vocabulary).get(code.casefold())


def has_rows(vocabulary: str) -> bool:
    """False for vocabularies that the tables name but leave empty."""
    return bool(tables().vocabularies.get(vocabulary))


def structure(declared: str, kind: str, event: str) -> str:
    """Name of the message table to follow: MSH-9.3, the event's own, or the structure of table 0354; "*" for none."""
    messages = tables().messages
    own = f"{kind}_{event}"
    for name in (declared, own, tables().structures.get(own, "")):
        if name in messages and (name != declared or tables().structures.get(own, declared) in (declared, own)):
            return name
    return "*"
