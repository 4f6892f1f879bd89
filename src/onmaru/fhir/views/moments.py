"""Dates and times compared in SQL as FHIRPath compares them: each stands for the span from its first to its last instant.

-1 and 1 where one span lies before the other, 0 where they are the same, NULL where they overlap. A value without an offset
meets one with an offset as anywhere from +14:00 to -12:00.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from onmaru.fhir.fhirpath.temporal import EAST, WEST, Date, DateTime, Field, Moment, Time, last_day
from onmaru.fhir.views.compiler import Compiler
from onmaru.fhir.views.dialect import Dialect
from onmaru.fhir.views.value import Value

_LAST = Decimal("59.999999")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = 60_000_000


class _Span(NamedTuple):
    """SQL of the first and the last instant, in µs since 1970, and of whether there is an offset. Times are texts."""

    low: str
    high: str
    zoned: str


def read(text: str, kind: str) -> Moment | None:
    """A text as the date or time that it is compared with; None where it is none."""
    try:
        if kind == "time":
            return Time.read(text)
        return Date.read(text) if len(text) <= 10 else DateTime.read(text)
    except ValueError:
        return None


def order(compiler: Compiler, left: Value, right: Value) -> str:
    """-1, 0, 1 or NULL. Both are dates or datetimes, or both are times."""
    compare = _times if left.kind == "time" else _days

    def inner(one: str) -> str:
        return compiler.bound(right.sql, lambda two: compare(compiler.dialect, (left, one), (right, two)))

    return compiler.bound(left.sql, inner)


def _compared(one: _Span, two: _Span) -> str:
    return (
        f"CASE WHEN {one.high} < {two.low} THEN -1 WHEN {one.low} > {two.high} THEN 1"
        f" WHEN {one.low} = {two.low} AND {one.high} = {two.high} THEN 0 END"
    )


def _days(dialect: Dialect, left: tuple[Value, str], right: tuple[Value, str]) -> str:
    one, two = _span(dialect, *left), _span(dialect, *right)
    if one.zoned == two.zoned and one.zoned in ("TRUE", "FALSE"):
        return _compared(one, two)
    floating = _compared(_floated(one), _floated(two))
    return f"CASE WHEN {one.zoned} = {two.zoned} THEN {_compared(one, two)} ELSE {floating} END"


def _floated(span: _Span) -> _Span:
    """The span of a value without an offset beside one that has one."""
    if span.zoned == "TRUE":
        return span
    low, high = f"{span.low} - {EAST * _MINUTE}", f"{span.high} + {-WEST * _MINUTE}"
    if span.zoned != "FALSE":
        low = f"CASE WHEN {span.zoned} THEN {span.low} ELSE {low} END"
        high = f"CASE WHEN {span.zoned} THEN {span.high} ELSE {high} END"
    return _Span(f"({low})", f"({high})", span.zoned)


def _span(dialect: Dialect, value: Value, sql: str) -> _Span:
    if isinstance(value.literal, Moment):
        low, high = _ends(value.literal)
        return _Span(str(low), str(high), "FALSE" if value.literal.zone is None else "TRUE")
    if value.type == "instant":
        exact = dialect.instant(sql, zoned=True)
        return _Span(exact, exact, "TRUE")
    text = dialect.type("text")
    start = f"CASE length({sql}) WHEN 4 THEN {sql} || '-01-01' WHEN 7 THEN {sql} || '-01' ELSE {sql} END"
    day = dialect.last_day(dialect.attempt(f"({sql} || '-01')", dialect.type("date")))
    last = f"CASE length({sql}) WHEN 4 THEN {sql} || '-12-31' WHEN 7 THEN CAST({day} AS {text}) ELSE {sql} END"
    first, end = dialect.instant(start, zoned=False), dialect.instant(f"({last} || ' 23:59:59.999999')", zoned=False)
    if value.type == "date":
        return _Span(first, end, "FALSE")
    exact, timed = dialect.instant(sql, zoned=True), f"length({sql}) > 10"
    return _Span(
        f"CASE WHEN {timed} THEN {exact} ELSE {first} END",
        f"CASE WHEN {timed} THEN {exact} ELSE {end} END",
        f"({timed})",
    )


def _ends(moment: Moment) -> tuple[int, int]:
    """The first and last instant of a literal, at UTC where it has an offset."""
    fields = moment.fields
    low: tuple[Field, ...] = (*fields, *(1, 1, 1, 0, 0, 0)[len(fields) :])
    high: list[Field] = [*fields, *(0, 12, 31, 23, 59, _LAST)[len(fields) :]]
    if len(fields) < 3:
        high[2] = last_day(int(high[0]), int(high[1]))
    return _instant(low, moment.zone), _instant(tuple(high), moment.zone)


def _instant(fields: tuple[Field, ...], zone: int | None) -> int:
    year, month, day, hour, minute = (int(field) for field in fields[:5])
    whole = datetime(year, month, day, hour, minute, tzinfo=UTC) - _EPOCH
    seconds = whole.days * 86_400 + whole.seconds - (zone or 0) * 60
    return int((seconds + Decimal(fields[5])) * 1_000_000)


def _times(dialect: Dialect, left: tuple[Value, str], right: tuple[Value, str]) -> str:
    return _compared(_clock(*left), _clock(*right))


def _clock(value: Value, sql: str) -> _Span:
    """Times are compared as texts of one length."""
    low = f"({sql} || substr('00:00:00.000000', length({sql}) + 1))"
    high = f"CASE WHEN length({sql}) < 8 THEN {sql} || substr('23:59:59.999999', length({sql}) + 1) ELSE {low} END"
    return _Span(low, high, "FALSE")
