"""`POST Patient/$match-estimate`: learn from the tenant's own pairs by what `$match` weighs agreement, and keep it as data.

The estimate is a CodeSystem of the record, a concept a field: with who made it when, what it rests on, and open to be read
and corrected. Where too little was seen a field keeps the default, and the concept says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from onmaru.fhir.fhirpath import read
from onmaru.fhir.linkage import Field, Person, person, weights
from onmaru.fhir.linkage_em import FIELDS, LEAST, Estimate, estimated
from onmaru.fhir.search import parse
from onmaru.fhir.terminology.terminology import Terminology
from onmaru.kernel.record import Change, pages
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.operations.given import given
from onmaru.web.fhir.write import POSITION

URL = "urn:onmaru:match-weights"
# Patients that an estimate looks at, the newest; and how many between two looks at others
MOST, SLICE = 50_000, 1_000
_KNOWN: frozenset[str] = frozenset(get_args(Field))


async def match_estimate(request: Request, hall: Hall) -> Response:
    """200 with the CodeSystem as it was written."""
    given(request, ())
    query = msgspec.structs.replace(
        parse(("Patient",), []), count=SLICE, total="none", pairs=(("$match-estimate", ""),)
    )
    people: list[tuple[str, Person]] = []
    for page in pages(hall.record, query):
        people += [(one.id, person(read(one.body or b"{}"))) for one in page.matches]
        await asyncio.sleep(0)
        if len(people) >= MOST:
            break
    steps = estimated([one for _, one in sorted(people, key=lambda each: each[0])])
    try:
        while True:
            next(steps)
            await asyncio.sleep(0)
    except StopIteration as end:
        found: Estimate = end.value
    wanted = msgspec.structs.replace(parse(("CodeSystem",), [("url", URL)]), count=1)
    standing = hall.record.search(wanted).matches
    body = msgspec.json.encode(_kept(found, standing[0].id if standing else ""))
    change = Change("create", "CodeSystem", body=body)
    if standing:
        change = Change("update", "CodeSystem", standing[0].id, body, standing[0].version)
    (written,) = hall.record.write([change])
    return Response(200, written.version.body or b"", FHIR, ((POSITION, str(written.version.t)),))


def _kept(found: Estimate, id: str) -> dict[str, Any]:
    told = (
        "Chance that two records of one person agree, by field: estimated by expectation-maximisation (the model of "
        f"Fellegi and Sunter) on {found.compared} pairs of {found.people} patients that share a number, name, day of birth "
        "or telephone. "
        f"A field of which fewer than {LEAST:.0f} pairs of one person are expected keeps the default of {weights().m}."
    )
    about: dict[str, Any] = {"resourceType": "CodeSystem", **({"id": id} if id else {}), "url": URL}
    about |= {"name": "MatchWeights", "status": "active", "date": datetime.now(UTC).isoformat(timespec="seconds")}
    kinds = [("m", "decimal"), ("pairs", "decimal"), ("basis", "string")]
    about |= {"description": told, "content": "complete", "property": [{"code": a, "type": b} for a, b in kinds]}
    return {**about, "concept": [_concept(field, found) for field in FIELDS]}


def _concept(field: Field, found: Estimate) -> dict[str, Any]:
    m = found.m.get(field)
    properties: list[dict[str, Any]] = [{"code": "m", "valueDecimal": weights().m if m is None else m}]
    properties.append({"code": "pairs", "valueDecimal": found.pairs[field]})
    properties.append({"code": "basis", "valueString": "default" if m is None else "estimated"})
    return {"code": field, "property": properties}


def learnt(terms: Terminology) -> Mapping[str, float]:
    """The kept `m` by field, {} where nothing was estimated; what is no chance between a half and one is left aside."""
    system = terms.system(URL)
    if system is None:
        return {}
    found: dict[str, float] = {}
    for concept in system.concepts(list(system.everything())):
        for one in concept.properties if concept.code in _KNOWN else ():
            if one.code == "m" and one.kind == "valueDecimal" and 0.5 <= float(one.value) <= 0.999:
                found[concept.code] = float(one.value)
    return found
