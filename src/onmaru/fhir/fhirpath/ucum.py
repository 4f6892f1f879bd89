"""UCUM unit expressions to exact factors and dimensions: the grammar of UCUM §§2-20, the atoms of the UCUM table.

Factors are fractions, so that converting back and forth loses nothing. Units on special scales (°C, pH, bel) and
arbitrary units ([iU]) are dimensions of their own: comparable with themselves and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

LONGEST = 200
STEEPEST = 40
"""The largest exponent read."""

Dimensions = tuple[tuple[str, int], ...]
Terms = tuple[tuple[str, int], ...]
_ANNOTATION = re.compile(r"\{[!-z|~]*\}", re.ASCII)
_TOKEN = re.compile(r"[./()]|(?:[^\[\]./(){}]|\[[^\[\]]*\])+")
_EXPONENT = re.compile(r"(.+?)([+-]?[0-9]+)", re.ASCII)


class Unit(NamedTuple):
    """`factor` to the base units of `dimensions`; `terms`: the symbols as written with their exponents."""

    factor: Fraction
    dimensions: Dimensions
    terms: Terms


class _Table(NamedTuple):
    prefixes: dict[str, str]
    atoms: dict[str, list[str]]


@cache
def _table() -> _Table:
    data = json.loads(resources.files("onmaru.fhir.data").joinpath("ucum.json").read_bytes())
    return _Table(data["prefixes"], data["atoms"])


@lru_cache(maxsize=4096)
def unit(text: str) -> Unit | None:
    """What a unit expression means; None where it is not UCUM."""
    if not text or len(text) > LONGEST or not text.isascii():
        return None
    bare = _ANNOTATION.sub("{}", text)
    try:
        return _Reader(bare).whole()
    except (NotUcum, RecursionError):
        return None


class NotUcum(Exception):
    """The text has not UCUM's form or names no unit of its table."""


def power(one: Unit, exponent: int) -> Unit:
    if abs(exponent) > STEEPEST:
        raise NotUcum
    return Unit(
        one.factor**exponent,
        tuple((name, times * exponent) for name, times in one.dimensions if times * exponent),
        tuple((name, times * exponent) for name, times in one.terms if times * exponent),
    )


def times(one: Unit, other: Unit) -> Unit:
    """The product. Raises NotUcum beyond the steepest exponent."""
    return Unit(
        one.factor * other.factor,
        tuple(sorted(_merged(one.dimensions, other.dimensions))),
        tuple(_merged(one.terms, other.terms)),
    )


def over(one: Unit, other: Unit) -> Unit:
    """The quotient."""
    return times(one, power(other, -1))


def _merged(one: Terms, other: Terms) -> list[tuple[str, int]]:
    found = dict(one)
    for name, exponent in other:
        found[name] = found.get(name, 0) + exponent
    if any(abs(exponent) > STEEPEST for exponent in found.values()):
        raise NotUcum
    return [(name, exponent) for name, exponent in found.items() if exponent]


def written(one: Unit) -> str:
    """A unit expression for the terms: `g/m`, `cm2`, `/s`, `1`."""
    above = ".".join(_symbol(name, exponent) for name, exponent in one.terms if exponent > 0)
    below = "".join("/" + _symbol(name, -exponent) for name, exponent in one.terms if exponent < 0)
    return f"{above}{below}" or "1"


def _symbol(name: str, exponent: int) -> str:
    return name if exponent == 1 else f"{name}{exponent}"


Join = Callable[[Unit, Unit], Unit]
NEUTRAL = Unit(Fraction(1), (), ())


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text.replace("{}", "\0"))
        if "".join(self._tokens) != text.replace("{}", "\0"):
            raise NotUcum
        self._place = 0

    def _next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def whole(self) -> Unit:
        found = self._term()
        if self._next():
            raise NotUcum
        return found

    def _term(self) -> Unit:
        found = NEUTRAL
        operator = "."
        if self._next() == "/":
            self._place += 1
            operator = "/"
        while True:
            component = self._component()
            found = times(found, component) if operator == "." else over(found, component)
            operator = self._next()
            if operator not in (".", "/") or not operator:
                return found
            self._place += 1

    def _component(self) -> Unit:
        part = self._next()
        self._place += 1
        if part == "(":
            found = self._term()
            if self._next() != ")":
                raise NotUcum
            self._place += 1
            return found
        if not part or part in "./)":
            raise NotUcum
        return _component(part.removesuffix("\0"))


def _component(text: str) -> Unit:
    """An annotation alone, a number, or a symbol with its exponent."""
    if not text:
        return NEUTRAL
    if text.isdigit():
        if not int(text):
            raise NotUcum
        return Unit(Fraction(int(text)), (), ((text, 1),) if text != "1" else ())
    found = _symbol_unit(text)
    if found is None:
        match = _EXPONENT.fullmatch(text)
        found = match and _symbol_unit(match[1])
        if not match or not found:
            raise NotUcum
        return power(found, int(match[2]))
    return found


@lru_cache(maxsize=2048)
def _symbol_unit(text: str) -> Unit | None:
    table = _table()
    if text in table.atoms:
        return _atom(text)
    for length in (2, 1):
        prefix, rest = text[:length], text[length:]
        if prefix in table.prefixes and "m" in table.atoms.get(rest, ["", "", ""])[2]:
            plain = _atom(rest)
            if "s" in table.atoms[rest][2]:
                return Unit(Fraction(1), ((text, 1),), ((text, 1),))
            return Unit(plain.factor * Fraction(table.prefixes[prefix]), plain.dimensions, ((text, 1),))
    return None


@cache
def _atom(code: str) -> Unit:
    factor, definition, flags = _table().atoms[code]
    if "b" in flags or "s" in flags:
        return Unit(Fraction(1), ((code, 1),), ((code, 1),))
    meaning = unit(definition)
    if meaning is None:
        raise NotUcum
    dimensions = ((code, 1),) if "a" in flags else meaning.dimensions
    return Unit(Fraction(factor) * meaning.factor, dimensions, ((code, 1),))
