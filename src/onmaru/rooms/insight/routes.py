"""Insight over HTTP: the operations board, and measures with their reports."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from onmaru.fhir.columnar import read
from onmaru.fhir.measure import parse
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.search import parse as parse_search
from onmaru.kernel import measures
from onmaru.kernel.record import pages
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.kernel.views import permit
from onmaru.rooms.insight import counting, reports, shipped
from onmaru.rooms.insight.counting import Count
from onmaru.rooms.insight.operations import board

READING = "user/*.rs"
WRITING = ("user/Measure.cruds", "user/MeasureReport.cruds")
FRESH = (("Cache-Control", "no-store"),)
_YEAR = re.compile(r"(?:19|20)\d\d")


def operations(request: Request, hall: Hall) -> Response:
    """GET operations: `from` and `to`, days. What is under way is of now."""
    given = asked(request, {"from", "to"})
    board.permit(hall)
    begun = board.begun(hall, given.get("from", ""), given.get("to", ""))
    return Response(200, lambda: msgspec.json.encode(begun()), headers=FRESH)


def list_measures(request: Request, hall: Hall) -> Response:
    """GET measures: those that can be counted, those that cannot with the reason, and whether shipped ones are not there."""
    asked(request, set())
    found, there = [], set[str]()
    for page in pages(hall.record, parse_search(("Measure",), [("_count", "100")])):
        for version in page.matches:
            said = read(version.body or b"{}")
            found.append(_listed(version.id, said))
            there |= shipped.names(version.id, said)
    missing = [name for name in shipped.NAMES if name not in there]
    return answer({"measures": sorted(found, key=lambda one: (one["title"], one["id"])), "missing": missing})


def _listed(id: str, said: Mapping[str, Any]) -> dict[str, Any]:
    told = {"id": id, "title": str(said.get("title") or said.get("name") or id), "status": said.get("status")}
    try:
        measure = parse(said)
    except Invalid as error:
        return {**told, "why": [f"{one.expression}: {one.text}" for one in error.issues]}
    return {**told, "why": [], "better": measure.better, "steps": [one.text for one in measure.populations]}


def add(request: Request, hall: Hall) -> Response:
    """POST measures: write the shipped ones that are not there."""
    asked(request, set())
    return answer({"added": shipped.add(hall.record)})


def count(request: Request, hall: Hall) -> Response:
    """GET measures/{id}/count: `year`; nothing is written."""
    begun = counting.begun(hall, _wanted(request, hall))
    return Response(200, lambda: msgspec.json.encode(told(begun())), headers=FRESH)


def report(request: Request, hall: Hall) -> Response:
    """POST measures/{id}/report: `year`. Counts it and writes the MeasureReport."""
    return Response(200, _reported(hall, counting.begun(hall, _wanted(request, hall))), headers=FRESH)


async def _reported(hall: Hall, begun: counting.Begun) -> AsyncIterator[bytes]:
    counted = await asyncio.to_thread(begun)
    written = reports.write(hall.record, counted, time.time_ns() // 1000)
    yield msgspec.json.encode({**told(counted), "report": written})


def list_reports(request: Request, hall: Hall) -> Response:
    """GET reports: the newest first."""
    asked(request, set())
    every = sorted(reports.listed(hall.record), key=lambda one: (one["date"] or "", one["id"]), reverse=True)
    return answer({"reports": every})


def again(request: Request, hall: Hall) -> Response:
    """GET reports/{id}/again: count it once more, at its position and by its version."""
    asked(request, set())
    then = reports.named(hall.record, request.params["id"])
    begun = counting.begun(hall, then.asked, then.t)
    return Response(200, lambda: msgspec.json.encode(then.beside(begun())), headers=FRESH)


def told(count: Count) -> dict[str, Any]:
    """A count as it is shown."""
    asked = count.asked
    populations = [
        {"code": one.code, "text": one.text, "count": number}
        for one, number in zip(asked.measure.populations, count.populations, strict=True)
    ]
    return {
        "measure": asked.id, "version": asked.version, "title": asked.measure.title, "better": asked.measure.better,
        "year": asked.year, "t": count.t, "digest": asked.digest, "score": count.score, "hidden": count.hidden,
        "populations": populations,
    }  # fmt: skip


def _wanted(request: Request, hall: Hall) -> measures.Asked:
    given = asked(request, {"year"})
    permit(hall.lake)
    return measures.asked(hall.record, request.params["id"], year(given.get("year", "")))


def year(text: str) -> int:
    """A whole calendar year."""
    if not _YEAR.fullmatch(text):
        raise invalid("value", "is not a year", "year")
    return int(text)


def asked(request: Request, known: set[str]) -> Mapping[str, str]:
    """The query's parameters; 400 for one that is not known or said twice."""
    names = [name for name, _ in request.query]
    for name in names:
        if name not in known or names.count(name) > 1:
            raise invalid("value", "is not known here, or said twice", name)
    return dict(request.query)


def answer(told: Any) -> Response:
    """JSON that nobody keeps."""
    return Response(200, msgspec.json.encode(told), headers=FRESH)


ROUTES = (
    Route("GET", "/operations", READING, operations),
    Route("GET", "/measures", READING, list_measures),
    Route("POST", "/measures", "user/Measure.cu", add),
    Route("GET", "/measures/{id}/count", READING, count),
    Route("POST", "/measures/{id}/report", "user/MeasureReport.cu", report),
    Route("GET", "/reports", READING, list_reports),
    Route("GET", "/reports/{id}/again", READING, again),
)
