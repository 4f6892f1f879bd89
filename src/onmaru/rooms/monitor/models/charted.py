"""A stay as a model knows it, from the readings in the chart: the same hours and the same features as in training.

Its one law: a column that the chart cannot tell is missing, never guessed; which those are is said (`forms.untold`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from onmaru.rooms.monitor.models.forms import COLUMNS, Form
from onmaru.rooms.monitor.reading import converted, measures
from onmaru.rooms.monitor.risk.features import Rows, rows
from onmaru.rooms.monitor.risk.stays import Array, Cohort, Stay

HOUR = 3_600_000_000
LONGEST = 24 * 60
# http://hl7.org/fhir/administrative-gender in the challenge's numbers
SEX = {"female": 0.0, "male": 1.0}


def stay(form: Form, place: Mapping[str, Any], hours: Iterable[Mapping[str, Any]], upto: int) -> Stay | None:
    """A stay from its start (`place.low`) to `upto`, a row an hour; None before the first hour or beyond LONGEST.

    `place`: `patient`, `low` (µs), `birth`, `sex`, and `admitted` where that was before. `hours`: rows of the view HOURS.
    What has a foreign unit is missing.
    """
    count = (upto - int(place["low"])) // HOUR
    if not 1 <= count <= LONGEST:
        return None
    values = hourly(form, hours, count)
    return Stay(str(place["patient"]), "", static(form, place, upto), values, np.zeros(count, np.int8), {})


def hourly(form: Form, hours: Iterable[Mapping[str, Any]], count: int) -> Array:
    """Hours × columns; NaN where nothing was measured, or in a unit of another quantity."""
    values = np.full((count, len(form.names)), np.nan)
    at = {COLUMNS[name][0]: (place, COLUMNS[name][1]) for place, name in enumerate(form.names) if name in COLUMNS}
    for row in hours:
        found, hour = at.get(row["measure"]), int(row["since"]) // HOUR
        if found is not None and hour < count:
            exact = converted(row["value"], row["unit"], measures()[row["measure"]].unit)
            if exact is not None:
                values[hour, found[0]] = float(exact) * found[1]
    return values


def judged(form: Form, found: Stay) -> Rows:
    """The features of its last hour, by the function that made them in training."""
    every = rows(Cohort(True, form.names, form.vitals, [found], ()))
    return Rows(every.names, every.x[-1:], every.y[-1:], every.stay[-1:], every.hour[-1:])


def static(form: Form, place: Mapping[str, Any], at: int) -> Mapping[str, float]:
    """Age in whole years, sex, and the hours from admission to where the stay counts from, negative as in 2019.

    What else a form asks is missing.
    """
    known = {"Age": _age(str(place["birth"] or ""), at), "Gender": SEX.get(str(place["sex"] or ""), np.nan)}
    if place.get("admitted") is not None:
        known["HospAdmTime"] = (place["admitted"] - place["low"]) / HOUR
    return {name: known.get(name, np.nan) for name in form.static}


def _age(birth: str, at: int) -> float:
    """Whole years; unknown without a year of birth."""
    if not birth[:4].isdecimal():
        return float("nan")
    now = datetime.fromtimestamp(at / 1_000_000, UTC)
    return float(now.year - int(birth[:4]) - (len(birth) == 10 and birth[5:] > now.strftime("%m-%d")))
