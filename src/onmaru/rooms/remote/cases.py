"""A plan with everything that is known of it now: what came, who was called, what asks for somebody, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from onmaru.kernel.room import Hall
from onmaru.rooms.remote import attention, plan, views
from onmaru.rooms.remote.attention import Attention
from onmaru.rooms.remote.moments import DAY
from onmaru.rooms.remote.plan import Activity, Limits, Plan
from onmaru.rooms.remote.states import Contact, Standing, standing
from onmaru.rooms.remote.values import converted

# How far back adherence is counted and readings are looked at
WINDOW = 28 * DAY
Row = Mapping[str, Any]


class Case(msgspec.Struct, frozen=True):
    """`person`: the row of the plan. `readings`: what came by key, oldest first, each with `crossed` and `matter`."""

    plan: Plan
    person: Row
    standing: Standing
    readings: Mapping[str, Sequence[dict[str, Any]]]
    contacts: Sequence[Row]
    attention: Sequence[Attention]

    @property
    def open(self) -> Sequence[Attention]:
        return [one for one in self.attention if one.closed is None]

    @property
    def unusable(self) -> Sequence[Row]:
        """What came and cannot be used, of what the plan asks."""
        return [one for mine in self.readings.values() for one in mine if one["matter"]]


def cases(hall: Hall, now: int, *, one: str = "", plan_id: str = "", over: bool = False) -> Iterator[Case]:
    """Every plan that the caller may see; of one patient, by its id, or all. `over`: those that ended as well."""
    rows = hall.lake.query(views.PLANS, {"plan": plan_id, "one": one, "over": int(over)}).table.to_pylist()
    if not rows:
        return
    whose = one or (str(rows[0]["patient"]) if plan_id else "")
    since = now - WINDOW
    # One more period than is told, so that the first is whole
    got = _by_patient(hall, views.GOT, {"one": whose, "after": since - 7 * DAY})
    contacts = _by_patient(hall, views.CONTACTS, {"one": whose, "after": since - 366 * DAY})
    # A Task is in no patient's compartment: what staff say of a case is not read by the patient here either
    own = bool(hall.caller.patient)
    asks = {} if own else _by_patient(hall, views.ATTENTION, {"one": whose, "after": since - 7 * DAY})
    for row in rows:
        found = plan.read(msgspec.json.decode(row["body"]))
        if found is not None:
            patient = str(row["patient"])
            known = (got.get(patient, ()), contacts.get(patient, ()), asks.get(patient, ()))
            yield case(found, row, known, (since, now))


def case(
    found: Plan, row: Row, known: tuple[Sequence[Row], Sequence[Row], Sequence[Row]], span: tuple[int, int]
) -> Case:
    """Pure: one plan with the rows of its patient. `span`: since when periods are told, and now (µs)."""
    got, contacts, asks = known
    mine = [one for one in contacts if one["plan"] == found.id]
    readings = _readings(found, got)
    keys = {one.key for one in found.activities}
    times = {key: [one["at"] for one in some if not one["matter"]] for key, some in readings.items() if key in keys}
    calls = [Contact(one["at"], None if one["answered"] is None else bool(one["answered"])) for one in mine]
    bodies = (attention.read(msgspec.json.decode(one["body"])) for one in asks if one["plan"] == found.id)
    stands = standing(found, times, calls, *span)
    return Case(found, row, stands, readings, mine, [one for one in bodies if one is not None])


def _by_patient(hall: Hall, view: Any, params: Mapping[str, Any]) -> Mapping[str, Sequence[Row]]:
    found: dict[str, list[Row]] = {}
    for row in hall.lake.query(view, params).table.to_pylist():
        found.setdefault(row["patient"], []).append(row)
    return found


def _readings(found: Plan, got: Sequence[Row]) -> Mapping[str, Sequence[dict[str, Any]]]:
    """What came of each thing that the plan asks, within its time."""
    wanted: dict[str, tuple[Activity, Limits | None]] = {}
    for activity in found.activities:
        wanted[activity.key] = (activity, activity.limits.get(activity.key))
        wanted |= {key: (activity, limits) for key, limits in activity.limits.items()}
    readings: dict[str, list[dict[str, Any]]] = {key: [] for key in wanted}
    for row in got:
        if row["key"] in wanted and found.start <= row["at"] and (found.end is None or row["at"] < found.end):
            readings[row["key"]].append(judged(row, wanted[row["key"]][1]))
    return readings


def judged(row: Row, limits: Limits | None) -> dict[str, Any]:
    """A row with `crossed`: "", low or high; a value that cannot be held against its limits has the matter `unit`."""
    exact: Fraction | None = None
    matter = row["matter"]
    if limits is not None and not matter:
        exact = converted(row["value"], row["unit"], limits.unit)
        matter = "unit" if exact is None else ""
    crossed = limits.crossed(exact) if limits is not None and exact is not None else ""
    names = ("source", "at", "known", "value", "unit", "device")
    return {**{name: row[name] for name in names}, "matter": matter, "crossed": crossed}
