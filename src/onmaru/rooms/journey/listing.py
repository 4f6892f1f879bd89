"""GET items and series: every item of a chart page by page, newest first, unknown times last; and one code's values."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.journey import views
from onmaru.rooms.journey.asking import (
    EVER,
    answer,
    asked,
    contains,
    identifier,
    kinds,
    milliseconds,
    rows,
    time,
    whole,
)
from onmaru.rooms.journey.chart import Chart, chart

MOST = 200
LONGEST_SERIES = 2000
_START = (EVER, "", False)


class Cursor(NamedTuple):
    """The last item shown: its time, its source, and whether the undated ones have begun."""

    low: int
    source: str
    undated: bool


def items(request: Request, hall: Hall) -> Response:
    """`{items, cursor, total}`; undated items follow the last dated one when neither `from` nor `to` is given."""
    names = ("from", "to", "kinds", "q", "flagged", "encounter", "cursor", "count")
    found = asked(request, names)
    person = chart(hall, identifier(request, "id"))
    count = whole(found, "count", 100, (1, MOST))
    window = {
        "start": time(found, "from", -EVER),
        "stop": time(found, "to", EVER),
        "kinds": kinds(found),
        "flagged": whole(found, "flagged", 0, (0, 1)),
        "encounter": found.get("encounter", ""),
        "text": contains(found.get("q", "").strip()),
    }
    cursor = _read(found.get("cursor", ""))
    open_ended = not {"from", "to"} & set(found)
    shown = page(hall, person, window, cursor, count + 1, open_ended=open_ended)
    more, shown = len(shown) > count, shown[:count]
    body: dict[str, Any] = {"items": [line(row) for row in shown], "cursor": _write(shown[-1]) if more else ""}
    if "cursor" not in found:
        body["total"] = sum(total(hall, patient, window, open_ended=open_ended) for patient in person.ids)
    return answer(body)


def page(
    hall: Hall, person: Chart, window: dict[str, Any], cursor: Cursor, count: int, *, open_ended: bool
) -> list[dict[str, Any]]:
    """Up to `count` rows after the cursor, merged over the records of one person."""
    found: list[dict[str, Any]] = []
    if not cursor.undated:
        for patient in person.ids:
            place = {"patient": patient, "low": cursor.low, "source": cursor.source, "count": count}
            found += rows(hall, views.ITEMS, {**window, **place})
        found.sort(key=lambda row: (-row["low"], row["source"]))
    if len(found) < count and open_ended:
        after = cursor.source if cursor.undated else ""
        found += _undated(hall, person, window, after, count - len(found))
    return found[:count]


def _undated(hall: Hall, person: Chart, window: dict[str, Any], after: str, count: int) -> list[dict[str, Any]]:
    wanted = {**window, "source": after, "count": count}
    found = [
        row
        for patient in person.ids
        for row in rows(hall, views.UNDATED, {**_undated_only(wanted), "patient": patient})
    ]
    return sorted(found, key=lambda row: str(row["source"]))


def _undated_only(window: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in window.items() if key not in ("start", "stop")}


def total(hall: Hall, patient: str, window: dict[str, Any], *, open_ended: bool) -> int:
    """How many items of one record the filter has."""
    counted = rows(hall, views.ITEMS_TOTAL, {**window, "patient": patient, "undated": 1 if open_ended else 0})
    return int(counted[0]["total"])


def line(row: dict[str, Any]) -> dict[str, Any]:
    """One item as the list, the print and the drawer show it."""
    thing = row["about_thing"] or ""
    return {
        "source": row["source"],
        "version": row["version"],
        "kind": row["kind"],
        "low": milliseconds(row["low"]),
        "high": milliseconds(row["high"]),
        "at": row["written"],
        "code": row["code"],
        "ko": row["ko"] or thing,
        "en": row["en"] or thing,
        "value": row["value"],
        "unit": row["unit"],
        "flag": row["flag"],
        "status": row["status"],
        "detail": row["detail"],
        "encounter": row["encounter"],
        "actor": row["actor_name"] or row["actor_thing"] or "",
    }


def series(request: Request, hall: Hall) -> Response:
    """`code` (`system|code`) → its newest numeric values, newest first: `{items: […]}`."""
    found = asked(request, ("code", "count"))
    if not found.get("code"):
        raise invalid("required", "is missing", "code")
    person = chart(hall, identifier(request, "id"))
    count = whole(found, "count", 500, (1, LONGEST_SERIES))
    params = {"code": found["code"], "count": count}
    values = [row for patient in person.ids for row in rows(hall, views.SERIES, {**params, "patient": patient})]
    values.sort(key=lambda row: -row["low"])
    return answer({"items": [_value(row) for row in values[:count]]})


def _value(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": row["source"],
        "time": milliseconds(row["low"]),
        "at": row["written"],
        "ko": row["ko"],
        "en": row["en"],
        "number": row["number"],
        "value": row["value"],
        "unit": row["unit"],
        "flag": row["flag"],
        "rangeLow": row["range_low"],
        "rangeHigh": row["range_high"],
    }


def _write(row: dict[str, Any]) -> str:
    low = row["low"]
    parts = [EVER if low is None else low, row["source"], low is None]
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def _read(text: str) -> Cursor:
    if not text:
        return Cursor(*_START)
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return Cursor(*msgspec.json.decode(raw, type=tuple[int, str, bool]))
    except ValueError as error:
        raise invalid("value", "not a cursor of this list", "cursor") from error
