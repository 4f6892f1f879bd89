"""The checks of resources as data: which columns a type is looked at by, and what each check counts in SQL over them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from onmaru.rooms.quality.checks import Check
from onmaru.rooms.quality.conditions import Condition

LEVEL = "resource"
VALID = "resourceValid"
_VALID_SAYS = (
    "Of the newest {type}: those in which the validator finds an error against R4 or a profile that they claim."
)


class Type(msgspec.Struct, frozen=True):
    """A resource type: FHIRPath by column, and SQL over these columns by further column."""

    columns: Mapping[str, str]
    made: Mapping[str, str] = {}


class _Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category: str
    says: str
    violated: str
    of: Sequence[Mapping[str, Any]]
    where: str = ""
    join: str = ""


class _List(msgspec.Struct, frozen=True):
    types: Mapping[str, Type]
    kinds: Mapping[str, _Kind]
    joins: Mapping[str, str]


@cache
def _read() -> _List:
    text = (files("onmaru.rooms.quality") / "data" / "resources.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _List)


def types() -> Mapping[str, Type]:
    """Every resource type that is looked at."""
    return _read().types


@cache
def checks() -> Sequence[Check]:
    """Every check of resources: those in SQL, then what the validator says of each type."""
    asked = [check for check, _ in _asked()]
    return [*asked, *(_valid(name) for name in types())]


@cache
def conditions() -> Mapping[str, Condition]:
    """What each check in SQL counts, by its id."""
    return {check.id: condition for check, condition in _asked()}


@cache
def _asked() -> Sequence[tuple[Check, Condition]]:
    return list(_each())


def _each() -> Iterator[tuple[Check, Condition]]:
    listed = _read()
    for name, kind in listed.kinds.items():
        for one in kind.of:
            where = " AND ".join(f"({part})" for part in (one.get("where") or kind.where, one.get("where_too")) if part)
            join = listed.joins.get(one.get("join") or kind.join, "")
            condition = Condition(where.format_map(one), kind.violated.format_map(one), join)
            says = kind.says.format_map(one)
            yield _check(name, one["type"], one["field"], float(one["threshold"]), (kind.category, says)), condition


def _valid(type: str) -> Check:
    return _check(VALID, type, "", 1.0, ("conformance", _VALID_SAYS.format(type=type)))


def _check(kind: str, type: str, field: str, threshold: float, told: tuple[str, str]) -> Check:
    id = ".".join(part for part in (kind, type, field) if part)
    return Check(id, kind, LEVEL, type, field, threshold, told[0], "characterization", told[1])
