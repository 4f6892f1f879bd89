"""Our own definition of a cohort: who enters, by which rules they stay, when they leave. It becomes a Circe expression.

Its one law: it runs only as that expression, so that ATLAS and this house give the same persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

FORMAT = "onmaru cohort 1"
Domain = Literal[
    "condition", "condition-era", "death", "device", "drug", "drug-era", "dose-era", "measurement", "observation",
    "observation-period", "procedure", "specimen", "visit", "visit-detail",
]  # fmt: skip
# Domain → Circe's criteria, its members for the days on which it began, the age then, and what it measures
CIRCE: Mapping[Domain, tuple[str, str, str, str]] = {
    "condition": ("ConditionOccurrence", "OccurrenceStartDate", "Age", ""),
    "condition-era": ("ConditionEra", "EraStartDate", "AgeAtStart", "EraLength"),
    "death": ("Death", "OccurrenceStartDate", "Age", ""),
    "device": ("DeviceExposure", "OccurrenceStartDate", "Age", "Quantity"),
    "drug": ("DrugExposure", "OccurrenceStartDate", "Age", "DaysSupply"),
    "drug-era": ("DrugEra", "EraStartDate", "AgeAtStart", "EraLength"),
    "dose-era": ("DoseEra", "EraStartDate", "AgeAtStart", "DoseValue"),
    "measurement": ("Measurement", "OccurrenceStartDate", "Age", "ValueAsNumber"),
    "observation": ("Observation", "OccurrenceStartDate", "Age", "ValueAsNumber"),
    "observation-period": ("ObservationPeriod", "PeriodStartDate", "AgeAtStart", "PeriodLength"),
    "procedure": ("ProcedureOccurrence", "OccurrenceStartDate", "Age", "Quantity"),
    "specimen": ("Specimen", "OccurrenceStartDate", "Age", "Quantity"),
    "visit": ("VisitOccurrence", "OccurrenceStartDate", "Age", "VisitLength"),
    "visit-detail": ("VisitDetail", "VisitDetailStartDate", "Age", "VisitDetailLength"),
}
_WITHOUT_FIRST = frozenset({"death"})
_WITHOUT_CONCEPTS = frozenset({"observation-period"})
_WITHOUT_SEX = frozenset({"observation-period", "visit-detail"})


class Concept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a concept set: a concept and, unless told otherwise, its descendants."""

    concept: int
    name: str = ""
    descendants: bool = True
    mapped: bool = False
    excluded: bool = False


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """From `least` to `most`, both included; one of them may be left out."""

    least: float | None = None
    most: float | None = None


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that happened. `concepts` names one of the definition's sets; `since` and `until` are days (YYYY-MM-DD).

    `value`: a measurement's number, the days of an era, a stay or a supply, a quantity; of others it cannot be asked.
    """

    domain: Domain
    concepts: str = ""
    first: bool = False
    since: str = ""
    until: str = ""
    age: Range | None = None
    sex: tuple[int, ...] = ()
    value: Range | None = None
    units: tuple[int, ...] = ()


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An event that a rule asks for: `least` to `most` times between `begin` and `end` days from the entry (-365 to 0).

    Without `begin` or `end` the window reaches as far as the person is observed. Without `most` there is no upper limit.
    """

    event: Event
    least: int = 1
    most: int | None = None
    begin: int | None = None
    end: int | None = None
    distinct: bool = False
    same_visit: bool = False


class People(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person is on the day of entry: age in years, and concepts of sex."""

    age: Range | None = None
    sex: tuple[int, ...] = ()


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who stays: of those that meet `all` or `any` of what it asks, or at least or most `number` of it."""

    name: str
    match: Literal["all", "any", "at-least", "at-most"] = "all"
    number: int = 1
    events: tuple[Asked, ...] = ()
    people: tuple[People, ...] = ()


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who enters, and when: with any of the events, observed `before` days before and `after` days after it."""

    events: tuple[Event, ...]
    before: int = 0
    after: int = 0
    which: Literal["first", "last", "all"] = "first"


class Leaving(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When they leave: when they are observed no longer, some `days` after entry or its end, or with a drug's era.

    An event of `ends` ends it earlier.
    """

    by: Literal["observation", "days", "drug"] = "observation"
    days: int = 0
    since: Literal["start", "end"] = "start"
    concepts: str = ""
    gap: int = 0
    ends: tuple[Event, ...] = ()


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A cohort. `pad`: entries of one person that are so many days apart are one."""

    format: Literal["onmaru cohort 1"]
    name: str
    concepts: Mapping[str, tuple[Concept, ...]]
    entry: Entry
    rules: tuple[Rule, ...] = ()
    leaving: Leaving = Leaving()
    pad: int = 0


def expression(definition: Definition) -> dict[str, Any]:
    """The Circe expression of a definition, to be checked like any other (grammar.py)."""
    sets = {name: place for place, name in enumerate(definition.concepts)}
    limit = {"Type": definition.entry.which.capitalize()}
    told: dict[str, Any] = {
        "cdmVersionRange": ">=5.0.0",
        "Title": definition.name,
        "ConceptSets": [
            {"id": sets[name], "name": name, "expression": {"items": [_item(one) for one in lines]}}
            for name, lines in definition.concepts.items()
        ],
        "PrimaryCriteria": {
            "CriteriaList": [_criteria(one, sets) for one in definition.entry.events],
            "ObservationWindow": {"PriorDays": definition.entry.before, "PostDays": definition.entry.after},
            "PrimaryCriteriaLimit": limit,
        },
        "QualifiedLimit": limit,
        "ExpressionLimit": limit,
        "InclusionRules": [{"name": rule.name, "expression": _group(rule, sets)} for rule in definition.rules],
        "CensoringCriteria": [_criteria(one, sets) for one in definition.leaving.ends],
        "CollapseSettings": {"CollapseType": "ERA", "EraPad": definition.pad},
    }
    if end := _strategy(definition.leaving, sets):
        told["EndStrategy"] = end
    return told


def _item(one: Concept) -> dict[str, Any]:
    return {
        "concept": {"CONCEPT_ID": one.concept, "CONCEPT_NAME": one.name},
        "isExcluded": one.excluded,
        "includeDescendants": one.descendants,
        "includeMapped": one.mapped,
    }


def _criteria(event: Event, sets: Mapping[str, int]) -> dict[str, Any]:
    """What Circe has no member for is told as a member that it does not know, and refused by the grammar with its place."""
    name, days, age, measure = CIRCE[event.domain]
    told: dict[str, Any] = {}
    if event.concepts or event.domain not in _WITHOUT_CONCEPTS:
        told["CodesetId"] = sets.get(event.concepts, -1) if event.concepts else None
    if event.first:
        told["First" if event.domain not in _WITHOUT_FIRST else "first"] = True
    if event.since or event.until:
        told[days] = _dates(event.since, event.until)
    if event.age:
        told[age] = _range(event.age)
    if event.sex:
        told["Gender" if event.domain not in _WITHOUT_SEX else "sex"] = _concepts(event.sex)
    if event.value:
        told[measure or "value"] = _range(event.value)
    if event.units:
        told["Unit"] = _concepts(event.units)
    return {name: {member: value for member, value in told.items() if value is not None}}


def _concepts(ids: tuple[int, ...]) -> list[dict[str, int]]:
    return [{"CONCEPT_ID": id} for id in ids]


def _range(range: Range) -> dict[str, Any]:
    if range.least is not None and range.most is not None:
        return {"Value": range.least, "Extent": range.most, "Op": "bt"}
    if range.least is not None:
        return {"Value": range.least, "Op": "gte"}
    return {"Value": range.most, "Op": "lte"}


def _dates(since: str, until: str) -> dict[str, str]:
    if since and until:
        return {"Value": since, "Extent": until, "Op": "bt"}
    return {"Value": since, "Op": "gte"} if since else {"Value": until, "Op": "lte"}


def _group(rule: Rule, sets: Mapping[str, int]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "Type": rule.match.upper().replace("-", "_"),
        "CriteriaList": [_asked(one, sets) for one in rule.events if one.most is None or one.least in (0, one.most)],
        "DemographicCriteriaList": [_people(one) for one in rule.people],
        # Between two numbers: Circe counts to one of them at a time
        "Groups": [
            _between(one, sets) for one in rule.events if one.most is not None and one.least not in (0, one.most)
        ],
    }
    return {**told, "Count": rule.number} if rule.match.startswith("at-") else told


def _between(asked: Asked, sets: Mapping[str, int]) -> dict[str, Any]:
    halves = [msgspec.structs.replace(asked, most=None), msgspec.structs.replace(asked, least=0)]
    return {"Type": "ALL", "CriteriaList": [_asked(one, sets) for one in halves]}


def _asked(asked: Asked, sets: Mapping[str, int]) -> dict[str, Any]:
    how, count = (2, asked.least) if asked.most is None else (0 if asked.least == asked.most else 1, asked.most)
    return {
        "Criteria": _criteria(asked.event, sets),
        "StartWindow": {"Start": _point(asked.begin, -1), "End": _point(asked.end, 1), "UseEventEnd": False},
        "Occurrence": {"Type": how, "Count": count, "IsDistinct": asked.distinct},
        "RestrictVisit": asked.same_visit,
    }


def _point(days: int | None, toward: int) -> dict[str, int]:
    if days is None:
        return {"Coeff": toward}
    return {"Days": abs(days), "Coeff": -1 if days < 0 else 1}


def _people(people: People) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if people.age:
        told["Age"] = _range(people.age)
    if people.sex:
        told["Gender"] = _concepts(people.sex)
    return told


def _strategy(leaving: Leaving, sets: Mapping[str, int]) -> dict[str, Any]:
    if leaving.by == "days":
        return {"DateOffset": {"DateField": f"{leaving.since.capitalize()}Date", "Offset": leaving.days}}
    if leaving.by == "drug":
        drugs = sets.get(leaving.concepts, -1)
        return {"CustomEra": {"DrugCodesetId": drugs, "GapDays": leaving.gap, "Offset": leaving.days}}
    return {}
