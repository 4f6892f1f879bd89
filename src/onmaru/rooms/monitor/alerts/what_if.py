"""POST what-if: a ward's last weeks followed again under changed rules, before anybody changes them.

Its one law: each version is judged as it came, in the order and at the time it was recorded; nothing later is known.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from onmaru.fhir import search
from onmaru.fhir.outcome import invalid
from onmaru.kernel.log import Version
from onmaru.kernel.record import Record, pages
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts import past
from onmaru.rooms.monitor.alerts.acting import asked, clinician
from onmaru.rooms.monitor.alerts.alert import Alert, read
from onmaru.rooms.monitor.alerts.engine import Transition, Watch
from onmaru.rooms.monitor.alerts.rules import SECOND, Rule, Urgency, shipped, standing

DAY = 24 * 3600 * SECOND
# Alerts are acknowledged otherwise under other rules: what people did is not followed again
TYPES = ("Observation", "Procedure", "ServiceRequest")
VERSIONS, PATIENTS, DEPTH, PAGE = 100_000, 2_000, 3, 200
# A judged alert is kept where the changed rules would have told of the patient by then, and not before so long
SOON, EARLY = 1800 * SECOND, 6 * 3600 * SECOND


class Changed(msgspec.Struct, forbid_unknown_fields=True):
    """One rule by its name, with what would be otherwise; times in seconds. `least` is of its first signal that has one."""

    name: str
    on: bool = True
    least: int | None = None
    urgency: Urgency | None = None
    delay: int | None = None
    ease: int | None = None
    hold: int | None = None
    quiet: int | None = None


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """`ward` a Location's reference, "" for every patient who is here; `days` back, 1 to 31."""

    rules: list[Changed]
    ward: str = ""
    days: int = 30


def what_if(request: Request, hall: Hall) -> Response:
    """`{days, patients, versions, now, then}`: alerts by rule under the rules that stand and under the changed ones."""
    if "data-manager" not in hall.caller.roles:
        clinician(hall)
    said = asked(request.body, Asked)
    if not 1 <= said.days <= 31:
        raise invalid("value", "1 to 31", "days", 422)
    present = standing(str(hall.settings["rules_on"]))
    rules = changed(present, said.rules)
    return Response(200, _replayed(hall, said, (present, rules)), headers=(("Cache-Control", "no-store"),))


def changed(present: Sequence[Rule], changes: Sequence[Changed]) -> tuple[Rule, ...]:
    """The rules as they would stand; `Invalid` 422 for a name that no rule has, twice, or a time below nothing."""
    known = {rule.name: rule for rule in shipped()}
    found = {rule.name: rule for rule in present}
    if len({one.name for one in changes}) != len(changes):
        raise invalid("value", "a rule twice", "rules", 422)
    for one in changes:
        if one.name not in known:
            raise invalid("value", f"one of {', '.join(known)}", "rules.name", 422)
        found.pop(one.name, None)
        if one.on:
            found[one.name] = _changed(known[one.name], one)
    return tuple(sorted(found.values(), key=lambda rule: list(known).index(rule.name)))


def _changed(rule: Rule, one: Changed) -> Rule:
    given = {name: getattr(one, name) for name in ("urgency", "delay", "ease", "hold", "quiet")}
    given = {name: value for name, value in given.items() if value is not None}
    numbers = [value for name, value in given.items() if name != "urgency"] + [one.least or 1]
    if not all(0 <= value <= 31 * 86_400 for value in numbers):
        raise invalid("value", "0 to 31 days", "rules", 422)
    if one.least is not None:
        given["when"] = tuple(
            msgspec.structs.replace(signal, least=one.least) if signal.least else signal for signal in rule.when
        )
    return msgspec.structs.replace(rule, **given)


def followed(rules: Sequence[Rule], versions: Sequence[Version], span: tuple[int, int], fresh: int) -> list[Transition]:
    """What these versions, in log order, raise between two times (µs); what came before is known and raises nothing."""
    since, until = span
    watch = Watch(rules, fresh)
    found: list[Transition] = []
    watch.now = since
    for version in versions:
        if version.at <= since:
            watch.learn(version)
        elif version.at <= until:
            found += watch.take(version)
    return [*found, *watch.advance(until)]


def _replayed(hall: Hall, said: Asked, rules: tuple[Sequence[Rule], Sequence[Rule]]) -> Iterator[bytes]:
    """White space while it runs, patient by patient, so that others are answered in between; then the answer."""
    until = time.time_ns() // 1000
    since, fresh = until - said.days * DAY, int(hall.settings["fresh_minutes"]) * 60 * SECOND
    found: tuple[list[Transition], list[Transition]] = ([], [])
    patients, count = _patients(hall, said.ward, since), 0
    for patient in patients:
        try:
            versions = past.ordered(past.read(hall.record, patient, TYPES, since - fresh, VERSIONS - count))
        except past.TooMany:
            yield msgspec.json.encode({"refused": "too-costly"})
            return
        count += len(versions)
        for one, into in zip(rules, found, strict=True):
            into += followed(one, versions, (since, until), fresh)
            yield b" "
    judged = _judged(hall, said.ward, since, frozenset(patients))
    now, then = (_told(one, judged, len(patients) * said.days) for one in found)
    yield msgspec.json.encode(
        {
            "days": said.days,
            "patients": len(patients),
            "versions": count,
            "acted": len(judged),
            "now": now,
            "then": then,
        }
    )


def _told(found: Sequence[Transition], judged: Sequence[Alert], days: int) -> dict[str, Any]:
    """`keeps`: of the alerts that somebody had to act on, those whose patient would have been told of in time."""
    raised = [one for one in found if one.kind in ("raised", "again", "worse")]
    first = [one for one in found if one.kind == "raised"]
    kept = [
        alert
        for alert in judged
        if any(one.patient == alert.patient and -SOON <= alert.raised - one.at <= EARLY for one in raised)
    ]
    return {
        "alerts": len(first),
        "perPatientDay": round(len(first) / days, 3) if days else None,
        "byRule": dict(sorted(Counter(one.rule.name for one in first).items())),
        "keeps": len(kept),
    }


def _judged(hall: Hall, ward: str, since: int, patients: frozenset[str]) -> list[Alert]:
    rows = hall.lake.query(views.ALERTS, {"ward": ward, "after": since, "most": VERSIONS}).table.to_pylist()
    alerts = [alert for row in rows if (alert := read(msgspec.json.decode(row["task"])))]
    return [
        one
        for one in alerts
        if one.patient in patients and one.raised > since and not one.about and one.outcome and _acted(one)
    ]


def _acted(alert: Alert) -> bool:
    return alert.outcome is not None and alert.outcome.text.partition(" ")[0] in ("acted", "missed")


def _patients(hall: Hall, ward: str, since: int) -> list[str]:
    """Whoever had a stay in the ward since, or whoever is here now."""
    if not ward:
        here = hall.lake.query(views.PLACES, {"one": "", "ward": ""}).table.to_pylist()
        return sorted({row["patient"] for row in here})[:PATIENTS]
    places, level = [ward], [ward]
    for _ in range(DEPTH):
        level = [version.name for one in level for version in _found(hall.record, "Location", ("partof", one))]
        places += level
    found: set[str] = set()
    for place in dict.fromkeys(places):
        for version in _found(hall.record, "Encounter", ("location", place)):
            body = msgspec.json.decode(version.body or b"{}")
            end = (body.get("period") or {}).get("end", "")
            if not end or end[:10] >= _day(since):
                found.add(str((body.get("subject") or {}).get("reference", "")).removeprefix("Patient/"))
    return sorted(found - {""})[:PATIENTS]


def _found(record: Record, type: str, *pairs: tuple[str, str]) -> Iterator[Version]:
    query = search.parse((type,), [*pairs, ("_count", str(PAGE))])
    for page in pages(record, query):
        yield from page.matches


def _day(at: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at // SECOND))
