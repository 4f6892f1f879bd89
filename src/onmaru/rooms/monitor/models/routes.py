"""GET and POST models: what is registered, where it stands, and the steps that people take with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import Script
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.monitor.alerts.acting import answer, asked, clinician
from onmaru.rooms.monitor.alerts.listing import queried
from onmaru.rooms.monitor.models.entry import Entry, Limit, Step, step
from onmaru.rooms.monitor.models.registry import registry
from onmaru.rooms.monitor.models.standing import (
    APPROVING,
    FIGURES,
    NEEDED,
    WITHDRAWING,
    Standing,
    figure,
    lacking,
)

READ, ACT = "user/Library.rs", "user/Task.c"
READING = frozenset({"physician", "data-manager", "system"})
REASON, WORDS = 10, 1000


class Limits(msgspec.Struct, forbid_unknown_fields=True):
    """Figures by name with what they have to be."""

    limits: dict[str, Limit]
    reason: str


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """`approve` or `withdraw`; `digest`: of the model as whoever asks has seen it."""

    step: str
    digest: str
    reason: str


def listed(request: Request, hall: Hall) -> Response:
    """`{at, models: [{id, name, version, title, state, missing, ...}]}`, the newest registered first."""
    _reader(hall)
    queried(request, set())
    found = registry(hall)
    return answer({"at": _now(), "models": [_line(one, found.standing[one.id]) for one in found.entries]})


def one(request: Request, hall: Hall) -> Response:
    """One version with its card, its figures, what limits and back-test say, and every step that was taken."""
    _reader(hall)
    found = registry(hall)
    entry = found.one(request.params["id"])
    where = found.standing[entry.id]
    body = {
        "at": _now(),
        **_line(entry, where),
        "card": entry.card,
        "figures": _figures(entry),
        "limits": _limits(where),
        "watch": _watch(where.watch),
        "steps": [_told(taken, where) for taken in found.steps if taken.entry == entry.id],
        "may": {
            "approve": not hall.caller.roles.isdisjoint(APPROVING),
            "withdraw": not hall.caller.roles.isdisjoint(WITHDRAWING),
        },
        "known": {"figures": list(FIGURES), "needed": NEEDED},
    }
    return answer(body)


def limit(request: Request, hall: Hall) -> Response:
    """POST models/ID/limits `{limits, reason}`: written down before a back-test, by a physician or data manager."""
    _reader(hall)
    entry = registry(hall).one(request.params["id"])
    said = asked(request.body, Limits)
    unknown = next((name for name in said.limits if name not in FIGURES), None)
    if unknown is not None:
        raise invalid("value", f"one of {', '.join(FIGURES)}", "limits", 422)
    for name, one in said.limits.items():
        if one.least is not None and one.most is not None and one.least > one.most:
            raise invalid("value", "at least is more than at most", f"limits.{name}", 422)
    if wanting := lacking(said.limits):
        raise invalid("required", f"also {', '.join(wanting)}", "limits", 422)
    return _taken(
        hall, step("limits", entry.id, hall.caller.user, _now(), limits=said.limits, reason=_words(said.reason))
    )


def act(request: Request, hall: Hall) -> Response:
    """POST models/ID/steps `{step, digest, reason}`: `approve` by a physician, `withdraw` by whoever may.

    422 tells what an approval lacks; 409 where the model is another by now.
    """
    _reader(hall)
    said = asked(request.body, Asked)
    if said.step not in STEPS:
        raise invalid("value", f"one of {', '.join(STEPS)}", "step", 422)
    found = registry(hall)
    entry = found.one(request.params["id"])
    if said.digest != entry.digest:
        raise invalid("conflict", "the model is another one by now", status=409)
    return STEPS[said.step](hall, entry, found.standing[entry.id], _words(said.reason))


def _approve(hall: Hall, entry: Entry, where: Standing, reason: str) -> Response:
    _permit(hall, APPROVING)
    if where.state == "active":
        raise invalid("conflict", "this version is active", status=409)
    if where.missing or where.limits is None or where.back_test is None:
        what = [*where.missing, *(f"{name} is {value}" for name, value in where.failed.items())]
        raise invalid("business-rule", f"what is missing: {', '.join(what)}", "step", 422)
    cites = (where.limits.name, where.back_test.name)
    return _taken(
        hall,
        step("approval", entry.id, hall.caller.user, _now(), digest=entry.digest, reason=reason, cites=cites),
    )


def _withdraw(hall: Hall, entry: Entry, where: Standing, reason: str) -> Response:
    _permit(hall, WITHDRAWING)
    return _taken(hall, step("withdrawal", entry.id, hall.caller.user, _now(), digest=entry.digest, reason=reason))


STEPS: Mapping[str, Callable[[Hall, Entry, Standing, str], Response]] = {"approve": _approve, "withdraw": _withdraw}


def _taken(hall: Hall, body: dict[str, Any]) -> Response:
    written = hall.record.write([Change("create", "Task", body=msgspec.json.encode(body))])
    return answer({"step": written[0].version.id, "position": written[0].version.t})


def _line(entry: Entry, where: Standing) -> dict[str, Any]:
    return {
        "id": entry.id, "name": entry.name, "version": entry.version, "title": entry.title, "digest": entry.digest,
        "registered": entry.at, "by": entry.by, "state": where.state, "missing": where.missing, "failed": where.failed,
        "approval": _who(where.approval) if where.state == "active" else None,
        "auroc": figure(entry.figures, "auroc"),
    }  # fmt: skip


def _figures(entry: Entry) -> dict[str, Any]:
    """What training, or recalibration, found: the model beside NEWS2-type points, groups, calibration, units."""
    names = (
        "model",
        "NEWS2-type",
        "calibration slope",
        "calibration intercept",
        "groups",
        "left-out units",
        "before",
        "after",
    )
    return {name: entry.figures[name] for name in names if name in entry.figures}


def _limits(where: Standing) -> list[dict[str, Any]]:
    """Each limit beside what the back-test found."""
    if where.limits is None:
        return []
    figures = where.back_test.figures if where.back_test else {}
    return [
        {
            "figure": name, "least": one.least, "most": one.most, "found": figure(figures, name),
            "met": where.back_test is not None and name not in where.failed,
        }
        for name, one in where.limits.limits.items()
    ]  # fmt: skip


def _watch(found: Step | None) -> dict[str, Any] | None:
    if found is None:
        return None
    told = found.figures
    return {
        "at": found.at, "by": found.by, "said": found.said, "stays": told.get("stays"),
        "inputs": [one for one in told.get("inputs") or [] if one.get("drifted")][:50],
        "outcome": told.get("outcome") or [], "unknown": told.get("unknown") or [],
    }  # fmt: skip


def _told(taken: Step, where: Standing) -> dict[str, Any]:
    counting = (where.limits, where.back_test, where.approval, where.withdrawal, where.watch)
    return {**_who(taken), "kind": taken.kind, "digest": taken.digest, "counts": taken in counting}


def _who(taken: Step | None) -> dict[str, Any]:
    return {} if taken is None else {"at": taken.at, "by": taken.by, "said": taken.said}


def _reader(hall: Hall) -> None:
    _permit(hall, READING)


def _permit(hall: Hall, roles: frozenset[str]) -> None:
    """Refuse, with an audit row, whoever holds none of these roles; `Invalid` 403."""
    if hall.caller.roles.isdisjoint(roles):
        # Whoever passes one of the two still holds none of the roles
        hall.lake.script(Script("monitor-models", (), (), (), rowwise=True))
        clinician(hall)
        raise invalid("forbidden", "not permitted: role", status=403)


def _words(text: str) -> str:
    found = " ".join(text.split())
    if not REASON <= len(found) <= WORDS or not found.isprintable():
        raise invalid("value", f"{REASON} to {WORDS} characters", "reason", 422)
    return found


def _now() -> int:
    return time.time_ns() // 1000


ROUTES = (
    Route("GET", "/models", READ, listed),
    Route("GET", "/models/{id}", READ, one),
    Route("POST", "/models/{id}/limits", ACT, limit),
    Route("POST", "/models/{id}/steps", ACT, act),
)
