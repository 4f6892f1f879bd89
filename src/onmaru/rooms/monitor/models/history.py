"""The site's own stays out of its record, each hour with whether the patient deteriorates within a day of it.

Its one law: simulated patients are no history: with any in the record there is no cohort.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from onmaru.fhir import search
from onmaru.fhir.outcome import invalid
from onmaru.kernel.log import Version
from onmaru.kernel.record import pages
from onmaru.kernel.room import Hall
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts.alert import SYSTEM
from onmaru.rooms.monitor.alerts.alert import read as alert_of
from onmaru.rooms.monitor.models import charted
from onmaru.rooms.monitor.models.charted import HOUR
from onmaru.rooms.monitor.models.forms import FORMS, Form
from onmaru.rooms.monitor.models.whereabouts import at as at_
from onmaru.rooms.monitor.models.whereabouts import places, within
from onmaru.rooms.monitor.risk.stays import Cohort, Stay

DAY_HOURS = 24
PAGE = 200
# The number systems of `onmaru simulate` and `onmaru demo`: whoever bears one is nobody
SIMULATED = ("urn:oid:2.25.177959663937045620837637627067096745758",)
EXPIRED = "http://terminology.hl7.org/CodeSystem/discharge-disposition|exp"
CALLED = "called-rapid-response"


class Lying(NamedTuple):
    """One inpatient Encounter: from `low` to `high` (µs; now while it goes on); `event`: when the patient deteriorated.

    `kind`: `icu`, `death` or `call`, "" for none. `intensive`: it began in intensive care.
    """

    patient: str
    low: int
    high: int
    event: int | None
    kind: str
    intensive: bool


def cohort(hall: Hall, now: int, since: str = "", until: str = "") -> Cohort:
    """Hourly stays outside intensive care of those admitted from `since` up to before `until` (YYYY-MM-DD, "": no end).

    The label of an hour: a transfer to intensive care, death or a call of the rapid-response team within 24 hours after
    it. A stay's rows end with its first event. `Invalid` 422 where the record holds simulated patients, or the site has
    not said which wards are intensive care.
    """
    refuse_simulated(hall)
    form, found = FORMS["deterioration-24h"], []
    for one in stays(hall, now):
        day = _day(one.low)
        if (not since or day >= since) and (not until or day < until) and not one.intensive:
            made = _stay(hall, form, one)
            found += [made._replace(admitted=day)] if made is not None else []
    return Cohort(True, form.names, form.vitals, found, ())


def refuse_simulated(hall: Hall) -> None:
    """`Invalid` 422 where any patient bears a number of the simulated hospital."""
    for system in SIMULATED:
        query = search.parse(("Patient",), [("identifier", f"{system}|"), ("_count", "1")])
        if hall.record.search(query).matches:
            raise invalid(
                "business-rule", "the record holds simulated patients: nothing learnt or measured on them is a history",
                status=422,
            )  # fmt: skip


def stays(hall: Hall, now: int) -> Iterator[Lying]:
    """Every inpatient Encounter with its first event."""
    wards = frozenset(str(hall.settings["icu_wards"]).split())
    if not wards:
        raise invalid("required", "the setting icu_wards has to name the wards of intensive care", status=422)
    icu, calls, deaths = within(hall, wards), _calls(hall), _deaths(hall)
    for version in _found(hall, "Encounter", ("class", "http://terminology.hl7.org/CodeSystem/v3-ActCode|IMP")):
        body = msgspec.json.decode(version.body or b"{}")
        found = lying(body, icu, (calls, deaths), now)
        if found is not None:
            yield found


def lying(
    body: Mapping[str, Any], icu: frozenset[str], facts: tuple[Mapping[str, Sequence[int]], Mapping[str, int]], now: int
) -> Lying | None:
    """One Encounter; None without a patient or a start to the minute. `facts`: calls and deaths by patient, µs."""
    period = body.get("period") or {}
    low, high = at_(period.get("start")), at_(period.get("end")) or now
    type_, _, patient = str((body.get("subject") or {}).get("reference", "")).partition("/")
    if low is None or type_ != "Patient" or body.get("status") in ("cancelled", "entered-in-error", "planned"):
        return None
    events = [(at, "icu") for at in _entered(body, icu, low)]
    calls, deaths = facts
    events += [(at, "call") for at in calls.get(patient, ()) if low < at <= high]
    died = deaths.get(patient)
    disposition = (body.get("hospitalization") or {}).get("dischargeDisposition") or {}
    codes = {f"{one.get('system')}|{one.get('code')}" for one in disposition.get("coding") or []}
    if EXPIRED in codes and "end" in period:
        events.append((high, "death"))
    elif died is not None and low < died <= high + HOUR:
        events.append((min(died, high), "death"))
    first, kind = min(events, default=(None, ""))
    began = any(place in icu for place, at in places(body) if at is None or at <= low)
    return Lying(patient, low, high, first, kind, began)


def labelled(one: Lying) -> tuple[int, Any]:
    """How many full hours are judged, and each hour's label; none where the event comes within the first hour."""
    end = one.event if one.event is not None else one.high
    count = min((end - one.low) // HOUR, charted.LONGEST)
    labels = np.zeros(max(count, 0), np.int8)
    if one.event is not None:
        ends = one.low + (np.arange(max(count, 0)) + 1) * HOUR
        labels[(one.event - ends) <= DAY_HOURS * HOUR] = 1
    return int(max(count, 0)), labels


def _stay(hall: Hall, form: Form, one: Lying) -> Stay | None:
    count, labels = labelled(one)
    if not count:
        return None
    upto = one.low + count * HOUR
    params = {"patient": one.patient, "start": one.low, "upto": upto - 1}
    hours = hall.lake.query(views.HOURS, params).table.to_pylist()
    person = msgspec.json.decode(hall.record.read("Patient", one.patient).body or b"{}")
    known = {"birth": person.get("birthDate"), "sex": person.get("gender")}
    values = charted.hourly(form, hours, count)
    return Stay(one.patient, "", charted.static(form, known, one.low), values, labels, {})


def _entered(body: Mapping[str, Any], icu: frozenset[str], low: int) -> Iterator[int]:
    return (at for place, at in places(body) if place in icu and at is not None and at > low)


def _calls(hall: Hall) -> Mapping[str, Sequence[int]]:
    """When the rapid-response team was called for whom, by what was done about alerts."""
    found: dict[str, list[int]] = {}
    for version in _found(hall, "Task", ("code", f"{SYSTEM}|alert")):
        alert = alert_of(msgspec.json.decode(version.body or b"{}"))
        for step in alert.steps if alert else ():
            if step.code == "act" and step.text == CALLED and alert:
                found.setdefault(alert.patient, []).append(step.at)
    return found


def _deaths(hall: Hall) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for version in _found(hall, "Patient", ("deceased", "true")):
        at = at_(msgspec.json.decode(version.body or b"{}").get("deceasedDateTime"))
        if at is not None:
            found[version.id] = at
    return found


def _found(hall: Hall, type: str, *pairs: tuple[str, str]) -> Iterator[Version]:
    query = search.parse((type,), [*pairs, ("_count", str(PAGE))])
    for page in pages(hall.record, query):
        yield from page.matches


def _day(at: int) -> str:
    return str(np.datetime64(at, "us").astype("datetime64[D]"))
