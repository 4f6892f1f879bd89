"""Order and doubles. Its law: of one device, measure and time there is one reading, whenever and however often it comes."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

from onmaru.rooms.monitor.live import SECOND


class Seen:
    """The times of readings within `window` µs before the newest of their device and measure, eight bytes each."""

    def __init__(self, window: int = 600 * SECOND) -> None:
        self._window = window
        self._times: dict[tuple[str, str], array[int]] = {}

    def new(self, device: str, measure: str, at: int) -> bool:
        """Whether this is the first of its kind; it is then remembered."""
        times = self._times.get((device, measure))
        if times is None:
            times = self._times[device, measure] = array("q")
        if not times or at > times[-1]:
            times.append(at)
            if times[-1] - times[0] > 2 * self._window:
                del times[: bisect_left(times, at - self._window)]
            return True
        place = bisect_left(times, at)
        if times[place] == at:
            return False
        times.insert(place, at)
        return True

    def unsee(self, told: Iterable[tuple[str, int]]) -> None:
        """Take back what these devices said at these times: it could not be kept."""
        wanted: dict[str, set[int]] = {}
        for device, at in told:
            wanted.setdefault(device, set()).add(at)
        for (device, _), times in self._times.items():
            for at in wanted.get(device, ()):
                place = bisect_left(times, at)
                if place < len(times) and times[place] == at:
                    del times[place]

    def forget(self, before: int) -> None:
        """Drop devices that said nothing since `before`."""
        for key in [key for key, times in self._times.items() if times[-1] < before]:
            del self._times[key]
