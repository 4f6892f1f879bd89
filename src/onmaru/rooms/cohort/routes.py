"""Cohorts over HTTP: run one, see it as Circe and SQL, end a run."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.caller import Caller
from onmaru.kernel.lake import Run
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.cohort import concepts, hiding, keeping, sql
from onmaru.rooms.cohort.asking import Wanted, wanted
from onmaru.rooms.cohort.kept import RUNS, awaited
from onmaru.rooms.cohort.running import begun, digest, found
from onmaru.rooms.cohort.studies import asked
from onmaru.rooms.cohort.studies.plan import Plan, plan

SCOPE = "user/*.rs"
FRESH = (("Cache-Control", "no-store"),)


def circe(request: Request, hall: Hall) -> Response:
    """POST circe: the expression, its digest and the SQL; nothing is run."""
    said = wanted(request.body)
    text = ";\n".join(sql.cohort(said.circe).statements) + ";\n"
    return answer({"name": said.name, "circe": said.circe, "digest": digest(said.circe), "sql": text})


def run(request: Request, hall: Hall) -> Response:
    """POST run: counts after each rule. `who=1` gives the persons as well, `run` a name by which it can be ended."""
    said = wanted(request.body)
    given = queried(request, {"who", "run"})
    who = given.get("who") == "1"
    if who and hiding.smallest(hall) > 1:
        raise invalid("forbidden", "persons are not shown to researchers", "who", 403)
    return Response(200, _ran(hall, said, begun(hall, said, who=who), given.get("run", "")), headers=FRESH)


async def _ran(hall: Hall, said: Wanted, run: Run, name: str) -> AsyncIterator[bytes]:
    with RUNS.noted(hall.caller, name or os.urandom(8).hex(), run):
        results = await awaited(run)
    told = hiding.masked(found(said, results), hiding.smallest(hall))
    if "who" in results.tables:
        told["who"] = results.tables["who"].to_pylist()
    yield msgspec.json.encode(told)


def listed(request: Request, hall: Hall) -> Response:
    """GET cohorts: those that were kept, by name."""
    queried(request, set())
    least = hiding.smallest(hall)
    every = sorted(keeping.kept(hall.record), key=lambda one: (one["name"], one["id"]))
    return answer({"cohorts": [{**one, "persons": hiding.shown(one["persons"], least)} for one in every]})


def keep(request: Request, hall: Hall) -> Response:
    """POST cohorts: run and keep it, with its persons."""
    said = wanted(request.body)
    queried(request, set())
    if hiding.smallest(hall) > 1:
        raise invalid("forbidden", "persons are not shown to researchers", status=403)
    return Response(200, _kept(hall, said, begun(hall, said, who=True)), headers=FRESH)


async def _kept(hall: Hall, said: Wanted, run: Run) -> AsyncIterator[bytes]:
    with RUNS.noted(hall.caller, os.urandom(8).hex(), run):
        results = await awaited(run)
    patients = [one for one in results.tables["who"].column("_patient").unique().to_pylist() if one]
    yield msgspec.json.encode(keeping.keep(hall.record, said, found(said, results), patients))


def searched(request: Request, hall: Hall) -> Response:
    """GET concepts: `q` is part of a name, a code or a concept's number."""
    said = queried(request, {"q"}).get("q", "").strip()
    if len(said) < 2:
        return answer({"concepts": []})
    look = concepts.found(hall, said)
    return Response(200, lambda: msgspec.json.encode({"concepts": look()}), headers=FRESH)


def study(request: Request, hall: Hall) -> Response:
    """POST study: its cohorts are run, then what it asks is counted. `run` gives it a name by which it can be ended."""
    told = asked.study(request.body)
    given = queried(request, {"run"})
    least = hiding.smallest(hall)
    if told.who and least > 1:
        raise invalid("forbidden", "persons are not shown to researchers", "who", 403)
    return Response(200, _studied(hall.caller, plan(hall, told, least), given.get("run", "")), headers=FRESH)


async def _studied(caller: Caller, steps: Plan, name: str) -> AsyncIterator[bytes]:
    name = name or os.urandom(8).hex()
    try:
        run = next(steps)
        while True:
            with RUNS.noted(caller, name, run):
                results = await awaited(run)
            run = steps.send(results)
    except StopIteration as end:
        told = end.value
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
    Route("POST", "/study", SCOPE, study),
    Route("GET", "/concepts", SCOPE, searched),
    Route("GET", "/cohorts", SCOPE, listed),
    Route("POST", "/cohorts", "user/Group.cu", keep),
    Route("DELETE", "/run/{run}", SCOPE, cancel),
)
