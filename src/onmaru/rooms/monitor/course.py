"""GET patients/ID/course: one patient's numbers over minutes to months, and what was done with them on the same axis.

Its one law: a stretch without numbers is left out, never filled; least and most stand beside every mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir import search
from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Version
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts import alert as alerts
from onmaru.rooms.monitor.alerts.listing import queried
from onmaru.rooms.monitor.live import SECOND
from onmaru.rooms.monitor.projection import moment
from onmaru.rooms.monitor.reading import converted, measures

# A course has at most so many stretches, none shorter than the minute that streams are charted by
STRETCHES, SHORTEST = 360, 60 * SECOND
LONGEST = 366 * 24 * 3600 * SECOND
# Of each kind so many at most; of more it is said that there are
MOST = 200
Json = Mapping[str, Any]
# kind, from and until (µs; 0: a moment, None: it lasts), words, and what else is to be known
Event = dict[str, Any]
# start, least, mean, most, how many
Point = tuple[int, float, float, float, int]


def course(request: Request, hall: Hall) -> Response:
    """`{patient, from, to, every, series, events, more}` with times in µs since 1970 UTC; 404 for an unknown patient.

    `from` and `to` are instants with their zone, at most 366 days apart. A point is [start, least, mean, most, n].
    """
    given = queried(request, {"from", "to"})
    low, high = (_instant(given.get(name, ""), name) for name in ("from", "to"))
    if not 0 < high - low <= LONGEST:
        raise invalid("value", "at most 366 days, the end after the start", "to", status=422)
    patient = request.params["id"]
    hall.record.read("Patient", patient)
    every = -(-max(SHORTEST, (high - low) // STRETCHES) // SECOND) * SECOND
    events, more = _events(hall, patient, low, high)
    body = {
        "patient": patient, "from": low, "to": high, "every": every,
        "series": _series(hall, patient, (low, high), every), "events": events, "more": more,
    }  # fmt: skip
    return Response(200, msgspec.json.encode(body), headers=(("Cache-Control", "no-store"),))


def _instant(text: str, name: str) -> int:
    found = moment({"effectiveDateTime": text})
    if found is None:
        raise invalid("value", "not an instant with its zone", name)
    return found


def _series(hall: Hall, patient: str, span: tuple[int, int], every: int) -> list[dict[str, Any]]:
    params = {"patient": patient, "after": span[0], "upto": span[1], "every": every}
    found: dict[str, list[Point]] = {}
    for row in hall.lake.query(views.STRETCHES, params).table.to_pylist():
        unit = measures()[row["measure"]].unit
        numbers = [converted(repr(row[name]), row["unit"], unit) for name in ("least", "mean", "most")]
        if all(one is not None for one in numbers):
            least, mean, most = (float(one or 0) for one in numbers)
            _put(found.setdefault(row["measure"], []), (span[0] + row["start"], least, mean, most, row["n"]))
    return [
        {"measure": name, "unit": measures()[name].unit, "points": [_rounded(one) for one in points]}
        for name, points in found.items()
    ]


def _rounded(point: Point) -> Point:
    at, least, mean, most, n = point
    return at, round(least, 3), round(mean, 3), round(most, 3), n


def _put(points: list[Point], fresh: Point) -> None:
    """One more stretch; what came in another unit at the same time is one with it."""
    if points and points[-1][0] == fresh[0]:
        at, least, mean, most, n = points.pop()
        mean = (mean * n + fresh[2] * fresh[4]) / (n + fresh[4])
        fresh = at, min(least, fresh[1]), mean, max(most, fresh[3]), n + fresh[4]
    points.append(fresh)


def _events(hall: Hall, patient: str, low: int, high: int) -> tuple[list[Event], bool]:
    events: list[Event] = []
    more = False
    for type_, (date, made, *wanted) in SOURCES.items():
        pairs = [("patient", patient), (date, f"ge{instant(low)}"), (date, f"le{instant(high)}"), *wanted]
        query = search.parse((type_,), [*pairs, ("_count", str(MOST))])
        found: Sequence[Version] = hall.record.search(query).matches
        more = more or len(found) >= MOST
        for version in found:
            body = msgspec.json.decode(version.body or b"{}")
            events += [{**one, "source": version.name} for one in made(hall, body) if _within(one, low, high)]
    return sorted(events, key=lambda one: (one["at"], one["kind"])), more


def _within(one: Event, low: int, high: int) -> bool:
    until = one["until"]
    return bool(one["at"] <= high and (until is None or max(until, one["at"]) >= low))


def _given(_: Hall, body: Json) -> Iterator[Event]:
    if body.get("status") in ("entered-in-error", "not-done"):
        return
    dose = (body.get("dosage") or {}).get("dose") or {}
    amount = " ".join(str(dose[name]) for name in ("value", "unit") if name in dose)
    what = body.get("medicationCodeableConcept") or {"text": (body.get("medicationReference") or {}).get("display")}
    yield from _one(
        "medication", body.get("effectiveDateTime"), body.get("effectivePeriod"), f"{_words(what)} {amount}"
    )


def _done(_: Hall, body: Json) -> Iterator[Event]:
    if body.get("status") not in ("entered-in-error", "not-done"):
        times = body.get("performedDateTime"), body.get("performedPeriod")
        yield from _one("procedure", *times, _words(body.get("code")))


def _moved(hall: Hall, body: Json) -> Iterator[Event]:
    """The stay itself, and each place in it."""
    if body.get("status") in ("entered-in-error", "cancelled", "planned"):
        return
    yield from _one("stay", None, body.get("period"), _words(next(iter(body.get("type") or []), None)))
    for one in body.get("location") or []:
        place = one.get("location") or {}
        words = place.get("display") or _named(hall, str(place.get("reference") or ""))
        yield from _one("place", None, one.get("period"), words)


def _alerted(_: Hall, body: Json) -> Iterator[Event]:
    found = alerts.read(body)
    if found is not None:
        words = {"text": found.rule, "urgency": found.urgency, "outcome": found.outcome.text if found.outcome else ""}
        yield {"kind": "alert", "at": found.raised, "until": found.closed, **words}


Made = Callable[[Hall, Json], Iterator[Event]]
# By type: the search parameter of its time, what is told of it, and what else is asked for
SOURCES: Mapping[str, tuple[Any, ...]] = {
    "MedicationAdministration": ("effective-time", _given),
    "Procedure": ("date", _done),
    "Encounter": ("date", _moved),
    "Task": ("authored-on", _alerted, ("code", f"{alerts.SYSTEM}|alert")),
}


def _one(kind: str, at: str | None, period: Json | None, words: str) -> Iterator[Event]:
    """A moment or a stretch; nothing where its time is not known to the minute with its zone."""
    period = period or {}
    began = moment({"effectiveDateTime": at or period.get("start") or ""})
    ended = moment({"effectiveDateTime": period["end"]}) if "end" in period else None
    if began is not None:
        yield {"kind": kind, "at": began, "until": began if at else ended, "text": words.strip()}


def _words(concept: Json | None) -> str:
    concept = concept or {}
    return str(
        concept.get("text") or next((c.get("display") or c.get("code") for c in concept.get("coding") or []), "")
    )


def _named(hall: Hall, reference: str) -> str:
    type_, _, id_ = reference.partition("/")
    if type_ != "Location" or not id_:
        return ""
    query = search.parse(("Location",), [("_id", id_)])
    found = hall.record.search(query).matches
    return str(msgspec.json.decode(found[0].body or b"{}").get("name") or "") if found else ""


ROUTES = (Route("GET", "/patients/{id}/course", "user/Observation.rs", course),)
