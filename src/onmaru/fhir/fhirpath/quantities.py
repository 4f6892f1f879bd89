"""Quantities: converting, comparing and calculating with UCUM units and calendar durations.

Where two units have no common measure the answer is unknown (None), never a guess. A calendar year or month is
equivalent to UCUM's mean year or month but never equal to it (FHIRPath, Time-valued Quantities).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from onmaru.fhir.fhirpath import ucum
from onmaru.fhir.fhirpath.values import ARITHMETIC, CALENDAR_UNITS, DEFINITE, Quantity

# Days in a calendar duration, where a conversion is asked for (FHIRPath, table of conversion factors).
_DAYS = {"year": Fraction(365), "month": Fraction(30), "week": Fraction(7), "day": Fraction(1)}
_LOOSE = frozenset({"year", "month"})
_ONLY_EQUIVALENT = frozenset({"a", "mo"})


def measured(fraction: Fraction) -> Decimal:
    """A fraction as a Decimal: exact where it ends, else to the digits of arithmetic."""
    return ARITHMETIC.divide(Decimal(fraction.numerator), Decimal(fraction.denominator))


def keyword(unit: str) -> str:
    """The singular of a calendar keyword, "" for anything else."""
    return CALENDAR_UNITS.get(unit, "")


def same_unit(one: Quantity, other: Quantity) -> bool:
    """Whether the units need no conversion."""
    if one.calendar and other.calendar:
        return keyword(one.unit) == keyword(other.unit)
    return one.unit == other.unit and one.calendar == other.calendar and one.ucum == other.ucum


def ratio(source: Quantity, target: Quantity, *, loose: bool = False) -> Fraction | None:
    """How many of `target`'s unit one of `source`'s is; None where the two have no common measure.

    `loose`: a calendar year or month counts as the UCUM unit that it is equivalent to.
    """
    if same_unit(source, target):
        return Fraction(1)
    if source.calendar and target.calendar:
        return _calendar_ratio(keyword(source.unit), keyword(target.unit))
    one, other = _definite(source, loose), _definite(target, loose)
    if one is None or other is None or one.dimensions != other.dimensions:
        return None
    if not loose and source.calendar is not target.calendar and _mean(source, target):
        return None
    return one.factor / other.factor


def _mean(one: Quantity, other: Quantity) -> bool:
    """Whether a UCUM mean year or month meets a calendar duration."""
    return any(not each.calendar and each.unit in _ONLY_EQUIVALENT for each in (one, other))


def _definite(quantity: Quantity, loose: bool) -> ucum.Unit | None:
    if not quantity.ucum:
        return None
    if not quantity.calendar:
        return ucum.unit(quantity.unit)
    name = keyword(quantity.unit)
    return None if name in _LOOSE and not loose else ucum.unit(DEFINITE[name])


def _calendar_ratio(source: str, target: str) -> Fraction | None:
    if {source, target} == _LOOSE:
        return Fraction(12) if source == "year" else Fraction(1, 12)
    return _days(source) / _days(target)


def _days(name: str) -> Fraction:
    if name in _DAYS:
        return _DAYS[name]
    day, part = ucum.unit("d"), ucum.unit(DEFINITE[name])
    assert day is not None and part is not None
    return part.factor / day.factor


def compare(one: Quantity, other: Quantity) -> int | None:
    """-1, 0 or 1; None where the units have no common measure."""
    factor = ratio(other, one)
    if factor is None:
        return None
    left, right = Fraction(one.value), Fraction(other.value) * factor
    return (left > right) - (left < right)


def in_larger_unit(one: Quantity, other: Quantity) -> tuple[Decimal, Decimal] | None:
    """Both values in the larger of the two units, for equivalence; None where they have no common measure."""
    factor = ratio(other, one, loose=True)
    if factor is None:
        return None
    if factor <= 1:
        return one.value, measured(Fraction(other.value) * factor)
    return measured(Fraction(one.value) / factor), other.value


def converted(quantity: Quantity, unit: str) -> Quantity | None:
    """The quantity in `unit`, a UCUM code or a calendar keyword; None where there is no conversion."""
    target = Quantity(Decimal(1), unit, calendar=bool(keyword(unit)))
    if not target.calendar and ucum.unit(unit) is None:
        return None
    if quantity.unit == "1" and quantity.ucum and not quantity.calendar:
        return target.of(quantity.value)
    factor = _explicit(quantity, target)
    return None if factor is None else target.of(measured(Fraction(quantity.value) * factor))


def _explicit(source: Quantity, target: Quantity) -> Fraction | None:
    """An asked-for conversion is done among the units of the source, and only then is the system of units changed."""
    if source.calendar is target.calendar:
        return ratio(source, target)
    names = {code: name for name, code in DEFINITE.items()}
    if source.calendar and target.unit in names:
        return _calendar_ratio(keyword(source.unit), names[target.unit])
    if target.calendar:
        return ratio(source, Quantity(Decimal(1), DEFINITE[keyword(target.unit)]))
    return ratio(source, target, loose=True)


def plus(one: Quantity, other: Quantity) -> Quantity | None:
    """The sum in the left one's unit; None without a common measure. A bare number takes the other's unit."""
    if _bare(one) and not _bare(other):
        return other.of(ARITHMETIC.add(one.value, other.value))
    if _bare(other):
        return one.of(ARITHMETIC.add(one.value, other.value))
    if not same_unit(one, other) and _loose(one, other):
        return None
    factor = ratio(other, one)
    if factor is None:
        return None
    return one.of(ARITHMETIC.add(one.value, measured(Fraction(other.value) * factor)))


def _bare(quantity: Quantity) -> bool:
    return quantity.unit == "1" and not quantity.calendar


def _loose(one: Quantity, other: Quantity) -> bool:
    return any(each.calendar and keyword(each.unit) in _LOOSE for each in (one, other))


def product(one: Quantity, other: Quantity) -> Quantity | None:
    """The product with its unit; None for calendar durations (but by a bare number) and for what is not UCUM."""
    value = ARITHMETIC.multiply(one.value, other.value)
    if _bare(other):
        return one.of(value)
    if _bare(one):
        return other.of(value)
    return _combined(one, other, value, ucum.times)


def quotient(one: Quantity, other: Quantity) -> Quantity | None:
    """The quotient with its unit; None as for `product`, and for a division by zero."""
    if not other.value:
        return None
    value = ARITHMETIC.divide(one.value, other.value)
    return one.of(value) if _bare(other) else _combined(one, other, value, ucum.over)


def _combined(one: Quantity, other: Quantity, value: Decimal, join: ucum.Join) -> Quantity | None:
    if one.calendar or other.calendar or not (one.ucum and other.ucum):
        return None
    left, right = ucum.unit(one.unit), ucum.unit(other.unit)
    if left is None or right is None:
        return None
    try:
        joined = join(left, right)
    except ucum.NotUcum:
        return None
    # Terms that stand for one dimension in two sizes, as `m` and `cm`, are left side by side: `m.cm` is valid UCUM
    return Quantity(value, ucum.written(joined))
