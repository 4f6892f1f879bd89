"""The demo's patients at home: one whose weight goes up, one who sends as asked, one of whom nothing is heard any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import msgspec

from onmaru.app.demo.agreement import dead, everything
from onmaru.app.house import MAIN, House, now, system
from onmaru.fhir.verbatim import instant
from onmaru.kernel.record import Change
from onmaru.rooms.monitor import views
from onmaru.rooms.remote.plan import read
from onmaru.rooms.remote.writing import Asked, careplan

HOUR = 3_600_000_000
DAY = 24 * HOUR
DAYS = 20
AUTHOR = "physician"
UCUM = "http://unitsofmeasure.org"
_ENCODER = msgspec.json.Encoder(decimal_format="number")
Json = dict[str, Any]


class Course(msgspec.Struct, frozen=True):
    """What one of them measures once a day: the plan's words, code, unit and limits (illustrative), where it `begins` and
    how much it goes up a day, and for how many days nothing has come.
    """

    title: str
    text: str
    code: str
    unit: str
    begins: float
    daily: float
    limits: Mapping[str, float]
    silent: int = 0


COURSES = (
    Course("심부전 재택 관리", "체중", "29463-7", "kg", 71.0, 0.15, {"high": 73.5}),
    Course("폐질환 재택 관리", "산소포화도", "2708-6", "%", 95.0, 0.0, {"low": 90}),
    Course("당뇨 재택 관리", "혈당", "15074-8", "mmol/L", 7.2, 0.0, {"low": 3.9, "high": 13.9}, silent=4),
)


def cared_for(house: House) -> int:
    """Give some who lie nowhere a plan and what came of it; the position of it, 0 where that was done before."""
    hall = house.hall(system(MAIN, "demo"))
    if house.offers("remote") is None or any(map(read, everything(hall.record, "CarePlan"))):
        return 0
    rows = house.hall(system(MAIN, "demo"), "monitor").lake.query(views.BEDS, {}).table.to_pylist()
    here = {row["patient"] for row in rows}
    people = sorted(
        one["id"]
        for one in everything(hall.record, "Patient")
        if one["id"] not in here and one.get("active", True) and not dead(one)
    )
    bodies = [body for who, one in zip(people, COURSES, strict=False) for body in _made(who, one, now())]
    changes = [Change("update", one["resourceType"], one["id"], _ENCODER.encode(one), absent=True) for one in bodies]
    return hall.record.write(changes)[-1].version.t if changes else 0


def _made(who: str, course: Course, at: int) -> Iterator[Json]:
    """A plan, a reading for most of its days, and two calls that nobody answered where nothing comes any more."""
    dice = Random(course.title)  # noqa: S311 - dice of a demo
    began = at - DAYS * DAY
    doing = {"text": course.text, "measure": f"http://loinc.org|{course.code}", "frequency": 1, "period": 1, "unit": "d",
             "limits": [{"unit": course.unit, **course.limits}]}  # fmt: skip
    asked = {"patient": who, "title": course.title, "start": instant(began), "silence_hours": 48, "attempts": 2}
    plan = careplan(msgspec.convert({**asked, "activities": [doing]}, Asked, strict=False), AUTHOR)
    yield {**plan, "id": f"demo-home-{who}"}
    for day in range(DAYS - course.silent):
        # Now and then a day is missed
        if dice.random() > 0.1 or day >= DAYS - 2:
            value = round(course.begins + day * course.daily + dice.uniform(-0.4, 0.4), 1)
            yield _reading(who, course, value, began + day * DAY + dice.randrange(6, 10) * HOUR)
    for hours in (30, 0) if course.silent else ():
        yield _called(who, at - hours * HOUR)


def _reading(who: str, course: Course, value: float, at: int) -> Json:
    return {
        "resourceType": "Observation", "id": f"demo-home-{who}-{at // DAY}", "status": "final",
        "category": [{"coding": [{"system": "urn:onmaru:remote", "code": "home"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": course.code}], "text": course.text},
        "subject": {"reference": f"Patient/{who}"}, "effectiveDateTime": instant(at), "device": {"display": "demo"},
        "valueQuantity": {"value": value, "unit": course.unit, "code": course.unit, "system": UCUM},
    }  # fmt: skip


def _called(who: str, at: int) -> Json:
    return {
        "resourceType": "Communication", "id": f"demo-call-{who}-{at // HOUR}", "status": "not-done",
        "basedOn": [{"reference": f"CarePlan/demo-home-{who}"}], "medium": [{"text": "phone"}],
        "category": [{"coding": [{"system": "urn:onmaru:remote", "code": "contact"}]}],
        "subject": {"reference": f"Patient/{who}"}, "sent": instant(at), "statusReason": {"text": "no answer"},
        "sender": {"type": "Practitioner", "identifier": {"system": "urn:onmaru:user", "value": "nurse"}},
    }  # fmt: skip
