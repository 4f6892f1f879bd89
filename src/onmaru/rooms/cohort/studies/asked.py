"""A study as it is asked: which cohorts, what is looked at, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.rooms.cohort.asking import LARGEST, Wanted, fault, taken

FORMAT = "onmaru study 1"
Kind = Literal["characterisation", "incidence", "survival", "pathways", "progression", "propensity"]
By = Literal["", "sex", "age"]
EVENTS = 12
LONGEST = 36_600


class Study(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`target`, `comparator`, `outcome`, `competing` and `events` are definitions of ours or Circe expressions.

    `days`: how long after entry is looked; `before`: how long before it covariates are looked for. `competing` may be
    `"death"`. `by` splits by sex or by age at entry. `combine`: events that begin within so many days are one step of a
    pathway. `who`: name the persons, for who may see them.
    """

    format: Literal["onmaru study 1"]
    kind: Kind
    target: dict[str, Any]
    comparator: dict[str, Any] | None = None
    outcome: dict[str, Any] | None = None
    competing: dict[str, Any] | Literal["death"] | None = None
    events: tuple[dict[str, Any], ...] = ()
    days: int = 730
    before: int = 365
    by: By = ""
    combine: int = 30
    who: bool = False


NEEDED: Mapping[Kind, tuple[str, ...]] = {
    "characterisation": ("comparator",),
    "incidence": ("outcome",),
    "survival": ("outcome",),
    "pathways": ("events",),
    "progression": ("outcome",),
    "propensity": ("comparator",),
}


def study(raw: bytes) -> Study:
    """Read and check it; `Invalid` 400 or 422 with the place."""
    if len(raw) > LARGEST:
        raise invalid("too-long", f"has more than {LARGEST:,} bytes", status=413)
    try:
        told = msgspec.json.decode(raw, type=Study)
    except msgspec.ValidationError as error:
        raise Invalid([fault(str(error))], 422) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("structure", "is not JSON") from error
    issues = [
        Issue("required", f"is missing for {told.kind}", one) for one in NEEDED[told.kind] if not getattr(told, one)
    ]
    for name, least in (("days", 1), ("before", 0), ("combine", 0)):
        if not least <= getattr(told, name) <= LONGEST:
            issues.append(Issue("value", f"is not from {least} to {LONGEST}", name))
    if len(told.events) > EVENTS:
        issues.append(Issue("too-costly", f"has more than {EVENTS}", "events"))
    if issues:
        raise Invalid(issues, 422)
    return told


def cohorts(told: Study) -> dict[str, Wanted]:
    """The cohorts to be run, by the name that the study's SQL gives them."""
    asked = {name: getattr(told, name) for name in ("target", "comparator", "outcome", "competing")}
    asked |= {f"event_{place}": one for place, one in enumerate(told.events)}
    return {name: _taken(name, one) for name, one in asked.items() if isinstance(one, dict)}


def _taken(name: str, said: dict[str, Any]) -> Wanted:
    try:
        return taken(said)
    except Invalid as error:
        at = name.replace("event_", "events.")
        issues = [msgspec.structs.replace(one, expression=f"{at}.{one.expression}".rstrip(".")) for one in error.issues]
        raise Invalid(issues, error.status) from error
