"""Date, DateTime and Time of partial precision: reading, writing and comparing them in three values.

Fields that were not written are absent, never zero. Seconds and their fraction are one field, a Decimal. A DateTime
without an offset may lie anywhere on the clock, so against one with an offset it is often unknown which is later.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

_CLOCK = r"([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?)?"
_DAY = r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?"
_LIMITS = ((1, 9999), (1, 12), (1, 31), (0, 23), (0, 59), (0, Decimal("60.999999999999999999")))
WIDTHS = (4, 2, 2, 2, 2, 2)
WEST, EAST = -12 * 60, 14 * 60
"""The offsets in use, in minutes."""

Field = int | Decimal


def last_day(year: int, month: int) -> int:
    """The number of days in a month."""
    following = date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else None
    return (following - timedelta(days=1)).day if following else 31


class Moment:
    """`fields`: as many as were written. `first`: which of year, month, day, hour, minute, second the first one is."""

    __slots__ = ("fields", "zone")
    PATTERN: ClassVar[re.Pattern[str]]
    first: ClassVar[int] = 0
    most: ClassVar[int] = 6

    def __init__(self, fields: tuple[Field, ...], zone: int | None = None) -> None:
        self.fields = fields
        self.zone = zone

    @classmethod
    def read(cls, text: str) -> Self:
        """From its text. Raises ValueError where it has not the form or is not on the calendar."""
        match = cls.PATTERN.fullmatch(text)
        if match is None or len(text) > 60:
            raise ValueError(f"not a valid {cls.__name__}")
        parts = match.groups()
        written = [Decimal(p) if "." in p else int(p) for p in parts[: cls.most] if p is not None]
        for place, value in enumerate(written, cls.first):
            least, largest = _LIMITS[place]
            if not least <= value <= largest:
                raise ValueError(f"not a valid {cls.__name__}")
        if cls.first == 0 and len(written) > 2 and written[2] > last_day(int(written[0]), int(written[1])):
            raise ValueError(f"not a valid {cls.__name__}")
        return cls(tuple(written), _zone(parts[cls.most] if len(parts) > cls.most else None))

    @property
    def digits(self) -> int:
        """How many digits were written: 4, 6, 8, 10, 12, 14 or 17 (a Time's two, four, six or nine)."""
        count = sum(WIDTHS[self.first : self.first + len(self.fields)])
        last = self.fields[-1]
        fraction = -last.as_tuple().exponent if isinstance(last, Decimal) else 0  # type: ignore[operator]  # finite
        return count + (max(3, fraction) if fraction else 0)

    def __eq__(self, other: object) -> bool:
        return self.__class__ is other.__class__ and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def __repr__(self) -> str:
        return f"@{self}"

    def key(self) -> tuple[Any, ...]:
        """What two equal values share: fields at UTC where the offset is known."""
        fields = self.fields if self.zone is None else shifted(self.fields, -self.zone)
        return (*fields, self.zone is None)


class Date(Moment):
    """A System.Date: year, year and month, or a day."""

    __slots__ = ()
    PATTERN = re.compile(_DAY, re.ASCII)
    most = 3

    def __str__(self) -> str:
        return "-".join(f"{value:0{width}d}" for value, width in zip(self.fields, WIDTHS, strict=False))


class DateTime(Moment):
    """A System.DateTime. `zone`: minutes east of UTC, None where none was written."""

    __slots__ = ()
    PATTERN = re.compile(rf"{_DAY}(?:T(?:{_CLOCK})?(Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?", re.ASCII)

    def __str__(self) -> str:
        day = str(Date(self.fields[:3]))
        if len(self.fields) < 4:
            return day
        return f"{day}T{_clock(self.fields[3:])}{zone_text(self.zone)}"


class Time(Moment):
    """A System.Time."""

    __slots__ = ()
    PATTERN = re.compile(_CLOCK, re.ASCII)
    first = 3
    most = 3

    def __str__(self) -> str:
        return _clock(self.fields)


def _clock(fields: tuple[Field, ...]) -> str:
    return ":".join(second_text(value) for value in fields)


def second_text(value: Field) -> str:
    """Two digits before the point."""
    if isinstance(value, int):
        return f"{value:02d}"
    whole, point, fraction = f"{value:f}".partition(".")
    return f"{whole:0>2}{point}{fraction}"


def _zone(written: str | None) -> int | None:
    if written is None:
        return None
    if written == "Z":
        return 0
    hours, minutes = int(written[1:3]), int(written[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError("not a valid timezone offset")
    return (hours * 60 + minutes) * (-1 if written[0] == "-" else 1)


def zone_text(zone: int | None) -> str:
    """`Z` for zero, "" for none."""
    if zone is None:
        return ""
    hours, minutes = divmod(abs(zone), 60)
    return f"{'-' if zone < 0 else '+'}{hours:02d}:{minutes:02d}" if zone else "Z"


def shifted(fields: tuple[Field, ...], minutes: int) -> tuple[Field, ...]:
    """A DateTime's fields some minutes later, to the same precision and with the calendar's own carry."""
    if len(fields) < 4 or not minutes:
        return fields
    day = date(*(int(value) for value in fields[:3]))
    hour = int(fields[3])
    minute = int(fields[4]) if len(fields) > 4 else 0
    days, rest = divmod(hour * 60 + minute + minutes, 1440)
    try:
        day += timedelta(days=days)
    except OverflowError:
        return fields
    return (day.year, day.month, day.day, rest // 60, rest % 60, *fields[5:])[: max(len(fields), 5)]


def compare(left: Moment, right: Moment) -> int | None:
    """-1, 0 or 1; None where their precisions or a missing offset leave it unknown. A Date is taken as a DateTime."""
    if (left.zone is None) is (right.zone is None):
        if left.zone == right.zone:
            return _in_order(left.fields, right.fields)
        return _in_order(shifted(left.fields, -(left.zone or 0)), shifted(right.fields, -(right.zone or 0)))
    if len(left.fields) < 4 or len(right.fields) < 4:
        return _about(left, right)
    return _one_floating(left, right)


def _in_order(left: tuple[Field, ...], right: tuple[Field, ...]) -> int | None:
    for one, other in zip(left, right, strict=False):
        if one != other:
            return -1 if one < other else 1
    return 0 if len(left) == len(right) else None


def _about(left: Moment, right: Moment) -> int | None:
    """One has an offset and one is no finer than a day: their days are compared, give or take the clock's span."""
    return _one_floating(left, right)


def _span(moment: Moment) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """The first and the last minute that a DateTime may mean, at UTC."""
    fields = moment.fields
    year = int(fields[0])
    months = (int(fields[1]),) * 2 if len(fields) > 1 else (1, 12)
    days = (int(fields[2]),) * 2 if len(fields) > 2 else (1, last_day(year, months[1]))
    hours = (int(fields[3]),) * 2 if len(fields) > 3 else (0, 23)
    minutes = (int(fields[4]),) * 2 if len(fields) > 4 else (0, 59)
    seconds = (fields[5],) * 2 if len(fields) > 5 else (0, Decimal("59.999999"))
    east, west = (EAST, WEST) if moment.zone is None else (moment.zone, moment.zone)
    low = shifted((year, months[0], days[0], hours[0], minutes[0], seconds[0]), -east)
    high = shifted((year, months[1], days[1], hours[1], minutes[1], seconds[1]), -west)
    return low, high


def _one_floating(left: Moment, right: Moment) -> int | None:
    (left_low, left_high), (right_low, right_high) = _span(left), _span(right)
    if left_high < right_low:
        return -1
    return 1 if right_high < left_low else None
