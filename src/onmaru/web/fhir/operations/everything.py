"""`Patient/$everything` and `Encounter/$everything` (R4): all that lies in the compartment, and what it needs to be read.

Each page is made of searches that the caller may ask itself, all of one position: what is hidden drops out as it does there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Clause, Query, Ref, Text
from onmaru.fhir.search import extract, parameters, parse
from onmaru.fhir.search.catalogue import compartment
from onmaru.fhir.structure import RESOURCE_TYPES, stored
from onmaru.kernel import cursor as paging
from onmaru.kernel.compartment import NOBODYS
from onmaru.kernel.gate import SHARED
from onmaru.kernel.log import Version
from onmaru.kernel.record import Page
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.bundles import bundle, found, link, query_of
from onmaru.web.fhir.negotiation import form_of
from onmaru.web.fhir.operations import place
from onmaru.web.fhir.operations.given import Given, given
from onmaru.web.fhir.operations.place import Place
from onmaru.web.fhir.operations.referred import looked_up, referred, searchable

NAMES = frozenset({"start", "end", "_since", "_type", "_count", "_cursor"})
# R4's CompartmentDefinition/encounter: the parameter by which each type names its encounter
_NAMING = (
    "CarePlan", "CareTeam", "Claim", "ClinicalImpression", "Communication", "CommunicationRequest", "Composition",
    "Condition", "DeviceRequest", "DiagnosticReport", "DocumentReference", "ExplanationOfBenefit", "Media",
    "MedicationRequest", "NutritionOrder", "Observation", "Procedure", "QuestionnaireResponse", "RequestGroup",
    "ServiceRequest", "VisionPrescription",
)  # fmt: skip
OF_ENCOUNTER = dict.fromkeys(_NAMING, "encounter") | {
    "ChargeItem": "context",
    "DocumentManifest": "related-ref",
    "MedicationAdministration": "context",
}
IN_COMPARTMENT = tuple(sorted(type for type in RESOURCE_TYPES - SHARED if type == "Patient" or compartment(type)))
# What is nobody's, and the bytes of documents, come along with what refers to them; another patient's chart does not
SUPPORTING = NOBODYS | {"Binary", "Device"}
# No date of care
BIRTH = frozenset({"birthdate", "death-date"})
# Patients looked at for one page of many charts
PATIENTS = 50
BREATH = 50


class Wanted(msgspec.Struct, frozen=True):
    """The part of the chart asked for: `span` of care dates in µs (None: all), `since` and `types` as given."""

    types: tuple[str, ...]
    span: tuple[int, int] | None
    since: tuple[Clause, ...]
    count: int

    def query(self, type_names: Sequence[str], clauses: Sequence[Clause] = (), patient: str = "") -> Query:
        named = (("$everything", patient),)  # for the audit trail
        clauses = (*clauses, *self.since)
        return Query(tuple(type_names), clauses, count=self.count, total="none", compartment=patient, pairs=named)


class Everything:
    """Handlers; `most` bounds a page."""

    def __init__(self, most: int) -> None:
        self._most = most

    async def of_one(self, request: Request, hall: Hall) -> Response:
        """`Patient/id/$everything`, `Encounter/id/$everything`."""
        mine = self.of_patient if request.params["type"] == "Patient" else self.of_encounter
        return await mine(request, hall)

    async def of_patient(self, request: Request, hall: Hall) -> Response:
        """`GET` or `POST Patient/id/$everything`."""
        asked = given(request, NAMES)
        patient = request.params["id"]
        at = place.read(asked.text("_cursor")) if asked.text("_cursor") else None
        if at is None:
            hall.record.read("Patient", patient)
        wanted = self._wanted(asked)
        stages = _of_patient(hall, wanted, patient)
        return await _answer(request, hall, wanted, _Pages(hall, stages, at), asked)

    async def of_patients(self, request: Request, hall: Hall) -> Response:
        """`Patient/$everything`: the charts of all patients that the caller may see, one after the other."""
        asked = given(request, NAMES)
        wanted = self._wanted(asked)
        at = place.read(asked.text("_cursor")) if asked.text("_cursor") else None
        return await _answer(request, hall, wanted, _Charts(hall, wanted, at), asked)

    async def of_encounter(self, request: Request, hall: Hall) -> Response:
        """`Encounter/id/$everything`, with the Patient it is about."""
        asked = given(request, NAMES - {"start", "end"})
        id = request.params["id"]
        at = place.read(asked.text("_cursor")) if asked.text("_cursor") else None
        if at is None:
            hall.record.read("Encounter", id)
        wanted = self._wanted(asked)
        pages = _Pages(hall, _of_encounter(hall, wanted, id), at)
        return await _answer(request, hall, wanted, pages, asked, SUPPORTING | {"Patient"})

    def _wanted(self, asked: Given) -> Wanted:
        start, end = asked.span("start"), asked.span("end")
        span = None if start is None and end is None else (start[0] if start else -(2**62), end[1] if end else 2**62)
        since = asked.text("_since").replace(" ", "+")
        if since and asked.span("_since") is None:
            raise invalid("value", "not a date or time", "_since")
        clauses = parse(("Patient",), [("_lastUpdated", f"ge{since}")]).clauses if since else ()
        plain = tuple(clause for clause in clauses if isinstance(clause, Clause))
        return Wanted(asked.types(), span, plain, asked.number("_count", self._most, self._most))


def _allowed(hall: Hall, names: Iterable[str], wanted: Wanted) -> tuple[str, ...]:
    """Those of the types that are wanted; without `_type` those that the caller may search, since it names none itself."""
    if wanted.types:
        return tuple(name for name in names if name in wanted.types)
    return searchable(hall, names)


def _of_patient(hall: Hall, wanted: Wanted, patient: str) -> list[Query]:
    types = _allowed(hall, IN_COMPARTMENT, wanted)
    return [wanted.query(types, patient=patient)] if types else []


def _of_encounter(hall: Hall, wanted: Wanted, id: str) -> list[Query]:
    itself = Clause(parameters("Encounter")["_id"], "", (Text(id),))
    queries = [wanted.query((type,), (itself,)) for type in _allowed(hall, ("Encounter",), wanted)]
    for type in _allowed(hall, sorted(OF_ENCOUNTER), wanted):
        clause = Clause(parameters(type)[OF_ENCOUNTER[type]], "", (Ref("Encounter", id),))
        queries.append(wanted.query((type,), (clause,)))
    return queries


class _Pages:
    """Pages of several searches one after the other, all at the position of the first; `next`: where the rest begins."""

    def __init__(self, hall: Hall, stages: Sequence[Query], at: Place | None) -> None:
        self._hall = hall
        self._stages = stages
        self.next: Place | None = at or (Place(0, 0) if stages else None)

    def turn(self) -> Page:
        """One page more."""
        at = self.next or Place(0, 0)
        if at.stage >= len(self._stages):
            raise invalid("value", "paging token out of range", "_cursor")
        pinned = at.cursor or (paging.write(paging.Cursor(at.t, 0, 0, at.began)) if at.began else "")
        page = self._hall.record.search(msgspec.structs.replace(self._stages[at.stage], cursor=pinned))
        stage = at.stage if page.cursor else at.stage + 1
        more = stage < len(self._stages)
        self.next = msgspec.structs.replace(at, t=page.t, began=page.began, stage=stage, cursor=page.cursor)
        self.next = self.next if more else None
        return page


class _Charts:
    """Pages of one patient's compartment after the other's."""

    def __init__(self, hall: Hall, wanted: Wanted, at: Place | None) -> None:
        self._hall = hall
        self._wanted = wanted
        self._patients = Query(("Patient",), count=1, total="none")
        self.next: Place | None = at or Place(0, 0)

    def turn(self) -> Page:
        """One page of the patient whose turn it is; an empty one when there is no patient at all."""
        at = self.next or Place(0, 0)
        if not at.patient:
            chosen = self._hall.record.search(msgspec.structs.replace(self._patients, cursor=at.outer))
            if not chosen.matches:
                self.next = None
                return chosen
            at = Place(chosen.t, chosen.began, 0, "", chosen.cursor, chosen.matches[0].id)
        stages = _of_patient(self._hall, self._wanted, at.patient)
        inner = _Pages(self._hall, stages, at)
        page = inner.turn() if stages else Page(at.t, (), (), None, "")
        following = inner.next if stages else None
        if following is None and at.outer:
            following = Place(at.t, at.began, outer=at.outer)
        self.next = following
        return page


async def _answer(
    request: Request,
    hall: Hall,
    wanted: Wanted,
    pages: _Pages | _Charts,
    asked: Given,
    beside: frozenset[str] = SUPPORTING,
) -> Response:
    """One page of the answer: searches until something is on it, but no more than PATIENTS of them."""
    matches: list[Version] = []
    t = 0
    for _ in range(PATIENTS):
        if pages.next is None or len(matches) >= wanted.count:
            break
        page = pages.turn()
        matches += [version async for version in _cared(page.matches, wanted)]
        await asyncio.sleep(0)
        t = page.t
    base = request.params["base"]
    extra = await _supporting(hall, matches, wanted, beside, (base, t)) if matches else []
    used = [(name, text) for name in sorted(NAMES - {"_cursor"}) for text in asked.texts(name)]
    used += form_of(request.query)
    address = "/".join(
        part for part in (base, request.params["type"], request.params.get("id", ""), "$everything") if part
    )
    links = [link("self", address, query_of(used))]
    if pages.next is not None:
        links.append(link("next", address, query_of([*used, ("_cursor", place.write(pages.next))])))
    entries = [*found(base, matches, [v.body or b"" for v in matches], "match")]
    entries += found(base, extra, [v.body or b"" for v in extra], "include")
    return Response(200, bundle("searchset", entries, links, None), FHIR)


async def _cared(versions: Sequence[Version], wanted: Wanted) -> AsyncIterator[Version]:
    for number, version in enumerate(versions):
        if number % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        if wanted.span is None or _within(version, wanted.span):
            yield version


def _within(version: Version, span: tuple[int, int]) -> bool:
    """Whether a date of care touches the span; what tells of none, and the Patient, are of every time."""
    if version.type == "Patient" or version.body is None:
        return True
    apart = {one.sp for code, one in parameters(version.type).items() if code in BIRTH}
    dates = [one for one in extract(stored(version.body, version.type)).date if one[0] not in apart]
    return not dates or any(low < span[1] and high > span[0] for _, low, high in dates)


async def _supporting(
    hall: Hall, matches: Sequence[Version], wanted: Wanted, beside: frozenset[str], place: tuple[str, int]
) -> list[Version]:
    """What the matches refer to and nobody else's chart holds; `place`: the base and the position."""
    base, t = place
    shown = {(version.type, version.id) for version in matches}
    names = [
        (type, id)
        for version in matches
        for type, id in referred(version.body or b"", base)
        if type in beside and (type, id) not in shown and (not wanted.types or type in wanted.types)
    ]
    return await looked_up(hall, names, t, "$everything")
