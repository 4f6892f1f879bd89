"""GET budget: what a ward's alerts cost and were worth. What nobody has judged yet is counted as such."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts import ladder
from onmaru.rooms.monitor.alerts.acting import answer, staff
from onmaru.rooms.monitor.alerts.alert import UNREACHED, Alert, read
from onmaru.rooms.monitor.alerts.listing import queried

DAY = 24 * 3600 * 1_000_000
MOST = 50_000
# Rules of care at home: no bed of a ward's
HOME = "home-"
# What tells that a patient was as ill as the alert said
GRAVE = ("called-rapid-response", "moved")


def budget(request: Request, hall: Hall) -> Response:
    """`{days, beds, alerts, perBedDay, ppv, …}` of `ward` ("" every one) over `days` (1 to 31, 7)."""
    staff(hall)
    given = queried(request, {"ward", "days"})
    days = given.get("days", "7")
    if not days.isascii() or not days.isdigit() or not 1 <= int(days) <= 31:
        raise invalid("value", "days, 1 to 31", "days")
    now, ward = time.time_ns() // 1000, given.get("ward", "")
    rows = hall.lake.query(views.ALERTS, {"ward": ward, "after": now - int(days) * DAY, "most": MOST}).table.to_pylist()
    alerts = [alert for row in rows if (alert := read(msgspec.json.decode(row["task"])))]
    since = now - int(days) * DAY
    here = hall.lake.query(views.PLACES, {"one": "", "ward": ward}).table.to_pylist()
    beds = len({row["patient"] for row in here})
    return answer(
        {"at": now, "ward": ward, **told([one for one in alerts if one.raised > since], int(days), beds, now)}
    )


def told(alerts: Sequence[Alert], days: int, beds: int, now: int) -> dict[str, Any]:
    """The figures. `beds` are those taken now; `ppv`: acted over acted and not needed; None where nothing divides.

    `leadMinutes`: from raising to the first call of the rapid-response team or move, median of the alerts that had one.
    """
    own = [one for one in alerts if one.rule != UNREACHED and not one.rule.startswith(HOME)]
    outcomes = [one.outcome.text.partition(" ")[0] for one in own if one.outcome]
    acted, idle = outcomes.count("acted"), outcomes.count("not-needed")
    due = [one for one in own if ladder.in_time(one) <= now or _heard(one) is not None]
    leads = [lead for one in own if (lead := _lead(one)) is not None]
    return {
        "days": days,
        "beds": beds,
        "alerts": len(own),
        "perBedDay": _share(len(own), beds * days),
        "acted": acted,
        "notNeeded": idle,
        "missed": outcomes.count("missed"),
        "waiting": len(own) - len(outcomes),
        "ppv": _share(acted, acted + idle),
        "inTime": _share(sum((_heard(one) or now) <= ladder.in_time(one) for one in due), len(due)),
        "unreached": sum(one.rule == UNREACHED for one in alerts),
        "leadMinutes": round(median(leads) / 60_000_000, 1) if leads else None,
    }


def _heard(alert: Alert) -> int | None:
    """When somebody first took it."""
    times = [step.at for step in alert.steps if step.code in ("acknowledge", "act", "outcome")]
    return min(times) if times else None


def _lead(alert: Alert) -> int | None:
    return next((one.at - alert.raised for one in alert.steps if one.code == "act" and one.text in GRAVE), None)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
