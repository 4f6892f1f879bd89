"""What a plan's form offers to measure at home, from data/measures.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`code` is system|code, `unit` UCUM."""

    code: str
    unit: str


@cache
def measures() -> Mapping[str, Measure]:
    """By name."""
    text = (files("onmaru.rooms.remote") / "data" / "measures.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Measure])


@cache
def units() -> Mapping[str, str]:
    """The unit of each known code."""
    return {one.code: one.unit for one in measures().values()}
