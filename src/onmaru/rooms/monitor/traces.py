"""The last seconds of every waveform, packed for drawing. Its law: a piece is drawn as it came or not at all, never joined.

What is kept for good lies in the journal and its blobs; this is for screens alone.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from onmaru.rooms.monitor.stream.message import Wave

# So long a screen that was cut off may be away and still draw without a gap
KEPT = 10_000_000
MOST_PIECES = 64
LEVELS = 255


class Piece(NamedTuple):
    """Samples of one waveform: `low + step * byte` each, the last of them taken at `at` (µs since 1970 UTC).

    `number` grows with every piece that came.
    """

    number: int
    patient: str
    code: str
    unit: str
    hz: float
    at: int
    low: float
    step: float
    samples: bytes


class Traces:
    """Pieces by patient and waveform, the newest last."""

    def __init__(self) -> None:
        self.number = 0
        self._held: dict[str, dict[str, deque[Piece]]] = {}

    def take(self, patient: str, wave: Wave, at: int) -> None:
        """Keep a piece that is newer than those held; one that cannot be drawn is left out."""
        packed = _packed(wave)
        if packed is None:
            return
        self.number += 1
        piece = Piece(self.number, patient, wave.code, wave.unit, wave.hz, at, *packed)
        held = self._held.setdefault(patient, {}).setdefault(wave.code, deque(maxlen=MOST_PIECES))
        while held and held[0].at < at - KEPT:
            held.popleft()
        held.append(piece)

    def after(self, number: int, patient: str) -> Iterator[Piece]:
        """The pieces of one patient that came after `number`, each waveform in its order."""
        for held in self._held.get(patient, {}).values():
            yield from (one for one in held if one.number > number)

    def drop(self, patient: str, code: str = "") -> None:
        """Hold nothing of a patient, or of one waveform of theirs."""
        if code:
            self._held.get(patient, {}).pop(code, None)
        else:
            self._held.pop(patient, None)


def _packed(wave: Wave) -> tuple[float, float, bytes] | None:
    """Lowest value, step and a byte a sample; None without samples, or where they lie further apart than a number can be."""
    if not wave.samples:
        return None
    low, high = min(wave.samples), max(wave.samples)
    step = (high - low) / LEVELS
    if not math.isfinite(step):
        return None
    if not step:
        return low, 0.0, bytes(len(wave.samples))
    return low, step, bytes([min(LEVELS, int((one - low) / step + 0.5)) for one in wave.samples])
