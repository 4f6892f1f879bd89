"""What the pages ask: a run, the last one by the thresholds of now, one check's trend, the rows behind it, a threshold."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.quality import doing, kept, owning
from onmaru.rooms.quality.commands import SCOPE, now
from onmaru.rooms.quality.listing import by_id, checks, named
from onmaru.rooms.quality.running import Running
from onmaru.rooms.quality.tracing import Row, Tracing
from onmaru.rooms.quality.verdicts import judged, totals

SHOWN = 100
FRESH = (("Cache-Control", "no-store"),)
_KEEPING = "user/Task.cu"
_lock = threading.Lock()
_under_way: set[str] = set()


def last(request: Request, hall: Hall) -> Response:
    """`{t, at, totals, checks: [...]}` of the last run; `outcome=failed` shows these alone. `at` is µs since 1970 UTC."""
    asked = dict(request.query)
    if set(asked) - {"outcome"} or asked.get("outcome", "failed") not in ("failed", "passed", "not-applicable"):
        raise invalid("value", "unknown parameter or outcome", next(iter(asked)))
    found, t, at = kept.last(hall)
    verdicts = judged(by_id(), found, kept.thresholds(hall))
    shown = [doing.line(one) for one in verdicts if asked.get("outcome", one.outcome) == one.outcome]
    return _answer({"t": t, "at": at, "totals": totals(verdicts), "checks": shown})


def one(request: Request, hall: Hall) -> Response:
    """`{check, verdict, threshold, task, trend: [{at, t, violated, total}]}`; 404 for an unknown check."""
    check = named(request.params["check"])
    own = kept.thresholds(hall)
    verdicts = judged(by_id(), [one for one in kept.last(hall)[0] if one.id == check.id], own)
    verdict = doing.line(verdicts[0]) if verdicts else None
    task = owning.states(hall.record).get(check.id)
    found = {"check": check, "verdict": verdict, "threshold": own.get(check.id), "task": task}
    return _answer({**found, "trend": kept.trend(hall, check.id)})


def rows(request: Request, hall: Hall) -> Response:
    """`{rows: [{source, version, t, patient, value, message, control, kind, sender, sent}]}`: at most a hundred."""
    tracing = Tracing(hall, named(request.params["check"]))
    return Response(200, _driven(tracing, tracing.traced(SHOWN), "rows"), headers=FRESH)


def senders(request: Request, hall: Hall) -> Response:
    """`{senders: [{sender, day, violated, total}]}`."""
    tracing = Tracing(hall, named(request.params["check"]))
    return Response(200, _driven(tracing, tracing.by_sender(), "senders"), headers=FRESH)


async def _driven(tracing: Tracing, steps: Iterator[Callable[[], Any]], name: str) -> AsyncIterator[bytes]:
    for step in steps:
        tracing.took(await asyncio.to_thread(step))
    found: list[Row] = tracing.rows
    yield msgspec.json.encode({name: found})


def run(request: Request, hall: Hall) -> Response:
    """POST: a whole run, kept; `{t, checks, opened, closed}`. 409 while another one of the tenant is under way here."""
    return Response(200, _ran(hall), headers=FRESH)


async def _ran(hall: Hall) -> AsyncIterator[bytes]:
    with _alone(hall.caller.tenant):
        running = Running(hall, checks())
        for step in running.steps():
            running.took(await asyncio.to_thread(step))
        done = doing.close(hall, running.ran, now())
    yield msgspec.json.encode({"t": running.ran.t, "checks": len(checks()), **done})


@contextmanager
def _alone(tenant: str) -> Iterator[None]:
    with _lock:
        if tenant in _under_way:
            raise invalid("conflict", "a run is under way", status=409)
        _under_way.add(tenant)
    try:
        yield
    finally:
        _under_way.discard(tenant)


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    percent: float
    reason: str
    owner: str = ""


def threshold(request: Request, hall: Hall) -> Response:
    """PUT `{percent, owner, reason}`: the site's own threshold of a check."""
    check = named(request.params["check"])
    try:
        wanted = msgspec.json.decode(request.body, type=_Wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("structure", "is not {percent, owner, reason}") from None
    return _answer(doing.set_threshold(hall, check.id, wanted.percent, wanted.owner, wanted.reason, now()))


def _answer(body: Any) -> Response:
    return Response(200, msgspec.json.encode(body), headers=FRESH)


ROUTES = (
    Route("GET", "/last", SCOPE, last),
    Route("POST", "/run", _KEEPING, run),
    Route("GET", "/checks/{check}", SCOPE, one),
    Route("GET", "/checks/{check}/rows", SCOPE, rows),
    Route("GET", "/checks/{check}/senders", SCOPE, senders),
    Route("PUT", "/checks/{check}/threshold", _KEEPING, threshold),
)
