"""GET plans: everybody who is cared for at home, whoever needs somebody first; and one plan with all that came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.remote.adherence import counted
from onmaru.rooms.remote.cases import Case, cases
from onmaru.rooms.remote.plan import Activity, Limits
from onmaru.rooms.remote.states import ORDER

SHOWN = ("name", "birth", "sex", "number")


def plans(request: Request, hall: Hall) -> Response:
    """`{at, plans}`; `over=1`: those that have ended as well."""
    given = queried(request, {"over"})
    if given.get("over", "0") not in ("0", "1"):
        raise invalid("value", "0 or 1", "over")
    now = time.time_ns() // 1000
    found = [line(one) for one in cases(hall, now, over=given.get("over") == "1")]
    found.sort(key=lambda one: (not one["attention"], ORDER.index(one["state"]), one["quiet"], one["id"]))
    return answer({"at": now, "plans": found})


def one(request: Request, hall: Hall) -> Response:
    """`{at, plan, activities, contacts, attention}`; 404 for an unknown plan."""
    queried(request, set())
    now = time.time_ns() // 1000
    found = next(cases(hall, now, plan_id=request.params["id"], over=True), None)
    if found is None:
        raise invalid("not-found", "no such plan", status=404)
    names = ("at", "how", "by", "note")
    contacts = [
        {**{name: row[name] for name in names}, "answered": _answered(row["answered"])} for row in found.contacts
    ]
    return answer(
        {
            "at": now,
            "plan": line(found),
            "activities": [activity(found, one) for one in found.plan.activities],
            "contacts": contacts,
            "attention": msgspec.to_builtins(found.attention),
        }
    )


def _answered(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def line(found: Case) -> dict[str, Any]:
    """One plan in the list. `adherence`: a share, None while nothing was due."""
    plan, stands = found.plan, found.standing
    done = [counted(mine) for mine in stands.cells.values()]
    came, due = sum(one for one, _ in done), sum(one for _, one in done)
    return {
        "id": plan.id,
        "patient": plan.patient,
        **{name: found.person[name] or "" for name in SHOWN},
        "title": plan.title,
        "status": plan.status,
        "state": stands.state,
        "faults": plan.faults,
        "start": plan.start,
        "end": plan.end,
        "silence": plan.silence,
        "attempts": plan.attempts,
        "author": plan.author,
        "last": stands.last,
        "quiet": stands.quiet,
        "failed": stands.failed,
        "reached": stands.reached,
        "came": came,
        "due": due,
        "adherence": round(came / due, 3) if due else None,
        "unusable": len(found.unusable),
        "attention": msgspec.to_builtins(found.open),
    }


def activity(found: Case, one: Activity) -> dict[str, Any]:
    """What is due, each period's cell, and what came of it."""
    came, due = counted(found.standing.cells[one.key])
    keys = dict.fromkeys((one.key, *one.limits))
    return {
        "kind": one.kind,
        "key": one.key,
        "text": one.text,
        "frequency": one.frequency,
        "every": one.every,
        "cells": msgspec.to_builtins(found.standing.cells[one.key]),
        "came": came,
        "due": due,
        "series": [
            {"key": key, "limits": _limits(one.limits.get(key)), "readings": found.readings[key]} for key in keys
        ],
    }


def _limits(one: Limits | None) -> Mapping[str, Any] | None:
    if one is None:
        return None
    ends = {name: None if value is None else float(value) for name, value in (("low", one.low), ("high", one.high))}
    return {**ends, "unit": one.unit}


def queried(request: Request, names: set[str]) -> dict[str, str]:
    """The query's parameters, each known and given once."""
    found: dict[str, str] = {}
    for name, text in request.query:
        if name not in names or name in found:
            raise invalid("value", "given twice" if name in found else "unknown parameter", name)
        found[name] = text
    return found


def answer(body: Any) -> Response:
    return Response(200, msgspec.json.encode(body), headers=(("Cache-Control", "no-store"),))
