"""One clause to one bitmap of positions. SQL only scans ranges of one table; a bitmap may hold too much, never too little.

`exact` says whether the bitmap is the whole truth, or whether the bodies of what it holds must be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pyroaring import BitMap

from onmaru.engines.index.marks import of_type
from onmaru.engines.index.tables import Tables
from onmaru.engines.index.words import candidates
from onmaru.fhir import search
from onmaru.fhir.keys import MAX, MIN
from onmaru.fhir.query import Clause, Date, Missing, Number, Parts, Ref, Text, Token, Typed, Value
from onmaru.fhir.search.catalogue import CONTENT, NARRATIVE
from onmaru.fhir.search.uris import lineage, trimmed

TOP = "\U0010ffff"


EXACT = frozenset({"", "identifier", "of-type", "above", "below"})


class Scan(NamedTuple):
    """Positions of all versions, current or not, that may satisfy a clause. `negated`: those that do not."""

    bits: BitMap
    exact: bool
    negated: bool = False


def scan(file: Tables, clause: Clause) -> Scan:
    """Look one clause up; modifiers that only a body can answer give what the index knows and exact False."""
    modifier = clause.modifier
    if clause.parameter.sp in (NARRATIVE, CONTENT):
        return Scan(candidates(file, clause), False)
    if modifier == "missing":
        return _missing(file, clause)
    if modifier == "text":
        return Scan(_any(_text(file, clause.parameter.sp, value) for value in clause.values), False)
    if modifier == "not":
        return Scan(_any(_value(file, clause, value) for value in clause.values), True, negated=True)
    if clause.parameter.kind == "string" and not modifier:
        clause = Clause(clause.parameter, "", _apart(clause.values))
    exact = modifier in EXACT and clause.parameter.kind not in ("composite", "number", "quantity")
    return Scan(_any(_value(file, clause, value) for value in clause.values), exact)


def _apart(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Beginnings without those that another one begins, so that no row is read twice."""
    kept: list[str] = []
    for text in sorted(search.normal(value.text) for value in values if isinstance(value, Text)):
        if not kept or not text.startswith(kept[-1]):
            kept.append(text)
    return tuple(map(Text, kept))


def _any(parts: Iterable[BitMap]) -> BitMap:
    return BitMap.union(BitMap(), *parts)


def _missing(file: Tables, clause: Clause) -> Scan:
    sp = clause.parameter.sp
    table = {"token": "tok", "uri": "tok", "reference": "ref", "date": "dat", "string": "str"}.get(
        clause.parameter.kind, "qty"
    )
    bits = _read(file, f"SELECT t FROM {table} WHERE sp = ?", (sp,))
    if table == "ref":
        bits |= _read(file, "SELECT t FROM tok WHERE sp = ?", (sp,))
    first = clause.values[0]
    missing = isinstance(first, Missing) and first.missing
    return Scan(bits, clause.parameter.kind != "composite", negated=missing)


def _read(file: Tables, sql: str, values: tuple[object, ...]) -> BitMap:
    return file.scanned(sql, values)


def _value(file: Tables, clause: Clause, value: Value) -> BitMap:
    sp = clause.parameter.sp
    match value:
        case Token():
            return _token(file, sp, value)
        case Ref():
            return _reference(file, sp, value, clause.parameter.targets)
        case Date():
            return _date(file, sp, value)
        case Number():
            return _number(file, sp, value)
        case Parts():
            components = zip(clause.parameter.components, value.parts, strict=True)
            found = [_value(file, Clause(parameter, "", (part,)), part) for parameter, part in components]
            return BitMap.intersection(*found)
        case Typed(system, code, text):
            return _token(file, sp, Token("", of_type(system, code, text)))
        case Text():
            return _written(file, clause, value.text)
        case _:
            return BitMap()


def _token(file: Tables, sp: int, value: Token) -> BitMap:
    names = file.names
    system = None
    if value.system is not None:
        system = names.known_system(value.system)
        if system is None:
            return BitMap()
    if value.code is None:
        return _read(file, "SELECT t FROM tok WHERE sp = ? AND s = ?", (sp, system))
    if system is None:
        return _read(file, "SELECT t FROM tok WHERE sp = ? AND c = ?", (sp, names.code(value.code)))
    return _read(file, "SELECT t FROM tok WHERE sp = ? AND c = ? AND s = ?", (sp, names.code(value.code), system))


def _written(file: Tables, clause: Clause, text: str) -> BitMap:
    sp, modifier = clause.parameter.sp, clause.modifier
    if clause.parameter.kind == "uri":
        return _any(_token(file, sp, Token("", one)) for one in _uris(file, sp, text, modifier))
    return _string(file, sp, text, modifier)


def _uris(file: Tables, sp: int, text: str, modifier: str) -> Iterable[str]:
    """The urls that are looked up for one."""
    if modifier == "above":
        return [one + end for one in lineage(text) for end in ("", "/")]
    if not modifier:
        return [text]
    base = trimmed(text)
    if "://" not in base:
        return [base, base + "/"]
    # What follows a slash in the order of characters is a nought
    rows = file.db.execute("SELECT norm FROM txt WHERE sp = ? AND norm >= ? AND norm < ?", (sp, base + "/", base + "0"))
    return [base, *(url for (url,) in rows)]


def _reference(file: Tables, sp: int, value: Ref, targets: tuple[str, ...]) -> BitMap:
    found = BitMap()
    for rid in file.names.all_known([(type, value.id) for type in ((value.type,) if value.type else (*targets, ""))]):
        found |= _read(file, "SELECT t FROM ref WHERE sp = ? AND rid = ?", (sp, rid))
    return found


_DATE = {
    "eq": "lo >= :low AND lo < :high AND hi <= :high",
    "gt": "hi > :high",
    "lt": "lo < :low",
    "ge": "hi > :low",
    "le": "lo < :high",
    "sa": "lo >= :high",
    "eb": "hi <= :low",
    "ap": "lo < :high AND hi > :low",
}


def _date(file: Tables, sp: int, value: Date) -> BitMap:
    bounds = {"sp": sp, "low": value.low, "high": value.high}
    if value.prefix == "ne":
        rows = "SELECT t FROM dat WHERE sp = :sp AND NOT (lo >= :low AND hi <= :high)"
    else:
        rows = f"SELECT t FROM dat WHERE sp = :sp AND {_DATE[value.prefix]}"
    return file.scanned(rows, bounds)


def _string(file: Tables, sp: int, text: str, modifier: str) -> BitMap:
    norm = search.normal(text)
    if modifier == "contains":
        return _read(file, "SELECT t FROM str WHERE sp = ? AND instr(norm, ?) > 0", (sp, norm))
    if modifier == "exact":
        return file.scanned(file.equals, {"sp": sp, "low": norm})
    return file.scanned(file.begins, {"sp": sp, "low": norm, "high": norm + TOP})


def _number(file: Tables, sp: int, value: Number) -> BitMap:
    """By value only; unit and precision are the bodies' business, so this is never exact."""
    low, high = value.low, value.high
    if value.prefix == "ne":
        return _read(file, "SELECT t FROM qty WHERE sp = ?", (sp,))
    if value.prefix in ("gt", "ge", "sa"):
        high = MAX
    elif value.prefix in ("lt", "le", "eb"):
        low = MIN
    elif value.prefix == "ap":
        margin = abs(value.value) * 0.1
        low, high = min(low, value.value - margin), max(high, value.value + margin)
    return _read(file, "SELECT t FROM qty WHERE sp = ? AND value BETWEEN ? AND ?", (sp, low, high))


def _text(file: Tables, sp: int, value: Value) -> BitMap:
    """Codes whose display or text contains the words, then the versions with such a code."""
    words = search.normal(value.text) if isinstance(value, Text) else ""
    codes = file.db.execute("SELECT DISTINCT c, s FROM txt WHERE sp = ? AND instr(norm, ?) > 0", (sp, words)).fetchall()
    return _any(_read(file, "SELECT t FROM tok WHERE sp = ? AND c = ? AND s = ?", (sp, c, s)) for c, s in codes)
