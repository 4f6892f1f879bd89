"""`Patient/$match` (R4): who of the patients that the caller sees may be the one described.

Candidates come from the index by number, telephone, day of birth and name; how rare a value is, is counted there too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from onmaru.fhir import structure
from onmaru.fhir.fhirpath import read
from onmaru.fhir.linkage import Field, Person, chance, compared, givens, grade, person
from onmaru.fhir.outcome import invalid
from onmaru.fhir.search import parse
from onmaru.kernel.log import Version
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.bundles import bundle, link
from onmaru.web.fhir.negotiation import check_content
from onmaru.web.fhir.operations.given import Given
from onmaru.web.fhir.operations.match_estimate import learnt

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
NAMES = frozenset({"resource", "onlyCertainMatches", "count"})
DEFAULT, MOST = 10, 100
# Candidates that one way of finding them may give: beyond, it tells nobody apart
WIDE = 200
# Values of one kind that are looked for
VALUES = 8
Pairs = list[tuple[str, str]]


async def match(request: Request, hall: Hall) -> Response:
    """`POST Patient/$match` with Parameters, or the Patient itself: the likeliest first, each with score and grade."""
    patient, asked = _asked(request)
    # Each of its values is held against each of every candidate's
    wanted = person({**patient, **{name: _listed(patient, name) for name in ("identifier", "name", "telecom")}})
    ways = list(_ways(patient, wanted))
    if not ways:
        raise invalid("required", "a number, telephone, name or full date of birth is needed", "Patient")
    people = _count(hall, [])
    found: dict[str, Version] = {}
    for pairs in ways:
        found |= {version.id: version for version in _search(hall, pairs)}
        await asyncio.sleep(0)
    rare, known = _Rarity(hall, patient, wanted, people), learnt(hall.rules.terms)
    scored = []
    for version in found.values():
        said = compared(wanted, person(read(version.body or b"{}")))
        likely = chance(said, rare.of, people, known)
        scored.append((likely, grade(likely, said), version))
        await asyncio.sleep(0)
    kept = sorted((one for one in scored if one[1] != "certainly-not"), key=lambda one: (-one[0], one[2].id))
    if asked.flag("onlyCertainMatches"):
        kept = [one for one in kept if one[1] == "certain"]
        kept = kept if len(kept) == 1 else []
    base = request.params["base"]
    entries = [_entry(base, *one) for one in kept[: asked.number("count", DEFAULT, MOST)]]
    return Response(200, bundle("searchset", entries, [link("self", f"{base}/Patient/$match", "")], len(entries)), FHIR)


def _asked(request: Request) -> tuple[dict[str, Any], Given]:
    """The Patient, which need not be valid, and what else was given."""
    check_content(request.headers)
    kind = structure.type_of(request.body)
    if kind not in ("Patient", "Parameters"):
        raise invalid("structure", "Parameters with a resource, or a Patient", "resource")
    if kind == "Patient":
        return _object(request.body), Given({})
    structure.admit(request.body, "Parameters", deep=False)
    values: dict[str, list[Any]] = {}
    for one in read(request.body).get("parameter", ()):
        value = next((one[key] for key in one if key.startswith("value")), one.get("resource"))
        values.setdefault(one["name"], []).append(value)
    unknown = sorted(values.keys() - NAMES)
    if unknown:
        raise invalid("not-supported", "not a parameter of this operation", unknown[0])
    given = values.get("resource", [])
    if len(given) != 1 or not isinstance(given[0], dict) or given[0].get("resourceType") != "Patient":
        raise invalid("required", "one Patient is needed", "resource")
    return given[0], Given(values)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = read(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise invalid("structure", "this is not JSON")
    return found


# -- candidates ----------------------------------------------------------------------------------------------------


def _ways(patient: dict[str, Any], wanted: Person) -> Iterator[Pairs]:
    """Searches of which each may find the person: every one by a value that is rare."""
    yield from ([("identifier", text)] for text in _identifiers(patient))
    yield from ([("phone", text)] for text in _telephones(patient))
    full = len(wanted.birth) == 10
    if full:
        yield [("birthdate", _escaped(wanted.birth))]
    for pairs in _namings(patient):
        yield [*pairs, ("birthdate", wanted.birth[:4])] if full else pairs


def _listed(patient: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = patient.get(name)
    return [one for one in value if isinstance(one, dict)][:VALUES] if isinstance(value, list) else []


def _identifiers(patient: dict[str, Any]) -> Iterator[str]:
    for one in _listed(patient, "identifier"):
        system, value = str(one.get("system") or ""), str(one.get("value") or "").strip()
        if value:
            yield f"{_escaped(system)}|{_escaped(value)}" if system else _escaped(value)


def _telephones(patient: dict[str, Any]) -> Iterator[str]:
    for one in _listed(patient, "telecom"):
        if one.get("system") in ("phone", "sms") and str(one.get("value") or "").strip():
            yield _escaped(str(one["value"]).strip())


def _namings(patient: dict[str, Any]) -> Iterator[Pairs]:
    """Each name as a text, as parts, and a text of Hangul taken apart: which way it was stored is not known."""
    for one in _listed(patient, "name"):
        given = "".join(givens(one))
        family, text = str(one.get("family") or "").strip(), str(one.get("text") or "").strip()
        joined = "".join((text or f"{family} {given}").split())
        if family:
            yield [("family", _escaped(family)), *([("given", _escaped(given))] if given else [])]
        if text or (family and given):
            forms = dict.fromkeys((joined, text, f"{family} {given}".strip(), f"{given} {family}".strip()))
            yield [("name", ",".join(_escaped(form) for form in forms if form))]
        for cut in (1, 2):
            if len(joined) > cut and not joined.isascii():
                yield [("family", _escaped(joined[:cut])), ("given", _escaped(joined[cut:]))]


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\,|$" else letter for letter in text)


def _search(hall: Hall, pairs: Pairs) -> Sequence[Version]:
    """The matches, () for more than WIDE. The audit trail is told the operation, not the person described."""
    query = parse(("Patient",), pairs)
    query = msgspec.structs.replace(query, count=WIDE + 1, total="none", pairs=(("$match", ""),))
    found = hall.record.search(query).matches
    return found if len(found) <= WIDE else ()


def _count(hall: Hall, pairs: Pairs) -> int:
    query = msgspec.structs.replace(parse(("Patient",), pairs), count=0, total="accurate", pairs=(("$match", ""),))
    return hall.record.search(query).total or 0


class _Rarity:
    """How often others have the values described, each counted when it is first needed."""

    def __init__(self, hall: Hall, patient: dict[str, Any], wanted: Person, people: int) -> None:
        self._hall = hall
        self._people = people
        self._searches: dict[Field, list[Pairs]] = {
            "identifier": [[("identifier", text)] for text in _identifiers(patient)],
            "phone": [[("phone", text)] for text in _telephones(patient)],
            "name": list(_namings(patient)),
            "birthDate": [[("birthdate", _escaped(wanted.birth))]] if wanted.birth else [],
            "gender": [],
        }
        self._known: dict[Field, float] = {}

    def of(self, field: Field) -> float:
        """The part of the others who have it: of those that do, one is the person asked about."""
        if field not in self._known:
            most = max((_count(self._hall, pairs) for pairs in self._searches[field]), default=0)
            self._known[field] = max(0, most - 1) / max(1, self._people)
        return self._known[field]


def _entry(base: str, likely: float, graded: str, version: Version) -> bytes:
    search = {
        "extension": [{"url": GRADE, "valueCode": graded}],
        "mode": "match",
        "score": min(1.0, max(0.0, round(likely, 6))),
    }
    head = msgspec.json.encode(f"{base}/{version.name}")
    return b'{"fullUrl":%b,"resource":%b,"search":%b}' % (head, version.body or b"", msgspec.json.encode(search))
