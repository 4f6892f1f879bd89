"""`$closure` (R4): a client's closure table, kept for it as a Basic of the tenant's record under its name.

With the name alone it is begun (anew), with concepts it grows, with a version it tells what came after that.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Query
from onmaru.fhir.search import parse
from onmaru.fhir.terminology.closure_table import Step, Table, added, begun, since, told
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.operations.given import Given, given
from onmaru.web.fhir.write import POSITION

SYSTEM = "urn:onmaru:closure"
NAMES = frozenset({"name", "concept", "version"})
LONGEST = 200


class _Extension(msgspec.Struct):
    url: str = ""
    valueString: str = ""


class _Kept(msgspec.Struct):
    extension: list[_Extension] = []


async def closure(request: Request, hall: Hall) -> Response:
    """`POST [base]/$closure` with Parameters: 200 with a ConceptMap of what is new."""
    asked = given(request, NAMES)
    name = asked.text("name")
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise invalid("required", f"the name of the table, of at most {LONGEST} printable characters", "name")
    concepts, version = _concepts(asked), asked.text("version")
    if concepts and version:
        raise invalid("value", "concepts are added, or a version is gone on from, not both", "version")
    standing = _standing(hall, name)
    before = _table(standing) if standing is not None else None
    if before is None and (concepts or version):
        raise invalid("not-found", "there is no table of this name; begin it with the name alone", "name", 404)
    if version and before is not None:
        return _answer(name, before, since(before, version))
    if before is None or not concepts:
        return _written(hall, name, begun(before), (standing, ()))
    # What is above and below may have to be read from a large file
    step = await asyncio.to_thread(added, before, hall.rules.terms, concepts)
    after = msgspec.structs.replace(before, steps=(*before.steps, step)) if step.concepts else before
    return _written(hall, name, after, (standing, (step,)))


def _concepts(asked: Given) -> list[tuple[str, str]]:
    found = []
    for one in asked.values.get("concept", ()):
        if not isinstance(one, dict) or not one.get("system") or not one.get("code"):
            raise invalid("value", "a Coding with system and code", "concept")
        found.append((str(one["system"]), str(one["code"])))
    return found


def _standing(hall: Hall, name: str) -> Version | None:
    token = "".join(f"\\{letter}" if letter in "\\,|$" else letter for letter in name)
    query: Query = parse(("Basic",), [("identifier", f"{SYSTEM}|{token}"), ("_count", "1"), ("_total", "none")])
    found = hall.record.search(query).matches
    return found[0] if found else None


def _table(version: Version) -> Table:
    """What a Basic holds; one that somebody else wrote otherwise is a table that can only be begun anew."""
    kept = msgspec.json.decode(version.body or b"{}", type=_Kept)
    texts = [one.valueString for one in kept.extension if one.url == SYSTEM]
    try:
        base, *steps = texts
        return Table(int(base), tuple(msgspec.json.decode(text, type=Step) for text in steps))
    except (ValueError, msgspec.MsgspecError):
        return Table()


def _written(hall: Hall, name: str, table: Table, how: tuple[Version | None, tuple[Step, ...]]) -> Response:
    standing, steps = how
    texts = [str(table.base), *(msgspec.json.encode(step).decode() for step in table.steps)]
    body: dict[str, Any] = {"resourceType": "Basic"}
    if standing is not None:
        body["id"] = standing.id
    body["extension"] = [{"url": SYSTEM, "valueString": text} for text in texts]
    body["identifier"] = [{"system": SYSTEM, "value": name}]
    body["code"] = {"coding": [{"system": SYSTEM, "code": "closure-table"}]}
    raw = msgspec.json.encode(body)
    if standing is None:
        change = Change("create", "Basic", body=raw)
    else:
        change = Change("update", "Basic", standing.id, raw, standing.version)
    (written,) = hall.record.write([change])
    return _answer(name, table, steps, ((POSITION, str(written.version.t)),))


def _answer(name: str, table: Table, steps: Any, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return Response(200, msgspec.json.encode(told(name, table.version, steps, date)), FHIR, headers)
