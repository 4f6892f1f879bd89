"""Pure: a replay as SVG: the score as it stood, each measure's readings, and the alerts from when they were raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from onmaru.rooms.monitor.reading import converted, measures

MEASURES = (
    "heart-rate", "respiratory-rate", "oxygen-saturation", "systolic", "diastolic", "mean-pressure", "temperature",
    "consciousness", "oxygen-flow", "oxygen-fraction", "platelets", "bilirubin", "creatinine", "leukocytes", "coma-scale",
    "oxygen-pressure", "carbon-dioxide-pressure",
)  # fmt: skip
DRAWN = MEASURES[:7]
WIDTH, LEFT, LANE, HIGH = 1000, 130, 54, 90
POINTS = 1500
Axis = Callable[[int], float]


def svg(whole: Mapping[str, Any], names: Mapping[str, str], time: Callable[[int], str]) -> str:
    """`names`: by measure, `score`, `alert` and `course`; `time`: µs as text."""
    since, until = whole["from"], whole["to"]

    def x(at: int) -> float:
        share: float = (min(max(at, since), until) - since) / (until - since)
        return LEFT + (WIDTH - LEFT - 10) * share

    lanes = [_score(whole, x, names["score"])]
    lanes += [one for name in DRAWN if (one := _readings(whole, x, (name, names[name])))]
    lanes.append(_alerts(whole, x, names["alert"]))
    top, parts = 0, []
    for tall, lane in lanes:
        parts.append(f'<g transform="translate(0,{top})">{lane}</g>')
        top += tall + 8
    axis = "".join(
        f'<text x="{x(at):.1f}" y="{top + 12}" font-size="10" text-anchor="{anchor}">{escape(time(at))}</text>'
        for at, anchor in ((since, "start"), ((since + until) // 2, "middle"), (until, "end"))
    )
    head = f'<svg viewBox="0 0 {WIDTH} {top + 18}" role="img" aria-label="{escape(names["course"])}">'
    return f"{head}{''.join(parts)}{axis}</svg>"


def _frame(name: str, tall: int, low: str = "", high: str = "") -> str:
    return (
        f'<rect x="{LEFT}" width="{WIDTH - LEFT - 10}" height="{tall}" fill="#fafafa" stroke="#ccc"/>'
        f'<text x="0" y="{tall / 2 + 4}" font-size="12">{escape(name)}</text>'
        f'<text x="{LEFT - 6}" y="10" font-size="9" text-anchor="end">{escape(high)}</text>'
        f'<text x="{LEFT - 6}" y="{tall}" font-size="9" text-anchor="end">{escape(low)}</text>'
    )


def _score(whole: Mapping[str, Any], x: Axis, name: str) -> tuple[int, str]:
    """A band from the least total that is sure to the most that is possible."""
    scores = [one for one in whole["events"] if one["kind"] == "score"]
    ends = [one["at"] for one in scores[1:]] + [whole["to"]]
    found = [_frame(name, HIGH, "0", "20")]
    for one, end in list(zip(scores, ends, strict=True))[:POINTS]:
        top, bottom = HIGH * (1 - one["most"] / 20), HIGH * (1 - one["least"] / 20)
        wide = max(x(end) - x(one["at"]), 0.5)
        found.append(
            f'<rect x="{x(one["at"]):.1f}" y="{top:.1f}" width="{wide:.1f}" height="{bottom - top:.1f}" fill="#dde3ea"/>'
            f'<rect x="{x(one["at"]):.1f}" y="{bottom - 1:.1f}" width="{wide:.1f}" height="2" fill="#8a1020"/>'
        )
    return HIGH, "".join(found)


def _readings(whole: Mapping[str, Any], x: Axis, measure: tuple[str, str]) -> tuple[int, str] | None:
    """What stood at the end, each where it was measured; None where there is nothing."""
    key, name = measure
    standing: dict[str, Sequence[Mapping[str, Any]]] = {}
    for one in whole["events"]:
        if one["kind"] == "reading":
            standing[one["source"]] = one["readings"]
    mine = [
        each for found in standing.values() for each in found if each["measure"] == key and each["at"] >= whole["from"]
    ]
    exact = [(each["at"], converted(each["value"], each["unit"], measures()[key].unit)) for each in mine]
    points = [(at, float(value)) for at, value in exact if value is not None][:POINTS]
    if not points:
        return None
    low, high = min(value for _, value in points), max(value for _, value in points)
    tall = (high - low) or 1
    dots = "".join(
        f'<circle cx="{x(at):.1f}" cy="{LANE - 6 - (LANE - 12) * (value - low) / tall:.1f}" r="1.8" fill="#1b4f72"/>'
        for at, value in points
    )
    return LANE, _frame(name, LANE, f"{low:g}", f"{high:g}") + dots


def _alerts(whole: Mapping[str, Any], x: Axis, name: str) -> tuple[int, str]:
    """From each alert's raising to its outcome, or to the end."""
    closed = {one["id"]: one["at"] for one in whole["events"] if one["kind"] == "step" and one["code"] == "outcome"}
    raised = {one["id"]: one for one in reversed(whole["events"]) if one["kind"] == "alert" and one["what"] != "gone"}
    shown = [one for one in raised.values() if closed.get(one["id"], whole["to"]) >= whole["from"]]
    bars = "".join(
        f'<rect x="{x(one["raised"]):.1f}" y="{6 + 8 * (n % 4)}" height="6" fill="#8a1020" '
        f'width="{max(x(closed.get(one["id"], whole["to"])) - x(one["raised"]), 2):.1f}"/>'
        for n, one in enumerate(sorted(shown, key=lambda one: one["raised"])[:POINTS])
    )
    return 40, _frame(name, 40) + bars
