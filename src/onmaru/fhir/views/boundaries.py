"""`lowBoundary` and `highBoundary` in SQL: the ends of what a value of limited precision may stand for.

The rules are those of `fhirpath.functions.boundaries`: decimals to 8 places, dates to the day, times to the millisecond.
"""

from __future__ import annotations

from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.views.compiler import Compiler
from onmaru.fhir.views.conversion import written
from onmaru.fhir.views.dialect import Dialect
from onmaru.fhir.views.navigation import child
from onmaru.fhir.views.value import NULL, Kind, Value, absent, decimal

_DEFAULT = {"date": 8, "dateTime": 17, "time": 9, "decimal": 8, "integer": 8}
_LENGTHS = {4: 4, 6: 7, 8: 10, 10: 13, 12: 16, 14: 19, 17: 23}
"""Digits of a date or datetime → characters."""
_CLOCKS = {2: 2, 4: 5, 6: 8, 9: 12}
_PLACES = 12
_EDGE = f"DECIMAL(38, {_PLACES + 1})"


def boundary(compiler: Compiler, given: Value, digits: int | None, *, high: bool, at: int) -> Value:
    """The low or high end of a single value; of a Period, that of its start or end."""
    if given.choices is not None:
        return compiler.joined([boundary(compiler, one, digits, high=high, at=at) for one in given.choices])
    given = compiler.single(given)
    if given.type == "Period":
        return boundary(compiler, child(compiler, given, "end" if high else "start", at), digits, high=high, at=at)
    if not given.type:
        return absent()
    if given.kind not in _DEFAULT:
        raise semantic("a boundary is had by numbers, dates and times", at)
    asked = _asked(given.kind, digits, at)
    answer = "decimal" if given.kind == "integer" else given.type
    if given.sql == NULL:
        return absent(answer)
    if answer == "decimal":
        return decimal(_of_decimal(compiler, written(compiler, given), asked, high))
    of = {"date": _of_date, "dateTime": _of_moment, "time": _of_time}[given.kind]
    return Value(compiler.bound(given.sql, lambda v: of(compiler, v, asked, high)), answer)


def _asked(kind: Kind, digits: int | None, at: int) -> int:
    """Digits of a date or time, places of a number."""
    if digits is None:
        return _DEFAULT[kind]
    if kind in ("decimal", "integer"):
        if not 0 <= digits <= _PLACES:
            raise semantic(f"a boundary has 0 to {_PLACES} places in views", at)
    elif digits not in (_CLOCKS if kind == "time" else _LENGTHS):
        raise semantic("no date or time has so many digits", at)
    return digits


def _of_decimal(compiler: Compiler, text: str, places: int, high: bool) -> str:
    """Half a unit of the last written digit outward, then to so many places: outward half up, inward cut."""
    d = compiler.dialect

    def edge(v: str) -> str:
        fraction = f"length({d.extracted(v, '[.]([0-9]+)', 1)})"
        exponent = f"coalesce({d.attempt(d.extracted(v, '[eE]([+-]?[0-9]+)$', 1), d.type('integer'))}, 0)"
        number = d.attempt(v, _EDGE)
        halves = d.items(*(f"CAST(0.{'0' * place}5 AS {_EDGE})" for place in range(_PLACES + 1)))
        half = d.at(halves, f"greatest({fraction} - {exponent}, 0)")
        moved = f"{number} {'+' if high else '-'} coalesce({half}, CAST(0 AS {_EDGE}))"
        outward = f"{number} >= 0" if high else f"{number} < 0"

        def fitted(x: str) -> str:
            crossed = f"({x} > 0) <> ({number} >= 0) AND {x} <> 0"
            return f"CASE WHEN {outward} OR {crossed} THEN round({x}, {places}) ELSE {_cut(d, x, places)} END"

        return compiler.bound(d.attempt(f"({moved})", _EDGE), fitted)

    return d.attempt(compiler.bound(text, edge), "DECIMAL(38, 12)")


def _cut(dialect: Dialect, sql: str, places: int) -> str:
    """A decimal without the digits after so many places."""
    digits = f"^(-?[0-9]+{f'[.][0-9]{{{places}}}' if places else ''})"
    return dialect.attempt(dialect.extracted(f"CAST({sql} AS {dialect.type('text')})", digits, 1), _EDGE)


def _day(dialect: Dialect, sql: str, high: bool) -> str:
    """The first or last day of a year or month."""
    if not high:
        return f"CASE length({sql}) WHEN 4 THEN {sql} || '-01-01' WHEN 7 THEN {sql} || '-01' ELSE left({sql}, 10) END"
    last = dialect.last_day(dialect.attempt(f"({sql} || '-01')", dialect.type("date")))
    last = f"CAST({last} AS {dialect.type('text')})"
    return f"CASE length({sql}) WHEN 4 THEN {sql} || '-12-31' WHEN 7 THEN {last} ELSE left({sql}, 10) END"


def _of_date(compiler: Compiler, sql: str, digits: int, high: bool) -> str:
    return f"left({_day(compiler.dialect, sql, high)}, {min(_LENGTHS[digits], 10)})"


def _of_moment(compiler: Compiler, sql: str, digits: int, high: bool) -> str:
    d = compiler.dialect
    day = _day(d, sql, high)
    if digits <= 8:
        return f"left({day}, {_LENGTHS[digits]})"
    clock = compiler.bound(d.extracted(sql, "T([0-9:.]+)", 1), lambda v: _of_time(compiler, v, 9, high))
    zone = d.extracted(sql, "(Z|[+-][0-9]{2}:[0-9]{2})$", 1)
    floating = "-12:00" if high else "+14:00"
    return f"(left({day} || 'T' || {clock}, {_LENGTHS[digits]}) || coalesce(nullif({zone}, ''), '{floating}'))"


def _of_time(compiler: Compiler, sql: str, digits: int, high: bool) -> str:
    whole, milliseconds = ("23:59:59.999", ".999") if high else ("00:00:00.000", ".000")
    text = (
        f"CASE WHEN length({sql}) = 8 THEN {sql} || '{milliseconds}' WHEN length({sql}) > 8 THEN left({sql} || '000', 12)"
        f" ELSE {sql} || substr('{whole}', length({sql}) + 1) END"
    )
    return f"left({text}, {_CLOCKS[digits]})"
