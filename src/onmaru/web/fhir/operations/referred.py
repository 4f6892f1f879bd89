"""What resources refer to on this server, looked up as the caller sees it: another server's url names nothing here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from onmaru.fhir.query import Clause, Query, Text
from onmaru.fhir.search import parameters
from onmaru.fhir.search.values import RELATIVE
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.log import Version
from onmaru.kernel.room import Hall

Name = tuple[str, str]
# Names looked up in one search
TOGETHER = 100
_WRITTEN = re.compile(rb'"(?:reference|url)":"([^"]*)"')


def referred(body: bytes, base: str) -> Iterator[Name]:
    """(type, id) of what a compact body's references and attachments name below `base`, repeated as they repeat."""
    texts = _walked(msgspec.json.decode(body)) if b"\\" in body else (one.decode() for one in _WRITTEN.findall(body))
    for text in texts:
        found = RELATIVE.fullmatch(text.removeprefix(base + "/"))
        if found is not None and found[1] in RESOURCE_TYPES:
            yield found[1], found[2]


def _walked(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _walked(one)
    elif isinstance(value, dict):
        for member, inner in value.items():
            if member in ("reference", "url") and isinstance(inner, str):
                yield inner
            else:
                yield from _walked(inner)


def searchable(hall: Hall, types: Iterable[str]) -> tuple[str, ...]:
    """Those of the types that the caller may search."""
    held = {scope.type for scope in hall.caller.scopes if "s" in scope.verbs}
    return tuple(type for type in types if "*" in held or type in held)


async def looked_up(hall: Hall, names: Iterable[Name], t: int, operation: str) -> list[Version]:
    """What of `names` the caller sees at `t`, in their order; of what it may not search nothing."""
    wanted = list(dict.fromkeys(names))
    then, found = hall.record.at(t), {}
    for type in searchable(hall, sorted({type for type, _ in wanted})):
        ids = [id for named, id in wanted if named == type]
        for start in range(0, len(ids), TOGETHER):
            for version in then.search(by_id(type, ids[start : start + TOGETHER], operation)).matches:
                found[version.type, version.id] = version
            await asyncio.sleep(0)
    return [found[name] for name in wanted if name in found]


def by_id(type: str, ids: Sequence[str], operation: str) -> Query:
    """The search of resources by their ids; the audit trail is told the operation."""
    clause = Clause(parameters(type)["_id"], "", tuple(Text(id) for id in ids))
    return Query((type,), (clause,), count=len(ids), total="none", pairs=((operation, ",".join(ids)),))
