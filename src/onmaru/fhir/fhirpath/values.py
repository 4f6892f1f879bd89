"""System values: what they are in Python, their names, and their texts (FHIRPath 2.0.0, Literals).

Boolean bool, Integer int, Long Long, Decimal Decimal, String str, Date/DateTime/Time of `temporal`, Quantity Quantity.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation, Overflow, Underflow
from typing import Any

from onmaru.fhir.fhirpath.temporal import Date, DateTime, Time

MAX_INTEGER = 2**31 - 1
MAX_LONG = 2**63 - 1
DIGITS = 38
"""Significant digits of a Decimal that arithmetic makes; what is read keeps all of its own."""
ARITHMETIC = Context(
    prec=DIGITS, rounding=ROUND_HALF_UP, Emax=999, Emin=-999, traps=[InvalidOperation, Overflow, Underflow]
)
LARGEST = Decimal(10) ** 28
"""Decimals beyond this overflow."""

# Keyword → the singular, the UCUM code of the same length, and whether the two are equal or only equivalent.
_CALENDAR = {"year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s"}
DEFINITE: dict[str, str] = {**_CALENDAR, "millisecond": "ms"}
CALENDAR_UNITS: dict[str, str] = {name: name for name in DEFINITE} | {f"{name}s": name for name in DEFINITE}


class Long(int):
    """A System.Long (STU)."""

    __slots__ = ()


class Quantity:
    """A number with a unit: a UCUM code, or a calendar duration's keyword as it was written.

    `ucum` is False for a unit of another system, which is then only comparable with itself.
    """

    __slots__ = ("calendar", "ucum", "unit", "value")

    def __init__(self, value: Decimal, unit: str = "1", *, calendar: bool = False, ucum: bool = True) -> None:
        self.value = value
        self.unit = unit
        self.calendar = calendar
        self.ucum = ucum

    def of(self, value: Decimal) -> Quantity:
        """Another value of the same unit."""
        return Quantity(value, self.unit, calendar=self.calendar, ucum=self.ucum)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[Any, ...]:
        return self.value, self.unit, self.calendar, self.ucum

    def __repr__(self) -> str:
        return f"Quantity({self})"

    def __str__(self) -> str:
        return f"{plain(self.value)} {self.unit}" if self.calendar else f"{plain(self.value)} '{self.unit}'"


KINDS: dict[type, str] = {
    bool: "Boolean",
    int: "Integer",
    Long: "Long",
    Decimal: "Decimal",
    str: "String",
    Date: "Date",
    DateTime: "DateTime",
    Time: "Time",
    Quantity: "Quantity",
}
NUMBERS = frozenset({"Integer", "Long", "Decimal"})
TEMPORAL = frozenset({"Date", "DateTime", "Time"})


def kind(value: object) -> str:
    """The name of a System value's type, "" for anything else."""
    return KINDS.get(value.__class__, "")


def plain(number: Decimal) -> str:
    """A Decimal's digits without an exponent."""
    return f"{number:f}"


def text(value: Any) -> str:
    """The String that `toString()` gives."""
    if value is True or value is False:
        return "true" if value else "false"
    return plain(value) if isinstance(value, Decimal) else str(value)
