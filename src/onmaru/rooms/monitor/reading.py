"""One measurement as the scores take it: which measure it is, its digits in the table's unit, when and from where."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

from onmaru.fhir.fhirpath import ucum

# Units that senders write in other words than UCUM's for the same; case is kept by UCUM and not by them.
WRITTEN: Mapping[str, str] = {
    "mmhg": "mm[Hg]",
    "bpm": "/min",
    "beats/min": "/min",
    "breaths/min": "/min",
    "°c": "Cel",
    "c": "Cel",
    "°f": "[degF]",
    "f": "[degF]",
    "k/ul": "10*3/uL",
    "x10^3/ul": "10*3/uL",
    "10^3/ul": "10*3/uL",
    "×10³/µl": "10*3/uL",
}
# Digits beyond which no bedside value goes: a longer one is not read, so that none takes long
LONGEST = 32


class Measure(NamedTuple):
    """`unit` is UCUM, "" for what has none. `answers`: letter of the answer by the code that says it."""

    name: str
    unit: str
    answers: Mapping[str, str]


class Reading(NamedTuple):
    """`value` are the source's digits, or the letter of an answer; `at` µs since 1970 UTC; `source` is Type/id."""

    measure: str
    value: str
    unit: str
    at: int
    source: str


@cache
def measures() -> Mapping[str, Measure]:
    """Every measure by name, from data/measures.toml."""
    return {name: Measure(name, row.unit, _letters(row.answers)) for name, row in _data().items()}


@cache
def by_code() -> Mapping[str, str]:
    """`system|code` → measure."""
    return {code: name for name, row in _data().items() for code in row.codes}


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    unit: str
    codes: list[str]
    answers: dict[str, list[str]] = {}


@cache
def _data() -> Mapping[str, _Row]:
    text = (files(__package__) / "data" / "measures.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, _Row])


def _letters(answers: Mapping[str, list[str]]) -> Mapping[str, str]:
    return {code: letter for letter, codes in answers.items() for code in codes}


def decimal(text: str) -> Decimal | None:
    """The digits as an exact number; None for anything that is no finite number of bearable length."""
    if not text or len(text) > LONGEST:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < LONGEST else None


def converted(value: str, unit: str, wanted: str) -> Fraction | None:
    """The value in the table's unit, exactly; None where it is no number or the unit is no unit of this quantity."""
    number = decimal(value)
    if number is None:
        return None
    exact, written = Fraction(number), WRITTEN.get(unit.strip().lower(), unit.strip())
    if written == wanted or (not wanted and written in ("", "1", "{score}")):
        return exact
    if wanted == "Cel":
        return (exact - 32) * 5 / 9 if written == "[degF]" else None
    had, asked = ucum.unit(written), ucum.unit(wanted)
    if had is None or asked is None or had.dimensions != asked.dimensions:
        return None
    return exact * had.factor / asked.factor


def rounded(exact: Fraction, step: str) -> Decimal:
    """The value brought to the table's steps, half away from zero: 20.5 is 21 by steps of 1, 35.05 is 35.1 by 0.1."""
    size = Fraction(step)
    count = Decimal(_halved(exact / size)).to_integral_value(ROUND_HALF_UP)
    return count * Decimal(step)


def _halved(count: Fraction) -> Decimal:
    """The whole part and whether half a step or more is above it: all that rounding asks, and exact."""
    sign = -1 if count < 0 else 1
    whole, rest = divmod(abs(count), 1)
    return Decimal(sign * whole) + (Decimal(sign) / 2 if rest >= Fraction(1, 2) else 0)
