"""Whom to reach: the patients of a group who did not get as far as they should, for those who treat them."""

from __future__ import annotations

from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.kernel import measures
from onmaru.kernel.lake import Results, Run, Script
from onmaru.kernel.measures import Asked, viewed
from onmaru.kernel.room import Hall
from onmaru.rooms.equity.stratifiers import PEOPLE, REGIONS, statements, stratifiers, tables, view

MOST = 200
LIST, TOTAL = "equity_list", "equity_total"


def permit(hall: Hall) -> None:
    """Refuse, with an audit row, whoever does not treat patients; `Invalid` 403."""
    hall.lake.script(Script("equity-outreach", (), (), (), secondary=False, care=True))


def begun(hall: Hall, asked: Asked, dimension: str, group: str) -> Run:
    """Decide now: who of a group is in the base of the score and did not reach its end, or did where the measure is adverse.

    Who came least far comes first; at most MOST; the dead are left out. Whoever is named is audited.
    """
    regions = REGIONS in hall.lake.published()
    known = stratifiers(hall.settings, regions)
    if dimension not in {one.name for one in known}:
        raise invalid("value", "is no dimension", "dimension")
    made = [
        *measures.statements(hall.lake, asked), *statements(hall.lake, known), viewed(hall.lake, view("contact")),
        *_picked(asked, dimension, group),
    ]  # fmt: skip
    used = tuple(dict.fromkeys([*asked.tables, *tables(), *([REGIONS] if regions else [])]))
    seconds = float(hall.settings.get("seconds", 60))
    return hall.lake.script(Script("equity-outreach", tuple(made), used, (LIST, TOTAL), False, seconds, care=True))


def told(asked: Asked, results: Results) -> dict[str, Any]:
    """`{rows: [{patient, name, born, phone, passed}], total, t, …}`; `passed`: how many steps were reached."""
    shown = ("name", "born", "phone", "passed")
    rows = [
        {"patient": row["_patient"].removeprefix("Patient/"), **{name: row[name] for name in shown}}
        for row in results.tables[LIST].to_pylist()
    ]
    (total,) = results.tables[TOTAL].column("total").to_pylist()
    steps = [one.text for one in asked.measure.steps]
    return {"rows": rows, "total": total, "t": results.t, "measure": asked.id, "version": asked.version, "steps": steps}


def _picked(asked: Asked, dimension: str, group: str) -> list[str]:
    depth, base = len(asked.measure.steps), asked.measure.base
    short = f"= {depth}" if asked.measure.better == "decrease" else f"< {depth}"
    text = group.replace("'", "''")
    who = (
        f"CREATE TABLE equity_short AS SELECT w.patient, w.passed FROM {PEOPLE} w "  # noqa: S608 - quoted
        f"WHERE coalesce(CAST(w.{dimension} AS VARCHAR), '') = '{text}' AND w.passed > {base} AND w.passed {short}"
    )
    named = (
        "coalesce(c.written, nullif(concat_ws(' ', c.family, c.given), ''))"
    )  # fmt: skip
    alive = (
        "FROM equity_short s JOIN equity_contact c ON c.patient = s.patient WHERE c.dead IS NOT TRUE AND c.died IS NULL"
    )
    return [
        who,
        f"CREATE TABLE {TOTAL} AS SELECT count(*) AS total {alive}",
        f"CREATE TABLE {LIST} AS SELECT s.patient AS _patient, {named} AS name, c.born, c.phone, s.passed {alive} "
        f"ORDER BY s.passed, s.patient LIMIT {MOST}",
    ]
