"""Cohorts over HTTP: run one, see it as Circe and SQL, end a run."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import Run
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.cohort import hiding, sql
from onmaru.rooms.cohort.asking import Wanted, wanted
from onmaru.rooms.cohort.kept import RUNS, awaited
from onmaru.rooms.cohort.running import begun, digest, found

SCOPE = "user/*.rs"
FRESH = (("Cache-Control", "no-store"),)


def circe(request: Request, hall: Hall) -> Response:
    """POST circe: the expression, its digest and the SQL; nothing is run."""
    asked = wanted(request.body)
    text = ";\n".join(sql.cohort(asked.circe).statements) + ";\n"
    return answer({"name": asked.name, "circe": asked.circe, "digest": digest(asked.circe), "sql": text})


def run(request: Request, hall: Hall) -> Response:
    """POST run: counts after each rule. `who=1` gives the persons as well, `run` a name by which it can be ended."""
    asked = wanted(request.body)
    given = queried(request, {"who", "run"})
    who = given.get("who") == "1"
    if who and hiding.smallest(hall) > 1:
        raise invalid("forbidden", "persons are not shown to researchers", "who", 403)
    return Response(200, _ran(hall, asked, begun(hall, asked, who=who), given.get("run", "")), headers=FRESH)


async def _ran(hall: Hall, asked: Wanted, run: Run, name: str) -> AsyncIterator[bytes]:
    with RUNS.noted(hall.caller, name or os.urandom(8).hex(), run):
        results = await awaited(run)
    told = hiding.masked(found(asked, results), hiding.smallest(hall))
    if "who" in results.tables:
        told["who"] = results.tables["who"].to_pylist()
    yield msgspec.json.encode(told)


def cancel(request: Request, hall: Hall) -> Response:
    """DELETE run/{run}."""
    RUNS.cancel(hall.caller, request.params["run"])
    return Response(204, b"")


def queried(request: Request, known: set[str]) -> Mapping[str, str]:
    """The query's parameters; 400 for one that is not known."""
    for name, _ in request.query:
        if name not in known:
            raise invalid("value", "is not known here", name)
    return dict(request.query)


def answer(told: Any) -> Response:
    """JSON that nobody keeps."""
    return Response(200, msgspec.json.encode(told), headers=FRESH)


ROUTES = (
    Route("POST", "/circe", SCOPE, circe),
    Route("POST", "/run", SCOPE, run),
    Route("DELETE", "/run/{run}", SCOPE, cancel),
)
