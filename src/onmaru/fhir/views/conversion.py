"""Conversions of one value to another type, and functions of one number. What cannot be converted is empty."""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.views.arithmetic import number
from onmaru.fhir.views.compiler import Compiler
from onmaru.fhir.views.dialect import DECIMAL
from onmaru.fhir.views.texts import Of
from onmaru.fhir.views.value import NULL, NUMBERS, Value, absent, boolean, decimal, integer, string

_INTEGER = "^[+-]?[0-9]+$"
_DECIMAL = "^[+-]?[0-9]+(?:[.][0-9]+)?$"


def written(compiler: Compiler, value: Value) -> str:
    """A primitive value as text."""
    if value.kind == "boolean":
        return f"CASE WHEN {value.sql} THEN 'true' WHEN NOT {value.sql} THEN 'false' END"
    if value.kind == "integer" or value.counted:
        return f"CAST({value.sql} AS {compiler.dialect.type('text')})"
    return value.sql


def _text(compiler: Compiler, given: Value, arguments: Sequence[Value], at: int) -> Value:
    if given.kind == "complex":
        raise semantic("toString() is asked of a primitive value", at)
    return absent("string") if given.sql == NULL else string(written(compiler, given))


def _parsed(compiler: Compiler, given: Value, pattern: str, type: str) -> str:
    d = compiler.dialect
    fits = f"{d.extracted(given.sql, f'({pattern})', 1)} <> ''"
    return f"CASE WHEN {fits} THEN {d.attempt(given.sql, type)} END"


def _whole(compiler: Compiler, given: Value, arguments: Sequence[Value], at: int) -> Value:
    if given.sql == NULL or given.kind == "integer":
        return given if given.sql != NULL else absent("integer")
    if given.kind == "boolean":
        return integer(f"CASE WHEN {given.sql} THEN 1 WHEN NOT {given.sql} THEN 0 END")
    if given.kind == "string":
        return integer(_parsed(compiler, given, _INTEGER, compiler.dialect.type("integer")))
    return absent("integer")


def _number(compiler: Compiler, given: Value, arguments: Sequence[Value], at: int) -> Value:
    if given.sql == NULL or given.kind == "decimal":
        return given if given.sql != NULL else absent("decimal")
    if given.kind == "integer":
        return decimal(f"CAST({given.sql} AS {DECIMAL})")
    if given.kind == "boolean":
        return decimal(f"CAST(CASE WHEN {given.sql} THEN 1 WHEN NOT {given.sql} THEN 0 END AS {DECIMAL})")
    if given.kind == "string":
        return decimal(_parsed(compiler, given, _DECIMAL, DECIMAL))
    return absent("decimal")


def _truth(compiler: Compiler, given: Value, arguments: Sequence[Value], at: int) -> Value:
    if given.sql == NULL or given.kind == "boolean":
        return given if given.sql != NULL else absent("boolean")
    if given.kind in NUMBERS:
        held = number(compiler, given)
        return boolean(compiler.bound(held, lambda v: f"CASE WHEN {v} = 1 THEN TRUE WHEN {v} = 0 THEN FALSE END"))
    if given.kind != "string":
        return absent("boolean")
    yes, no = "'true', 't', 'yes', 'y', '1', '1.0'", "'false', 'f', 'no', 'n', '0', '0.0'"
    text = f"lower({given.sql})"
    return boolean(f"CASE WHEN {text} IN ({yes}) THEN TRUE WHEN {text} IN ({no}) THEN FALSE END")


def _of_number(name: str) -> Of:
    def run(compiler: Compiler, given: Value, arguments: Sequence[Value], at: int) -> Value:
        if given.kind not in (*NUMBERS, ""):
            raise semantic(f"{name}() is asked of a number", at)
        whole = given.kind == "integer" or name in ("ceiling", "floor", "truncate")
        if given.sql == NULL:
            return absent("integer" if whole else "decimal")
        held = number(compiler, given)
        if name == "abs":
            return integer(f"abs({held})") if whole else decimal(f"abs({held})")
        sql = {"ceiling": f"ceil({held})", "floor": f"floor({held})"}.get(name)
        if sql is None:
            sql = compiler.bound(held, lambda v: f"CASE WHEN {v} < 0 THEN ceil({v}) ELSE floor({v}) END")
        return integer(compiler.dialect.attempt(sql, compiler.dialect.type("integer")))

    return run


TABLE: dict[str, Of] = {
    "toString": _text,
    "toInteger": _whole,
    "toDecimal": _number,
    "toBoolean": _truth,
    **{name: _of_number(name) for name in ("abs", "ceiling", "floor", "truncate")},
}
