"""GET patients and wards: found by name, initial consonants, number and ward, with a warning beside namesakes."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.journey import names, views
from onmaru.rooms.journey.asking import answer, asked, contains, rows, whole
from onmaru.rooms.journey.chart import namesakes, person, place, stays

LONGEST_QUERY = 100


def patients(request: Request, hall: Hall) -> Response:
    """One page: `{items, cursor, total}`. 400 for a parameter that is unknown or cannot be read."""
    found = asked(request, ("q", "ward", "cursor", "count"))
    text = found.get("q", "").strip()
    if len(text) > LONGEST_QUERY:
        raise invalid("too-long", f"at most {LONGEST_QUERY} characters", "q")
    name, after = _read_cursor(found.get("cursor", ""))
    count = whole(found, "count", views.PAGE, (1, views.PAGE))
    search: dict[str, Any] = {
        "find": names.pattern(text) if text else "",
        "number": "%|" + contains(names.fold(text))[1:] if text else "",
        "name": name,
        "after": after,
        "count": count + 1,
    }
    ward = found.get("ward", "")
    page, total = (views.ON_WARD, views.ON_WARD_TOTAL) if ward else (views.PATIENTS, views.PATIENTS_TOTAL)
    if ward:
        search["ward"] = ward
    shown = rows(hall, page, search)
    more, shown = len(shown) > count, shown[:count]
    only = {key: value for key, value in search.items() if key in ("find", "number", "ward")}
    total_count = rows(hall, total, only)[0]["total"]
    cursor = _write_cursor(shown[-1]) if more else ""
    return answer({"items": _dressed(hall, shown), "cursor": cursor, "total": total_count})


def _dressed(hall: Hall, shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with where each patient lies, namesakes and the survivor of a merge."""
    if not shown:
        return []
    ids = [row["patient"] for row in shown]
    here, alike = stays(hall, ids), namesakes(hall, ids)
    return [_item(row, here.get(row["patient"]), alike.get(row["patient"], [])) for row in shown]


def _item(row: dict[str, Any], stay: dict[str, Any] | None, alike: list[dict[str, str]]) -> dict[str, Any]:
    return {
        **person(row),
        "ward": stay["ward_name"] if stay else "",
        "bed": place(stay) if stay else "",
        "encounter": stay["source"] if stay else "",
        "namesake": bool(alike),
        "namesakes": alike,
        "deceased": bool(row["deceased"]),
        "mergedInto": row["survivor"] or "",
    }


def wards(request: Request, hall: Hall) -> Response:
    """Wards with somebody on them: `{wards: [{id, name, patients}]}`."""
    asked(request, ())
    return answer({"wards": rows(hall, views.WARDS, {})})


def _write_cursor(row: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([row["name_key"], row["patient"]])).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[str, str]:
    if not cursor:
        return "", ""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=tuple[str, str])
    except ValueError as error:
        raise invalid("value", "not a cursor of this list", "cursor") from error
