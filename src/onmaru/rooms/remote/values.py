"""Pure: measured values as exact numbers in the unit that a plan asks for. What cannot be converted is None, never near."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction

from onmaru.fhir.fhirpath import ucum

LONGEST = 32


def number(text: str) -> Fraction | None:
    """The digits as an exact number; None for anything that is no finite number of bearable length."""
    if not text or len(text) > LONGEST:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return Fraction(found) if found.is_finite() and abs(found.adjusted()) < LONGEST else None


def converted(text: str, unit: str, wanted: str) -> Fraction | None:
    """The value in the unit `wanted`, exactly; None where it is no number or the units are of different quantities."""
    exact = number(text)
    if exact is None or unit == wanted:
        return exact
    had, asked = ucum.unit(unit), ucum.unit(wanted)
    if had is None or asked is None or had.dimensions != asked.dimensions:
        return None
    return exact * had.factor / asked.factor
