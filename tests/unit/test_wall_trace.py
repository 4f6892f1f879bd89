"""How long scripts ran in each frame, of a trace as Chromium writes it."""

from __future__ import annotations

from typing import Any

import pytest

from onmaru.app.prove.wall_trace import frames, share

NAMES = {1: "CrRendererMain", 2: "DedicatedWorker thread", 3: "Compositor"}


def event(name: str, tid: int, ts: int, dur: int, **more: Any) -> dict[str, Any]:
    return {"ph": "X", "name": name, "pid": 7, "tid": tid, "ts": ts, "dur": dur, **more}


def test_a_frame_holds_the_scripts_of_both_threads_and_nested_ones_once() -> None:
    named: list[dict[str, Any]] = [
        {"ph": "M", "name": "thread_name", "pid": 7, "tid": tid, "args": {"name": name}} for tid, name in NAMES.items()
    ]
    told = [
        event("FireAnimationFrame", 2, 0, 1000, tdur=800),
        event("FunctionCall", 2, 10, 900),
        event("RunMicrotasks", 2, 5000, 500),
        event("FireAnimationFrame", 2, 16_000, 2000),
        event("TimerFire", 1, 17_000, 300),
        event("Layout", 1, 18_000, 9000),
        event("FunctionCall", 3, 17_000, 9000),
        event("FireAnimationFrame", 2, 32_000, 4000),
    ]
    found = frames([*named, *told])
    assert [round(one, 3) for one in found.all] == [1.3, 2.3]
    assert [round(one, 3) for one in found.main] == [0.0, 0.3]


def test_a_trace_in_which_nothing_is_drawn_proves_nothing() -> None:
    with pytest.raises(AssertionError):
        frames([event("FunctionCall", 1, 0, 5)])


def test_a_share_of_values_lies_below_it() -> None:
    assert [share([3.0, 1.0, 2.0, 4.0], part) for part in (0.0, 0.5, 0.99)] == [1.0, 3.0, 4.0]
