"""A failing check is somebody's work: one FHIR Task a check, opened when it fails, closed with its figure when it passes.

Its one law: the Task's id is made of the check's, so that whoever settles, and however often, there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change, Record, pages
from onmaru.kernel.room import Hall
from onmaru.rooms.quality.verdicts import Verdict

SYSTEM, CODE, USER = "urn:onmaru:quality", "data-quality", "urn:onmaru:user"
TASK = "urn:onmaru:task"
OPEN, CLOSED = "requested", "completed"
# Changes of one transaction; how often it is tried anew when another run settles at the same time
MOST, TRIES = 200, 3
Json = dict[str, Any]


def settle(hall: Hall, verdicts: Sequence[Verdict], at: int) -> dict[str, int]:
    """Open and close the Tasks of these checks; `{"opened", "closed"}`. `at`: when they were judged, µs since 1970 UTC.

    A Task that stays open is written again only for another owner. What does not apply keeps the Task that it has.
    """
    for left in reversed(range(TRIES)):
        there = {_check(body): (version, body) for version, body in _every(hall.record)}
        changes = [change for one in verdicts if (change := _change(hall, one, there.get(one.check.id), at))]
        try:
            for begin in range(0, len(changes), MOST):
                hall.record.write([change for change, _ in changes[begin : begin + MOST]])
        except Invalid as refused:
            if refused.status not in (409, 412, 422) or not left:
                raise
            continue
        done = [status for _, status in changes]
        return {"opened": done.count(OPEN), "closed": done.count(CLOSED)}
    raise AssertionError("the last try gives an answer or raises")


def states(record: Record) -> Mapping[str, Mapping[str, str]]:
    """Every check that has a Task: `{id, status}`."""
    return {_check(body): {"id": version.id, "status": body["status"]} for version, body in _every(record)}


def _every(record: Record) -> Iterator[tuple[Version, Json]]:
    query = search.parse(("Task",), [("code", f"{TASK}|{CODE}"), ("_count", "200"), ("_total", "none")])
    for page in pages(record, query):
        for version in page.matches:
            yield version, msgspec.json.decode(version.body or b"{}")


def _check(body: Json) -> str:
    return next((str(one.get("value", "")) for one in body.get("identifier", ()) if one.get("system") == SYSTEM), "")


def _change(hall: Hall, one: Verdict, there: tuple[Version, Json] | None, at: int) -> tuple[Change, str] | None:
    """What has to be written of a check, and whether that opens it, closes it or neither ("")."""
    owner = one.owner or str(hall.settings.get("owner", ""))
    standing = there is not None and there[1]["status"] == OPEN
    if one.outcome == "not-applicable" or (one.outcome == "passed" and not standing):
        return None
    status = OPEN if one.outcome == "failed" else CLOSED
    if standing and status == OPEN and there and _owner(there[1]) == owner:
        return None
    body = _body(one, owner, status, (there[1] if there else {}, at))
    raw = msgspec.json.encode(body)
    if there is None:
        return Change("update", "Task", body["id"], raw, absent=True), status
    return Change(
        "update", "Task", body["id"], raw, if_match=there[0].version
    ), "" if standing and status == OPEN else status


def _owner(body: Json) -> str:
    return str(body.get("owner", {}).get("identifier", {}).get("value", ""))


def _body(one: Verdict, owner: str, status: str, before: tuple[Json, int]) -> Json:
    """The Task. When it opened, and with what figures, stays in it when it is closed."""
    old, at = before
    now = datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="milliseconds")
    again = old.get("status") == OPEN
    figures = {
        "violated": str(one.violated), "total": str(one.total), "percent": str(one.percent),
        "threshold": str(one.threshold),
    }  # fmt: skip
    told = [{"type": {"text": name}, "valueString": value} for name, value in figures.items()]
    rows = {"type": {"text": "rows"}, "valueUri": f"rooms/quality/checks/{one.check.id}/rows"}
    body: Json = {
        "resourceType": "Task",
        "id": f"quality-{sha256(one.check.id.encode()).hexdigest()[:32]}",
        "identifier": [{"system": SYSTEM, "value": one.check.id}],
        "status": status,
        "intent": "order",
        "code": {"coding": [{"system": TASK, "code": CODE}]},
        "description": one.check.says,
        "authoredOn": old["authoredOn"] if again else now,
        "lastModified": now,
        "input": old["input"] if again else [*told, rows],
    }
    if owner:
        body["owner"] = {"identifier": {"system": USER, "value": owner}}
    if status == CLOSED:
        body["output"] = told
    return body
