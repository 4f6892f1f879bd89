"""Monitors at beds: numerics that drift and waveforms that beat, as JSON messages; illustrative, no physiology is claimed.

The same seed gives the same bytes. What it is fit for is load and sight, never accuracy.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

# (LOINC, unit in UCUM, usual value, how far it strays, decimals, value when deteriorating)
NUMERICS: Sequence[tuple[str, str, float, float, int, float]] = (
    ("8867-4", "/min", 78, 4, 0, 134),
    ("9279-1", "/min", 15, 1, 0, 29),
    ("59408-5", "%", 97.4, 0.4, 0, 88),
    ("8480-6", "mm[Hg]", 124, 4, 0, 86),
    ("8462-4", "mm[Hg]", 76, 3, 0, 50),
    ("8478-0", "mm[Hg]", 92, 3, 0, 62),
    ("8310-5", "Cel", 36.8, 0.1, 1, 39.4),
    ("3151-8", "L/min", 0, 0, 0, 8),
    ("3150-6", "%", 21, 0, 0, 40),
    ("2019-8", "mm[Hg]", 39, 1.5, 0, 29),
)
HZ, STEPS, VARIANTS = 250, 512, 4
# Bumps of one beat: (name, (phase 0..1, width, height) …), the lead II of a textbook and a finger's pulse, by eye
SHAPES: Mapping[str, tuple[str, Sequence[tuple[float, float, float]]]] = {
    "ecg-ii": (
        "mV",
        ((0.18, 0.025, 0.12), (0.27, 0.008, -0.11), (0.29, 0.010, 1.15), (0.31, 0.009, -0.22), (0.52, 0.045, 0.28)),
    ),
    "pleth": ("1", ((0.38, 0.10, 1.0), (0.64, 0.09, 0.35))),
}
# Share of the way to the wanted value that a numeric goes each second
PULL = 0.05


class Monitor:
    """The monitor of one bed. `name` is what it calls itself; with `waves` it sends two waveforms of 250 Hz; `bed` is where
    it says that it stands, "" where it does not.
    """

    def __init__(self, seed: int, name: str, *, waves: bool = False, bed: str = "") -> None:
        # Not a secret: dice of a simulation
        self._dice = Random(f"{seed}/{name}")
        self.name, self._waves = name, waves
        self._called = f'"device":{json.dumps(name)}' + (f',"bed":{json.dumps(bed)}' if bed else "")
        self._usual = [usual + self._dice.gauss(0, stray) for _, _, usual, stray, _, _ in NUMERICS]
        self._values = [*self._usual]
        self._phase = self._dice.random()
        self.ill = False

    def message(self, number: int, at: int) -> bytes:
        """What it says at `at` (µs since 1970 UTC) of the second before; `number` goes along so that it can be counted."""
        self._drift()
        values = ",".join(
            f'"{code}":[{_digits(value, unit, decimals)},"{unit}"]'
            for value, (code, unit, _, _, decimals, _) in zip(self._values, NUMERICS, strict=True)
        )
        waves = f',"waves":[{self._second()}]' if self._waves else ""
        return f'{{"n":{number},{self._called},"at_us":{at},"values":{{{values}}}{waves}}}'.encode()

    def _drift(self) -> None:
        for n, (_, _, _, stray, _, ill) in enumerate(NUMERICS):
            wanted = ill if self.ill else self._usual[n]
            # Who gets ill here does so within the second, so that it can be timed
            pull = 1.0 if self.ill else PULL
            self._values[n] += pull * (wanted - self._values[n]) + (self._dice.gauss(0, stray / 8) if stray else 0)

    def _second(self) -> str:
        """One second of each waveform, beat by beat at the heart rate."""
        step = max(0.2, self._values[0] / 60) * STEPS / HZ
        start = self._phase * STEPS
        places = [int(start + n * step) for n in range(HZ)]
        self._phase = (start + HZ * step) / STEPS % 1.0
        beat = self._dice.randrange(VARIANTS)
        parts = []
        for code, (unit, _) in SHAPES.items():
            tables = _tables(code)
            samples = ",".join([tables[(beat + (at >> 9)) % VARIANTS][at & 511] for at in places])
            parts.append(f'{{"code":"{code}","unit":"{unit}","hz":{HZ},"samples":[{samples}]}}')
        return ",".join(parts)


@cache
def _tables(code: str) -> Sequence[Sequence[str]]:
    """A beat in steps of its phase as digits, some times over with other noise."""
    dice, (_, bumps) = Random(code), SHAPES[code]
    beat = [
        sum(height * math.exp(-((at / STEPS - phase) ** 2) / (2 * width**2)) for phase, width, height in bumps)
        for at in range(STEPS)
    ]
    return [[f"{value + dice.gauss(0, 0.008):.3f}" for value in beat] for _ in range(VARIANTS)]


def _digits(value: float, unit: str, decimals: int) -> str:
    """No measure here is below nothing, and no share is more than the whole."""
    return f"{min(max(value, 0.0), 100.0 if unit == '%' else 300.0):.{decimals}f}"
