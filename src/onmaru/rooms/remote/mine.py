"""What a patient sees and enters: what is due today of their own plans, a value they measured, a form they filled in.

Its one law: what is entered is the patient's own word and is written as that; what cannot be used is refused at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir import search
from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.remote.adherence import counted
from onmaru.rooms.remote.cases import Case, cases
from onmaru.rooms.remote.forms import answered, asked_items
from onmaru.rooms.remote.listing import answer, queried
from onmaru.rooms.remote.measures import units
from onmaru.rooms.remote.moments import DAY, MINUTE, moment
from onmaru.rooms.remote.plan import UCUM, Activity
from onmaru.rooms.remote.readings import ENTRY
from onmaru.rooms.remote.values import number
from onmaru.rooms.remote.writing import asked

# A value may be entered so long after it was measured
LATE = 3 * DAY
MOST = 20


class Value(msgspec.Struct, forbid_unknown_fields=True):
    """`value`: the digits as they were read off."""

    key: str
    value: str


class Entered(msgspec.Struct, forbid_unknown_fields=True):
    """`at`: when it was measured, "" for now. Either `values`, or `form` with `answers` by linkId."""

    at: str = ""
    values: list[Value] = []
    form: str = ""
    answers: dict[str, Any] = {}


def mine(request: Request, hall: Hall) -> Response:
    """GET mine: `{at, plans: [{id, title, state, activities}]}` of whoever asks; a form comes with its questions."""
    queried(request, set())
    now = time.time_ns() // 1000
    found = [
        {
            "id": one.plan.id,
            "title": one.plan.title,
            "state": one.standing.state,
            "activities": [_due(hall, one, activity) for activity in one.plan.activities],
        }
        for one in _own(hall, now)
    ]
    return answer({"at": now, "plans": found})


def enter(request: Request, hall: Hall) -> Response:
    """POST mine: a QuestionnaireResponse in the patient's own name; the house makes Observations of measured values."""
    said = asked(request.body, Entered)
    person = {"reference": f"Patient/{_whose(hall)}"}
    now = time.time_ns() // 1000
    at = now if not said.at else moment(said.at)
    if at is None or not now - LATE <= at <= now + MINUTE:
        raise invalid("value", "an instant with its zone, within the last three days", "at", 422)
    if bool(said.values) == bool(said.form) or len(said.values) > MOST:
        raise invalid("value", f"either 1 to {MOST} values or a form", "values", 422)
    wanted = {one.key: one for found in _own(hall, now) for one in found.plan.activities}
    if said.form:
        items = _form(hall, wanted, said)
    else:
        items = [_item(wanted.get(one.key), one, n) for n, one in enumerate(said.values)]
    body = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": said.form or ENTRY,
        "status": "completed",
        "subject": person,
        "authored": instant(at),
        "author": person,
        "source": person,
        "item": items,
    }
    written = hall.record.write([Change("create", "QuestionnaireResponse", body=msgspec.json.encode(body))])
    return answer({"id": written[0].version.id})


def _whose(hall: Hall) -> str:
    """The patient who asks; `Invalid` 404 for whoever is none, and so has no plans of their own."""
    if not hall.caller.patient:
        raise invalid("not-found", "only a patient has plans of their own", status=404)
    return hall.caller.patient


def _own(hall: Hall, now: int) -> Iterator[Case]:
    return cases(hall, now, one=_whose(hall))


def _due(hall: Hall, found: Case, one: Activity) -> dict[str, Any]:
    cells = found.standing.cells[one.key]
    now = next((cell for cell in reversed(cells) if cell.open), None)
    came, due = counted(cells)
    return {
        "kind": one.kind,
        "key": one.key,
        "text": one.text,
        "unit": _unit(one) if one.kind == "measure" else "",
        "frequency": one.frequency,
        "every": one.every,
        "now": msgspec.to_builtins(now),
        "came": came,
        "due": due,
        "items": asked_items(_questionnaire(hall, one.key)) if one.kind == "form" else [],
    }


def _unit(one: Activity) -> str:
    limits = one.limits.get(one.key)
    return limits.unit if limits is not None else units().get(one.key, "")


def _item(wanted: Activity | None, one: Value, n: int) -> dict[str, Any]:
    """One value as an answer, its digits kept."""
    if wanted is None or wanted.kind != "measure":
        raise invalid("value", "no plan of yours asks for it", f"values[{n}].key", 422)
    if number(one.value) is None or not one.value.strip("0123456789.") == "":
        raise invalid("value", "not a number", f"values[{n}].value", 422)
    unit = _unit(wanted)
    whole, point, rest = one.value.partition(".")
    digits = f"{int(whole or 0)}{point if rest else ''}{rest}"
    quantity = {"value": msgspec.Raw(digits.encode()), "unit": unit, "system": UCUM, "code": unit}
    return {"linkId": wanted.key, "text": wanted.text, "answer": [{"valueQuantity": quantity}]}


def _form(hall: Hall, wanted: Mapping[str, Activity], said: Entered) -> Sequence[Mapping[str, Any]]:
    if said.form not in wanted or wanted[said.form].kind != "form":
        raise invalid("value", "no plan of yours asks for it", "form", 422)
    return answered(_questionnaire(hall, said.form), said.answers)


def _questionnaire(hall: Hall, canonical: str) -> Mapping[str, Any]:
    """The form as it stands; {} where there is none that the patient may see."""
    page = hall.record.search(search.parse(("Questionnaire",), [("url", canonical), ("_count", "1")]))
    found: Mapping[str, Any] = msgspec.json.decode(page.matches[0].body or b"{}") if page.matches else {}
    return found
