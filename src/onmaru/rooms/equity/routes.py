"""Equity over HTTP: the measures that can be asked, a board, and the list of whom to reach."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
from onmaru.rooms.equity import board as boards
from onmaru.rooms.equity import outreach as reaching

SCOPE = "user/*.rs"
FRESH = (("Cache-Control", "no-store"),)
_YEAR = re.compile(r"(?:19|20)\d\d")


def list_measures(request: Request, hall: Hall) -> Response:
    """GET measures: `{measures: [{id, title, better}]}` that are active and can be counted."""
    asked(request, set())
    found = []
    for page in pages(hall.record, parse_search(("Measure",), [("status", "active"), ("_count", "100")])):
        for version in page.matches:
            try:
                measure = parse(read(version.body or b"{}"))
            except Invalid:
                continue
            found.append({"id": version.id, "title": measure.title, "better": measure.better})
    return answer({"measures": sorted(found, key=lambda one: (one["title"], one["id"]))})


def board(request: Request, hall: Hall) -> Response:
    """GET board: `measure`, `year`. One measure by all dimensions."""
    given = asked(request, {"measure", "year"})
    permit(hall.lake)
    begun = boards.begun(hall, measures.asked(hall.record, _needed(given, "measure"), year(given)))
    return Response(200, lambda: msgspec.json.encode(begun()), headers=FRESH)


def outreach(request: Request, hall: Hall) -> Response:
    """GET outreach: `measure`, `year`, `dimension`, `group` ("" is who has no value). For who treats patients."""
    given = asked(request, {"measure", "year", "dimension", "group"})
    reaching.permit(hall)
    wanted = measures.asked(hall.record, _needed(given, "measure"), year(given))
    run = reaching.begun(hall, wanted, _needed(given, "dimension"), given.get("group", ""))
    return Response(200, lambda: msgspec.json.encode(reaching.told(wanted, run())), headers=FRESH)


def asked(request: Request, known: set[str]) -> Mapping[str, str]:
    """The query's parameters; 400 for one that is not known or said twice."""
    names = [name for name, _ in request.query]
    for name in names:
        if name not in known or names.count(name) > 1:
            raise invalid("value", "is not known here, or said twice", name)
    return dict(request.query)


def year(given: Mapping[str, str]) -> int:
    """A whole calendar year: periods that overlap could be taken from one another."""
    if not _YEAR.fullmatch(_needed(given, "year")):
        raise invalid("value", "is not a year", "year")
    return int(given["year"])


def _needed(given: Mapping[str, str], name: str) -> str:
    if not given.get(name):
        raise invalid("required", "is missing", name)
    return given[name]


def answer(told: Any) -> Response:
    """JSON that nobody keeps."""
    return Response(200, msgspec.json.encode(told), headers=FRESH)


ROUTES = (
    Route("GET", "/measures", SCOPE, list_measures),
    Route("GET", "/board", SCOPE, board),
    Route("GET", "/outreach", SCOPE, outreach),
)
