"""Numbers: integers of 32 bits and decimals of DECIMAL(38, 12). What overflows or has no answer is empty, as in FHIRPath."""

from __future__ import annotations

from decimal import Decimal

from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.views.compiler import Compiler
from onmaru.fhir.views.dialect import DECIMAL
from onmaru.fhir.views.value import NULL, NUMBERS, Value, absent, decimal, integer, string

_FACTOR = "DECIMAL(28, 8)"
"""What two decimals are multiplied in, so that the product has a type."""


def number(compiler: Compiler, value: Value) -> str:
    """A number for calculating and comparing."""
    if isinstance(value.literal, Decimal):
        return f"({value.literal:f})" if value.literal < 0 else f"{value.literal:f}"
    if value.kind == "decimal" and not value.counted:
        return compiler.bound(value.sql, compiler.dialect.decimal)
    return value.sql


def signed(compiler: Compiler, sign: str, value: Value, at: int) -> Value:
    """`-x` and `+x`."""
    value = compiler.single(value)
    if value.kind == "":
        return value
    if value.kind not in NUMBERS:
        raise semantic("a sign stands before a number", at)
    if sign == "+":
        return value
    if isinstance(value.literal, (int, Decimal)):
        from_literal = -value.literal
        text = f"{from_literal:f}" if isinstance(from_literal, Decimal) else str(from_literal)
        sql = compiler.dialect.text(text) if value.kind == "decimal" else f"({text})"
        return Value(sql, value.type, literal=from_literal)
    negative = f"(-{number(compiler, value)})"
    return integer(negative) if value.kind == "integer" else decimal(negative)


def calculate(compiler: Compiler, operator: str, left: Value, right: Value, at: int) -> Value:
    """`+ - * / div mod` on numbers, `+` on texts."""
    left, right = compiler.single(left), compiler.single(right)
    kinds = {left.kind, right.kind}
    if operator == "+" and kinds <= {"string", ""}:
        return absent("string") if NULL in (left.sql, right.sql) else string(f"({left.sql} || {right.sql})")
    if not kinds <= {*NUMBERS, ""}:
        raise semantic(f"{operator} is not supported on these types in views", at)
    whole = kinds <= {"integer", ""} and operator != "/"
    if NULL in (left.sql, right.sql):
        return absent("integer" if whole else "decimal")
    one, two = number(compiler, left), number(compiler, right)
    return integer(_whole(compiler, operator, one, two)) if whole else decimal(_decimal(compiler, operator, one, two))


def _whole(compiler: Compiler, operator: str, one: str, two: str) -> str:
    d = compiler.dialect
    long = d.type("long")
    one, two = f"CAST({one} AS {long})", f"CAST({two} AS {long})"
    if operator in ("+", "-", "*"):
        return d.attempt(f"({one} {operator} {two})", d.type("integer"))
    divisor = f"nullif({two}, 0)"
    if operator == "mod":
        return d.attempt(f"({one} % {divisor})", d.type("integer"))
    return d.attempt(_cut(compiler, one, divisor), d.type("integer"))


def _cut(compiler: Compiler, one: str, divisor: str) -> str:
    """A quotient without its fraction, toward zero."""
    double = compiler.dialect.type("double")
    quotient = f"CAST({one} AS {double}) / CAST({divisor} AS {double})"
    return compiler.bound(f"({quotient})", lambda v: f"CASE WHEN {v} < 0 THEN ceil({v}) ELSE floor({v}) END")


def _decimal(compiler: Compiler, operator: str, one: str, two: str) -> str:
    d, double = compiler.dialect, compiler.dialect.type("double")
    if operator in ("+", "-"):
        return d.attempt(f"({d.attempt(one, DECIMAL)} {operator} {d.attempt(two, DECIMAL)})", DECIMAL)
    if operator == "*":
        return d.attempt(f"({d.attempt(one, _FACTOR)} * {d.attempt(two, _FACTOR)})", DECIMAL)
    divisor = f"nullif({two}, 0)"
    if operator == "/":
        return d.attempt(f"(CAST({one} AS {double}) / CAST({divisor} AS {double}))", DECIMAL)
    if operator == "mod":
        return d.attempt(f"({d.attempt(one, DECIMAL)} % {d.attempt(divisor, DECIMAL)})", DECIMAL)
    return d.attempt(_cut(compiler, one, divisor), DECIMAL)
