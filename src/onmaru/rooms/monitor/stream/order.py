"""Order and doubles. Its law: of one device, measure and time there is one reading, whenever and however often it comes."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

from onmaru.rooms.monitor.live import SECOND

# Sets of measures that are kept once however many messages have them: devices say the same ones each second
SHAPES = 4_096
Measures = frozenset[str]


class Told:
    """What one device said: times in order, and which measures at each."""

    __slots__ = ("measures", "times")

    def __init__(self) -> None:
        self.times: array[int] = array("q")
        self.measures: list[Measures] = []


class Seen:
    """The times of messages within `window` µs before the newest of their device, some sixteen bytes each."""

    def __init__(self, window: int = 600 * SECOND) -> None:
        self._window = window
        self._told: dict[str, Told] = {}
        self._shapes: dict[Measures, Measures] = {}

    def new(self, device: str, at: int, said: Measures) -> Measures:
        """Those of the measures that this device has not said of this time; they are then remembered."""
        told = self._told.get(device)
        if told is None:
            told = self._told[device] = Told()
        times = told.times
        if not times or at > times[-1]:
            times.append(at)
            told.measures.append(self._shape(said))
            if at - times[0] > 5 * self._window // 4:
                old = bisect_left(times, at - self._window)
                del times[:old], told.measures[:old]
            return said
        place = bisect_left(times, at)
        if times[place] != at:
            times.insert(place, at)
            told.measures.insert(place, self._shape(said))
            return said
        known = told.measures[place]
        fresh = said - known
        if fresh:
            told.measures[place] = self._shape(known | fresh)
        return fresh

    def unsee(self, told: Iterable[tuple[str, int]]) -> None:
        """Take back what these devices said at these times: it could not be kept."""
        for device, at in told:
            mine = self._told.get(device)
            if mine is None:
                continue
            place = bisect_left(mine.times, at)
            if place < len(mine.times) and mine.times[place] == at:
                del mine.times[place], mine.measures[place]

    def forget(self, before: int) -> None:
        """Drop devices that said nothing since `before`."""
        for device in [one for one, told in self._told.items() if not told.times or told.times[-1] < before]:
            del self._told[device]

    def _shape(self, said: Measures) -> Measures:
        known = self._shapes.get(said)
        if known is None:
            if len(self._shapes) >= SHAPES:
                self._shapes.clear()
            known = self._shapes[said] = said
        return known
