"""GET timeline: everything in a window, counted by kind and time bucket: any zoom of any chart is one small answer."""

from __future__ import annotations

from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.journey import views
from onmaru.rooms.journey.asking import answer, asked, identifier, kinds, milliseconds, rows, time, whole
from onmaru.rooms.journey.chart import Chart, chart
from onmaru.rooms.journey.summary import extent

PIXELS = 14  # one mark is about this wide, so a bucket is
FINEST = 1000  # µs
WIDTHS = (100, 8000)
MOST_SPANS = 200


def timeline(request: Request, hall: Hall) -> Response:
    """`from`, `to` (ms or date; default all), `kinds`, `width` in pixels → `{from, to, bucket, clusters, spans, …}`."""
    found = asked(request, ("from", "to", "kinds", "width"))
    person = chart(hall, identifier(request, "id"))
    overall = extent(hall, person)
    width = whole(found, "width", 1200, WIDTHS)
    begin, end = _everything(overall)
    start, stop = time(found, "from", begin), time(found, "to", end)
    if stop <= start:
        raise invalid("value", "must be later than `from`", "to")
    bucket = max(FINEST, -(-(stop - start) * PIXELS // width))
    start -= start % bucket  # the same grid while panning: a cluster keeps its members
    window = {"start": start, "stop": stop, "bucket": bucket, "kinds": kinds(found)}
    return answer(
        {
            "from": milliseconds(start),
            "to": milliseconds(stop),
            "bucket": bucket / 1000,
            "clusters": clusters(hall, person, window),
            "spans": spans(hall, person, window),
            "extent": overall,
        }
    )


def _everything(overall: dict[str, Any]) -> tuple[int, int]:
    """The whole chart with a margin; a chart without any time shows the day of the epoch."""
    low, high = overall["from"] or 0, overall["to"] or 0
    margin = max((high - low) // 50, 43_200_000)
    return (low - margin) * 1000, (high + margin) * 1000


def clusters(hall: Hall, person: Chart, window: dict[str, Any]) -> list[dict[str, Any]]:
    """Counts by kind and bucket; a lone item comes whole. Merged records fall into the same buckets."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for patient in person.ids:
        for row in rows(hall, views.CLUSTERS, {**window, "patient": patient}):
            held = found.get((row["kind"], row["slot"]))
            found[row["kind"], row["slot"]] = row if held is None else _together(held, row)
    alone = _lone(hall, person, sorted({row["low"] for row in found.values() if row["n"] == 1}))
    return [_cluster(row, alone) for row in found.values()]


def _lone(hall: Hall, person: Chart, lows: list[int]) -> dict[tuple[str, int], dict[str, Any]]:
    """Items by kind and time, for the times of clusters that hold one item."""
    found = {}
    for start in range(0, len(lows), views.INSTANTS):
        chosen = views.instants(lows[start : start + views.INSTANTS])
        for patient in person.ids:
            for row in rows(hall, views.LONE, {**chosen, "patient": patient}):
                found[row["kind"], row["low"]] = row
    return found


def _together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "n": one["n"] + other["n"],
        "low": min(one["low"], other["low"]),
        "last": max(one["last"], other["last"]),
        "flagged": one["flagged"] + other["flagged"],
        "critical": max(one["critical"], other["critical"]),
    }


def _cluster(row: dict[str, Any], alone: dict[tuple[str, int], dict[str, Any]]) -> dict[str, Any]:
    shown = {
        "kind": row["kind"],
        "n": row["n"],
        "low": milliseconds(row["low"]),
        "last": milliseconds(row["last"]),
        "flagged": row["flagged"],
        "critical": row["critical"],
    }
    item = alone.get((row["kind"], row["low"])) if row["n"] == 1 else None
    if item is None:
        return shown
    whole_item = {key: item[key] for key in ("source", "ko", "en", "value", "unit", "flag")}
    return {**shown, **whole_item, "high": milliseconds(item["high"]), "at": item["written"]}


def spans(hall: Hall, person: Chart, window: dict[str, Any]) -> list[dict[str, Any]]:
    """What began before the window and lasts into it, the latest first, at most MOST_SPANS."""
    params = {"start": window["start"], "kinds": window["kinds"], "count": MOST_SPANS}
    found = [row for patient in person.ids for row in rows(hall, views.SPANS, {**params, "patient": patient})]
    found.sort(key=lambda row: -row["low"])
    return [
        {
            "kind": row["kind"],
            "source": row["source"],
            "low": milliseconds(row["low"]),
            "high": milliseconds(row["high"]),
            "at": row["written"],
            "ko": row["ko"],
            "en": row["en"],
        }
        for row in found[:MOST_SPANS]
    ]
