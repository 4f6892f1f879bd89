"""OHDSI's list of data quality checks for CDM 5.4 as data: a `Check` for each table, field or concept of a kind."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from io import StringIO

import msgspec

Row = Mapping[str, str]
# Kinds whose subject is named by a column of its own; the value column's own name asks for the check otherwise.
GENDERS = {"Male": 8507, "Female": 8532}


class Check(msgspec.Struct, frozen=True):
    """One check. `threshold`: percent of rows that may violate it. `asked`: what its kind needs besides table and field.

    `id` is kind.table[.field[.concept[.unit]]], in lower case but for the kind; several concepts are joined by `+`.
    """

    id: str
    kind: str
    level: str
    table: str
    field: str
    threshold: float
    category: str
    severity: str
    says: str
    asked: Mapping[str, str] = {}


class Kind(msgspec.Struct, frozen=True):
    """A kind of check as OHDSI describes it."""

    name: str
    level: str
    category: str
    severity: str
    says: str


@cache
def kinds() -> Mapping[str, Kind]:
    """The kinds by name: 27 of them."""
    return {
        row["checkName"]: Kind(
            row["checkName"],
            row["checkLevel"].lower(),
            row["kahnCategory"].lower(),
            row["severity"],
            row["checkDescription"],
        )
        for row in _rows("kinds")
    }


@cache
def checks() -> Sequence[Check]:
    """Every check, in the order of OHDSI's files."""
    return [*_of("table"), *_of("field"), *_of("concept")]


@cache
def by_id() -> Mapping[str, Check]:
    """The checks by id; no two have one."""
    return {check.id: check for check in checks()}


def _rows(name: str) -> list[Row]:
    text = (files(__package__) / "data" / f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(StringIO(text)))


def _of(level: str) -> Iterator[Check]:
    mine = [kind for kind in kinds().values() if kind.level == level]
    for row in _rows(f"{level}s"):
        for kind in mine:
            if _wanted(kind.name, row):
                yield _check(kind, row)


def _wanted(kind: str, row: Row) -> bool:
    """Whether a row of the list asks for a kind (OHDSI's `evaluationFilter`)."""
    if kind in ("cdmTable", "cdmField"):
        return True
    if kind == "cdmDatatype":
        return row[kind] == "integer"
    if kind in ("fkDomain", "fkClass"):
        return row["isForeignKey"] == "Yes" and row[kind] != ""
    if kind.startswith("plausibleValue") or kind.startswith("plausibleGender"):
        return row[kind] != ""
    if kind == "plausibleUnitConceptIds":
        return row["plausibleUnitConceptIdsThreshold"] != ""
    return row[kind] == "Yes"


def _check(kind: Kind, row: Row) -> Check:
    table, field = row["cdmTableName"].lower(), row.get("cdmFieldName", "").lower()
    place = [kind.name, table, field, row.get("conceptId", "").replace(", ", "+"), row.get("unitConceptId", "")]
    asked = {name: row[name] for name in ASKED.get(kind.name, ()) if row.get(name)}
    threshold = float(row.get(f"{kind.name}Threshold") or 0)
    return Check(
        ".".join(part for part in place if part), kind.name, kind.level, table, field, threshold, kind.category,
        kind.severity, _said(kind.says, row), asked,
    )  # fmt: skip


def _said(text: str, row: Row) -> str:
    """OHDSI's own sentence with its places filled in."""
    for name in sorted(row, key=len, reverse=True):
        text = text.replace(f"@{name}", row[name].lower() if name in ("cdmTableName", "cdmFieldName") else row[name])
    return " ".join(text.split())


_CONCEPT = ("conceptId", "conceptName")
ASKED: Mapping[str, tuple[str, ...]] = {
    "isForeignKey": ("fkTableName", "fkFieldName"),
    "fkDomain": ("fkDomain",),
    "fkClass": ("fkClass",),
    "sourceValueCompleteness": ("standardConceptFieldName",),
    "plausibleValueLow": ("plausibleValueLow",),
    "plausibleValueHigh": ("plausibleValueHigh",),
    "plausibleTemporalAfter": ("plausibleTemporalAfterTableName", "plausibleTemporalAfterFieldName"),
    "plausibleStartBeforeEnd": ("plausibleStartBeforeEndFieldName",),
    "plausibleGender": (*_CONCEPT, "plausibleGender"),
    "plausibleGenderUseDescendants": (*_CONCEPT, "plausibleGenderUseDescendants"),
    "plausibleUnitConceptIds": (*_CONCEPT, "plausibleUnitConceptIds"),
}
