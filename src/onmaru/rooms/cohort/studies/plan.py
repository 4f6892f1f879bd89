"""A study runs its cohorts one after another and then its own script over them; each step is a Run that somebody drives."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from hashlib import sha256
from typing import Any

import msgspec
import pyarrow as pa

from onmaru.kernel.lake import Results, Run, Script
from onmaru.kernel.room import Hall
from onmaru.rooms.cohort import running
from onmaru.rooms.cohort.asking import Wanted
from onmaru.rooms.cohort.studies import (
    asked,
    characterisation,
    incidence,
    pathways,
    progression,
    propensity,
    survival,
)
from onmaru.rooms.cohort.studies.asked import Study

KINDS: Mapping[str, Any] = {
    "characterisation": characterisation,
    "incidence": incidence,
    "survival": survival,
    "pathways": pathways,
    "progression": progression,
    "propensity": propensity,
}
Plan = Generator[Run, Results, dict[str, Any]]


def plan(hall: Hall, told: Study, least: int) -> Plan:
    """Yields each Run and is sent its Results; gives what the study found, with all that is needed to run it again.

    Counts below `least` persons are None.
    """
    wanted = asked.cohorts(told)
    kind = KINDS[told.kind]
    given: dict[str, pa.Table] = {}
    positions = []
    for name, one in wanted.items():
        results = yield running.begun(hall, one)
        given[name] = results.tables["cohort"]
        positions.append(results.t)
    statements, tables, results_of = kind.script(told, _there(hall))
    script = Script(
        f"cohort-{told.kind}", tuple(statements), tuple(sorted(tables)), tuple(results_of),
        seconds=float(hall.settings.get("seconds", 60)),
    )  # fmt: skip
    results = yield hall.lake.script(script, given)
    found: dict[str, Any] = kind.found(told, results.tables, least)
    return {
        "kind": told.kind,
        "t": min([*positions, results.t]),
        "digest": sha256(msgspec.json.encode(told, order="sorted")).hexdigest(),
        "cohorts": [_cohort(name, one, given[name], least) for name, one in wanted.items()],
        "found": found,
        "sql": ";\n".join(script.statements) + ";\n",
        "study": msgspec.to_builtins(told),
    }


def _there(hall: Hall) -> frozenset[str]:
    return frozenset(table.name for table in hall.lake.tables())


def _cohort(name: str, wanted: Wanted, cohort: pa.Table, least: int) -> dict[str, Any]:
    persons = running.persons(cohort)
    shown = persons if persons == 0 or persons >= least else None
    return {"role": name, "name": wanted.name, "persons": shown, "digest": running.digest(wanted.circe)}


def driven(steps: Plan) -> dict[str, Any]:
    """Run every step here."""
    try:
        run = next(steps)
        while True:
            run = steps.send(run())
    except StopIteration as end:
        told: dict[str, Any] = end.value
        return told
