"""Vital signs as a function of how ill somebody is: illustrative simulation parameters, no physiology is claimed."""

from __future__ import annotations

from random import Random

import msgspec

from onmaru.simulate.codes import BREATHS, DIASTOLIC, HEART_RATE, SPO2, SYSTOLIC, TEMPERATURE, Analyte


class Body(msgspec.Struct):
    """`illness` 0 (well) to 1 (dying) drives all signs; `fever` in degrees above normal. Height cm, weight kg."""

    height: float
    weight: float
    pressure: float
    illness: float = 0.0
    fever: float = 0.0


def body(rng: Random, sex: str) -> Body:
    """A body of usual size."""
    height = rng.gauss(171 if sex == "M" else 158, 6)
    return Body(round(height, 1), round(height * height / 10_000 * rng.gauss(24, 2.5), 1), rng.gauss(122, 9))


def measured(one: Body, rng: Random) -> list[tuple[Analyte, str]]:
    """One set of vital signs, each with the noise of measuring."""
    ill = one.illness
    systolic = one.pressure - 42 * ill + rng.gauss(0, 5)
    return [
        (HEART_RATE, f"{72 + 58 * ill + 6 * one.fever + rng.gauss(0, 4):.0f}"),
        (BREATHS, f"{15 + 17 * ill + rng.gauss(0, 1):.0f}"),
        (SPO2, f"{min(100.0, 98 - 14 * ill + rng.gauss(0, 0.7)):.0f}"),
        (TEMPERATURE, f"{36.5 + one.fever + rng.gauss(0, 0.15):.1f}"),
        (SYSTOLIC, f"{systolic:.0f}"),
        (DIASTOLIC, f"{systolic * 0.62 + rng.gauss(0, 3):.0f}"),
    ]
