"""Events at the pace of real time, or any multiple of it. The clock and the sleep are the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from onmaru.simulate.faults import Event


def pace(
    events: Iterable[Event], speed: float, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[Event]:
    """Give each event when it is due: simulated time runs `speed` times as fast as `clock` (seconds).

    Time starts at the first event. After a delay nothing is skipped: what is overdue comes at once.
    ValueError unless speed > 0.
    """
    if not speed > 0:
        raise ValueError("speed must be above 0")
    first: int | None = None
    began = clock()
    for event in events:
        if first is None:
            first = event.at_us
        wait = (event.at_us - first) / 1_000_000 / speed - (clock() - began)
        if wait > 0:
            sleep(wait)
        yield event
