"""Date and time arithmetic with calendar durations, and the time between two moments (FHIRPath, Date/Time Arithmetic).

A quantity finer than a partial value is first converted to what the value has, and what is left over is dropped.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.quantities import keyword
from onmaru.fhir.fhirpath.temporal import Date, DateTime, Field, Moment, Time, last_day, shifted
from onmaru.fhir.fhirpath.values import DEFINITE, Quantity

UNITS = ("year", "month", "day", "hour", "minute", "second")
_BY_CODE = {code: name for name, code in DEFINITE.items() if name not in ("year", "month")}
_PER = {"hour": 24, "minute": 60, "second": 60}
_OF_DATE = frozenset({"year", "month", "week", "day"})
_OF_TIME = frozenset({"hour", "minute", "second", "millisecond"})


def unit_of(quantity: Quantity) -> str:
    """The calendar unit that a quantity counts. Raises PathError for one that no calendar has."""
    found = keyword(quantity.unit) if quantity.calendar else _BY_CODE.get(quantity.unit, "") if quantity.ucum else ""
    if not found:
        raise execution("only calendar durations, weeks and shorter UCUM times can be added to a date or time")
    return found


def add(moment: Moment, quantity: Quantity) -> Moment:
    """A date or time some calendar durations later. Raises PathError outside the years 1 to 9999."""
    unit = unit_of(quantity)
    if isinstance(moment, Date) and unit not in _OF_DATE:
        raise execution(f"a {unit} cannot be added to a Date")
    if isinstance(moment, Time) and unit not in _OF_TIME:
        raise execution(f"a {unit} cannot be added to a Time")
    count = quantity.value
    if abs(count) > 10**15:
        raise execution("the result is no date between the years 1 and 9999")
    if unit == "week":
        count, unit = Decimal(_whole(count) * 7), "day"
    if unit == "millisecond":
        count, unit = count / 1000, "second"
    try:
        return _added(moment, count, unit)
    except (ArithmeticError, ValueError):
        raise execution("the result is no date between the years 1 and 9999") from None


def _whole(count: Decimal) -> int:
    return int(count.to_integral_value(ROUND_DOWN))


def _added(moment: Moment, count: Decimal, unit: str) -> Moment:
    finest = UNITS[moment.first + len(moment.fields) - 1]
    if UNITS.index(unit) > UNITS.index(finest):
        count, unit = _coarser(count, unit, finest), finest
    if unit != "second":
        count = Decimal(_whole(count))
    fields = moment.fields
    if unit in ("year", "month"):
        fields = _months_later(fields, int(count) * (12 if unit == "year" else 1))
    elif unit == "day":
        fields = (*_days_later(fields[:3], int(count)), *fields[3:])
    else:
        fields = _clock_later(moment, count, unit)
    return moment.__class__(fields, moment.zone)


def _coarser(count: Decimal, unit: str, finest: str) -> Decimal:
    """A count of `unit` in the finest unit that a partial value has."""
    if unit == "month":
        return Decimal(_whole(count) // 12 if count >= 0 else -(-_whole(count) // 12))
    while unit != finest and unit in _PER:
        count = count / _PER[unit]
        unit = UNITS[UNITS.index(unit) - 1]
    if unit == "day" and finest != "day":
        count = count / (30 if finest == "month" else 365)
    return count


def _months_later(fields: tuple[Field, ...], months: int) -> tuple[Field, ...]:
    if len(fields) == 1:
        return (_year(int(fields[0]) + months // 12),)
    years, month = divmod(int(fields[0]) * 12 + int(fields[1]) - 1 + months, 12)
    year, month = _year(years), month + 1
    if len(fields) == 2:
        return (year, month)
    return (year, month, min(int(fields[2]), last_day(year, month)), *fields[3:])


def _year(year: int) -> int:
    if not 1 <= year <= 9999:
        raise ValueError
    return year


def _days_later(fields: tuple[Field, ...], days: int) -> tuple[Field, ...]:
    day = date(*(int(value) for value in fields)) + timedelta(days=days)
    return (day.year, day.month, day.day)


def _clock_later(moment: Moment, count: Decimal, unit: str) -> tuple[Field, ...]:
    """Hours, minutes and seconds later; a Time goes round, a DateTime carries into its day."""
    clock = moment.fields[3 - moment.first :]
    hours, minutes, seconds = (*clock, 0, 0)[:3]
    total = (int(hours) * 60 + int(minutes)) * 60 + Decimal(seconds)
    total += count * {"hour": 3600, "minute": 60, "second": 1}[unit]
    days = int((total / 86400).to_integral_value("ROUND_FLOOR"))
    rest = total - days * 86400
    minute, second = divmod(int(rest.to_integral_value(ROUND_DOWN)), 60)
    fraction = rest - int(rest.to_integral_value(ROUND_DOWN))
    found: tuple[Field, ...] = (minute // 60, minute % 60, _second(second, fraction, seconds))[: len(clock)]
    return found if isinstance(moment, Time) else (*_days_later(moment.fields[:3], days), *found)


def _second(second: int, fraction: Decimal, before: Field) -> Field:
    """Keeps the digits that were written, and shows as many more as the fraction needs, at least three."""
    if isinstance(before, int) and not fraction:
        return second
    digits = max(_places(before), 3 if fraction else 0, _places(fraction.normalize() if fraction else fraction))
    return (Decimal(second) + fraction).quantize(Decimal(1).scaleb(-digits))


def _places(value: Field) -> int:
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def between(start: Moment, end: Moment, unit: str, *, boundaries: bool) -> int | None:
    """Whole periods from `start` to `end`, or with `boundaries` how many starts of a period lie between (STU).

    None where either is not written to `unit`; weeks begin on Sunday.
    """
    if unit in _OF_TIME:
        return _clock_between(start, end, unit, boundaries)
    if isinstance(start, Time) or isinstance(end, Time):
        raise execution(f"a {unit} does not fit a Time")
    needed = {"year": 1, "month": 2, "week": 3, "day": 3}[unit]
    if min(len(start.fields), len(end.fields)) < needed:
        return None
    if unit in ("year", "month"):
        return _months_between(start, end, boundaries) if unit == "month" else _years_between(start, end, boundaries)
    return _days_between(start, end, unit, boundaries)


def _years_between(start: Moment, end: Moment, boundaries: bool) -> int:
    if boundaries:
        return int(end.fields[0]) - int(start.fields[0])
    return _toward_zero(_months_between(start, end, boundaries), 12)


def _toward_zero(count: int, size: int) -> int:
    return count // size if count >= 0 else -(-count // size)


def _month(moment: Moment) -> int:
    return int(moment.fields[0]) * 12 + (int(moment.fields[1]) if len(moment.fields) > 1 else 1)


def _months_between(start: Moment, end: Moment, boundaries: bool) -> int:
    months = _month(end) - _month(start)
    if boundaries:
        return months
    first, last = start.fields[2:], end.fields[2:]
    if months > 0 and last < first:
        return months - 1
    return months + 1 if months < 0 and last > first else months


def _ordinal(moment: Moment) -> int:
    return date(*(int(value) for value in moment.fields[:3])).toordinal()


def _days_between(start: Moment, end: Moment, unit: str, boundaries: bool) -> int:
    if boundaries:
        if unit == "day":
            return _ordinal(end) - _ordinal(start)
        return _ordinal(end) // 7 - _ordinal(start) // 7  # the ordinal of a Sunday is a multiple of seven
    days = _ordinal(end) - _ordinal(start)
    first, last = start.fields[3:], end.fields[3:]
    if days > 0 and last < first:
        days -= 1
    elif days < 0 and last > first:
        days += 1
    return days if unit == "day" else _toward_zero(days, 7)


def _clock_between(start: Moment, end: Moment, unit: str, boundaries: bool) -> int | None:
    if isinstance(start, Date) or isinstance(end, Date):
        raise execution(f"a {unit} does not fit a Date")
    needed = UNITS.index("second" if unit == "millisecond" else unit) + 1
    if any(each.first + len(each.fields) < needed for each in (start, end)):
        return None
    size = {"hour": Decimal(3600), "minute": Decimal(60), "second": Decimal(1), "millisecond": Decimal("0.001")}[unit]
    first, last = _seconds(start), _seconds(end)
    if boundaries:
        return int(last // size) - int(first // size)
    return int((last - first) / size)


def _seconds(moment: Moment) -> Decimal:
    """Seconds since the first day, at UTC where the offset is known."""
    fields = moment.fields
    if isinstance(moment, DateTime) and moment.zone:
        fields = shifted(fields, -moment.zone)
    clock = (*fields[3 - moment.first :], 0, 0)[:3]
    days = 0 if moment.first else date(*(int(value) for value in fields[:3])).toordinal()
    return ((days * 24 + int(clock[0])) * 60 + int(clock[1])) * 60 + Decimal(clock[2])
