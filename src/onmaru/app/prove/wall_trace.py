"""How long a page's scripts ran in each frame, out of a trace of Chromium. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

# Events of the category devtools.timeline in which a page's own code runs; what is nested in another counts once
SCRIPT = frozenset(
    {
        "FunctionCall",
        "EvaluateScript",
        "FireAnimationFrame",
        "TimerFire",
        "RunMicrotasks",
        "EventDispatch",
        "HandlePostMessage",
    }
)
FRAME = "FireAnimationFrame"
Event = Mapping[str, Any]
Thread = tuple[int, int]


class Frames(NamedTuple):
    """ms of script in each frame, all of the page's threads together, and of its main thread alone."""

    all: Sequence[float]
    main: Sequence[float]


def frames(events: Sequence[Event]) -> Frames:
    """`events` as Chromium tells them; a frame lasts from one animation frame of the wall's own thread to the next."""
    names = {
        (e["pid"], e["tid"]): e["args"]["name"] for e in events if e.get("ph") == "M" and e["name"] == "thread_name"
    }
    drawing = next((_of(e) for e in events if e["name"] == FRAME and _worker(names.get(_of(e), ""))), None)
    assert drawing is not None, "nothing was drawn while the trace ran"
    starts = sorted(e["ts"] for e in events if e["name"] == FRAME and _of(e) == drawing and e.get("ph") == "X")
    spent: dict[Thread, list[float]] = {}
    for thread, name in names.items():
        if thread[0] == drawing[0] and (_worker(name) or name == "CrRendererMain"):
            spent[thread] = _spent((e for e in events if _of(e) == thread), starts)
    main = [sum(each) for each in zip(*(s for t, s in spent.items() if names[t] == "CrRendererMain"), strict=True)]
    return Frames([sum(each) for each in zip(*spent.values(), strict=True)], main)


def _of(event: Event) -> Thread:
    return event["pid"], event["tid"]


def _worker(name: str) -> bool:
    return name.startswith("DedicatedWorker")


def _spent(events: Iterable[Event], starts: Sequence[float]) -> list[float]:
    """ms of CPU that scripts took in each frame but the last, which no other ends."""
    found = [0.0] * max(0, len(starts) - 1)
    upto = 0.0
    for event in sorted(
        (e for e in events if e["name"] in SCRIPT and e.get("ph") == "X"), key=lambda e: float(e["ts"])
    ):
        if event["ts"] < upto:
            continue
        upto = event["ts"] + event.get("dur", 0)
        frame = bisect_right(starts, event["ts"]) - 1
        if 0 <= frame < len(found):
            found[frame] += event.get("tdur", event.get("dur", 0)) / 1000
    return found


def share(values: Sequence[float], part: float) -> float:
    """The value below which so large a part of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]
