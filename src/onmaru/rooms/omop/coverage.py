"""The coverage report: how much of what came in has a standard concept, what has none, and that nothing is uncounted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.omop.asking import loaded, report

MOST = 100
LISTED = 10_000


def coverage(hall: Hall, most: int = MOST) -> Callable[[], dict[str, Any]]:
    """Permitted and audited now; calling what is returned computes, in any thread, `tables` by table and code system,
    `unmapped` codes by frequency, `balance` by resource type, `total` and `loaded`.

    In each line of `balance`, and in `total`: rows = mapped + unmapped + the sum of `dropped`, to the last row.
    """
    known = sorted(loaded(hall))
    balanced, tables = report(hall, "balance"), report(hall, "coverage")
    unmapped = report(hall, "unmapped", {"most": most})

    def computed() -> dict[str, Any]:
        balance = _balance(balanced())
        return {
            "loaded": known,
            "tables": tables(),
            "unmapped": unmapped(),
            "balance": balance,
            "total": _total(balance),
        }

    return computed


def _balance(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line a resource type. `resources` counts resources, `rows` also the components that have rows of their own."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        empty = {"type": row["type"], "resources": 0, "rows": 0, "mapped": 0, "unmapped": 0, "dropped": {}}
        line = found.setdefault(row["type"], empty)
        line["resources"] += row["resources"]
        line["rows"] += row["rows"]
        if row["outcome"] in ("mapped", "unmapped"):
            line[row["outcome"]] += row["rows"]
        else:
            line["dropped"][row["outcome"]] = row["rows"]
    return list(found.values())


def _total(balance: list[dict[str, Any]]) -> dict[str, int]:
    total = {name: sum(line[name] for line in balance) for name in ("resources", "rows", "mapped", "unmapped")}
    return {**total, "dropped": sum(sum(line["dropped"].values()) for line in balance)}


def page(request: Request, hall: Hall) -> Response:
    """GET coverage: `most` unmapped codes, 100 unless told, at most 10,000."""
    most = MOST
    for name, text in request.query:
        if name != "most" or not (text.isascii() and text.isdigit() and len(text) < 6):
            raise invalid("value", "only `most` is known here, a whole number", name)
        most = min(int(text), LISTED)
    computed = coverage(hall, most)
    return Response(200, lambda: msgspec.json.encode(computed()), headers=(("Cache-Control", "no-store"),))
