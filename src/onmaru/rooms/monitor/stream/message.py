"""A message of a device as JSON, read strictly. Its law: what cannot be read whole is refused whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from onmaru.rooms.monitor.live import SECOND
from onmaru.rooms.monitor.projection import moment
from onmaru.rooms.monitor.reading import LONGEST, by_code, converted, decimal, measures

LARGEST = 256 * 1024
MOST_VALUES, MOST_WAVES, MOST_SAMPLES, LONGEST_NAME = 64, 16, 20_000, 128
# No interval is longer: a device that measures once a day is charted, not streamed
SLOWEST = 86_400
LOINC = "http://loinc.org|"
ABSENT, UNIT, IMPOSSIBLE = "absent", "unit", "impossible"
PRESSURES = frozenset({"systolic", "diastolic"})
# Not bool, which is an int
NUMBERS = (int, Decimal)


class Refused(Exception):
    """Why a message is not taken; a text that holds no value."""


class Value(NamedTuple):
    """`value` in the measure's own unit, "" where the device says that it has none; `flag`: why it is not scored."""

    measure: str
    value: str
    unit: str
    flag: str


class Wave(NamedTuple):
    """Samples of a waveform at `hz` a second, the last of them taken when the message was."""

    code: str
    unit: str
    hz: float
    samples: Sequence[float]


class Message(NamedTuple):
    """`at` and `interval` in µs; `device`, `bed` and `patient` as the sender names them, "" where it does not."""

    device: str
    bed: str
    patient: str
    at: int
    interval: int
    values: tuple[Value, ...]
    waves: tuple[Wave, ...]


class _Wave(msgspec.Struct):
    code: str
    hz: float
    samples: list[float]
    unit: str = ""


class _Message(msgspec.Struct):
    device: str = ""
    bed: str = ""
    patient: str = ""
    mrn: str = ""
    at: str = ""
    at_us: int = 0
    interval: float = 1.0
    values: dict[str, Any] = {}
    waves: list[_Wave] = []


_DECODER = msgspec.json.Decoder(_Message, float_hook=Decimal)


def read(payload: bytes) -> Message:
    """The message in `payload`; raises Refused for anything that is not wholly as docs/rooms/monitor.md says."""
    if len(payload) > LARGEST:
        raise Refused("the message is longer than can be taken")
    try:
        said = _DECODER.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ArithmeticError):
        raise Refused("the message is no JSON of the form of a stream's message") from None
    names = (said.device or said.bed or said.patient or said.mrn, said.bed, said.patient or said.mrn)
    if not names[0] or any(len(name) > LONGEST_NAME or not name.isprintable() for name in names):
        raise Refused("the message names neither device, bed nor patient")
    at = said.at_us or moment({"effectiveDateTime": said.at})
    if at is None or not 0 < at < 2**60:
        raise Refused("the message has no time with its zone")
    if not 0 <= said.interval <= SLOWEST:
        raise Refused("the interval is no number of seconds up to a day")
    if (
        len(said.values) > MOST_VALUES
        or len(said.waves) > MOST_WAVES
        or sum(len(wave.samples) for wave in said.waves) > MOST_SAMPLES
    ):
        raise Refused("the message holds more than can be taken")
    if any(not 0 < wave.hz <= MOST_SAMPLES for wave in said.waves):
        raise Refused("a waveform has no number of samples a second")
    waves = tuple(Wave(one.code, one.unit, one.hz, one.samples) for one in said.waves)
    return Message(*names, at, int(said.interval * SECOND), _values(said.values), waves)


def _values(said: Mapping[str, Any]) -> tuple[Value, ...]:
    found = [_value(code, given if isinstance(given, list) else [given]) for code, given in said.items()]
    values = [one for one in found if one is not None]
    if len({one.measure for one in values}) < len(values):
        raise Refused("the message holds two values of one measure")
    return tuple(_pressures(values))


def _pressures(values: Sequence[Value]) -> Sequence[Value]:
    """A systolic pressure that is not above the diastolic one of its moment is none, and neither is the other."""
    order = {one.measure: one.value for one in values if one.measure in PRESSURES and not one.flag}
    if len(order) < len(PRESSURES) or _above(order["systolic"], order["diastolic"]):
        return values
    return [one._replace(flag=IMPOSSIBLE) if one.measure in PRESSURES else one for one in values]


@lru_cache(65_536)
def _above(high: str, low: str) -> bool:
    return (decimal(high) or 0) > (decimal(low) or 0)


def _value(code: str, given: Sequence[Any]) -> Value | None:
    """number or null, unit, flag; None for a code that no score and no wall knows: it is kept with the message alone."""
    number, unit, flag = (*given, "", "")[:3] if 0 < len(given) <= 3 else (True, "", "")
    sound = number is None or type(number) in NUMBERS
    if not sound or not isinstance(unit, str) or not isinstance(flag, str) or len(unit) + len(flag) > LONGEST_NAME:
        raise Refused("a value is no number with a unit")
    measure = _measure(code)
    if not measure:
        return None
    if number is None:
        return Value(measure, "", measures()[measure].unit, flag or ABSENT)
    digits = str(number)
    if len(digits) > LONGEST:
        raise Refused("a value has more digits than can be taken")
    return _known(measure, digits, unit, flag)


@lru_cache(4096)
def _measure(code: str) -> str:
    """What a code or the room's own name stands for; "" for nothing that has a number."""
    measure = by_code().get(code) or by_code().get(LOINC + code) or (code if code in measures() else "")
    return "" if not measure or measures()[measure].answers else measure


@lru_cache(65_536)
def _known(measure: str, digits: str, unit: str, flag: str) -> Value:
    wanted = measures()[measure].unit
    exact = converted(digits, unit, wanted)
    if exact is None:
        return Value(measure, digits, unit, flag or UNIT)
    return Value(
        measure, digits if exact == Fraction(digits) else _decimal(exact), wanted, flag or impossible(measure, exact)
    )


def impossible(measure: str, exact: Fraction) -> str:
    """What cannot be by what the measure means: nothing measured is below nothing, and no share is above the whole."""
    lower = exact < 0 and measure != "temperature"
    above = exact > 100 and measures()[measure].unit == "%"
    return IMPOSSIBLE if lower or above else ""


def _decimal(exact: Fraction) -> str:
    """A converted value with as many decimals as no chart's step needs."""
    thousandths = round(exact * 1000)
    whole, rest = divmod(abs(thousandths), 1000)
    return f"{'-' if thousandths < 0 else ''}{whole}" + (f".{rest:03}".rstrip("0") if rest else "")
