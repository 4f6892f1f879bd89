"""A search that is answered later: found part by part at one position, and shown as whoever asked may see it by then."""

from __future__ import annotations

from array import array
from collections.abc import Generator, Sequence
from typing import Any

import msgspec
from pyroaring import BitMap

from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Query, Sort
from onmaru.fhir.search.own import Own
from onmaru.fhir.search.parsing import parse_here
from onmaru.fhir.search.parting import check_parts, parts
from onmaru.fhir.search.within import within
from onmaru.kernel.audit import access
from onmaru.kernel.caller import Caller
from onmaru.kernel.chart import Tenant
from onmaru.kernel.include import included
from onmaru.kernel.log import Version
from onmaru.kernel.meaning import sort_value
from onmaru.kernel.widening import widened

# Matches whose order is looked up in one step; bodies opened for it, and positions kept, at most
SLICE, MOST = 100, 1_000_000


class Asked(msgspec.Struct, frozen=True):
    """A search as it was asked below `base`: `owner` (type, id) of a compartment, `count` matches a page."""

    types: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    base: str
    lenient: bool = False
    owner: tuple[str, str] | None = None
    count: int = 20


class Pinned(msgspec.Struct, frozen=True):
    """The same, and the position that it is answered at."""

    asked: Asked
    t: int


class Part(msgspec.Struct, frozen=True):
    """A page: `total` is of what the caller sees by now, `last` whether no page follows."""

    matches: Sequence[Version]
    included: Sequence[Version]
    total: int
    last: bool


def read(asked: Asked, own: Own) -> Query:
    """The query; `Invalid` 400 as any search."""
    query = parse_here(asked.types, asked.pairs, own, lenient=asked.lenient, base=asked.base)
    return within(query, *asked.owner) if asked.owner is not None else query


def pinned(tenant: Tenant, caller: Caller, asked: Asked) -> Pinned:
    """At the durable head; `Invalid` 400 or 403 at once where it would be refused later."""
    permit(tenant, caller, asked)
    t = tenant.log.head()
    check_parts(read(asked, tenant.rules.parameters), t)
    return Pinned(asked, t)


def permit(tenant: Tenant, caller: Caller, asked: Asked) -> None:
    """`Invalid` 403 and an audit row for who may not search these types (any more)."""
    for type in asked.types or ("*",):
        refusal = tenant.gate.refusal(caller, "s", type)
        if refusal and (type != "*" or refusal == "tenant"):
            tenant.trail.add(access(caller, "search", _target(asked), tenant.now(), denied=refusal))
            raise invalid("forbidden", f"not permitted: {refusal}", status=403)


def finding(tenant: Tenant, caller: Caller, wanted: Pinned) -> Generator[float, None, array[int]]:
    """All that is found, in the order that is asked for, in short steps that tell how much is done (0 to 1)."""
    sight, index = tenant.gate.sight(caller, "s"), tenant.index
    query = read(wanted.asked, tenant.rules.parameters)
    asked = widened(query, index, wanted.t, sight, lambda: tenant.rules.terms)
    clauses = parts(asked)
    count, done, found = sum(map(len, clauses)), 0, None
    for some in clauses:
        either = BitMap()
        for one in some:
            one = msgspec.structs.replace(one, compartment=query.compartment)
            either |= index.standing(one, wanted.t, sight)
            done += 1
            yield 0.9 * done / count
        found = either if found is None else found & either
    order = list(reversed(found or BitMap()))
    if len(order) > MOST:
        raise invalid("too-costly", f"the search finds more than {MOST} resources; narrow it, or ask for an $export")
    for sort in reversed(query.sort):
        order = yield from _by(tenant, order, sort)
    return array("I", order)


def _by(tenant: Tenant, order: list[int], sort: Sort) -> Generator[float, None, list[int]]:
    """Stable; resources without the element come last whichever the direction."""
    keyed: dict[int, Any] = {}
    for start in range(0, len(order), SLICE):
        for t in order[start : start + SLICE]:
            (version,) = tenant.index.touched(t - 1, t)
            value = sort_value(tenant.index.keys(version), version, sort) if version.body is not None else None
            if value is not None:
                keyed[t] = value
        yield 0.9
    present = sorted((t for t in order if t in keyed), key=keyed.__getitem__, reverse=sort.descending)
    return present + [t for t in order if t not in keyed]


def shown(tenant: Tenant, caller: Caller, wanted: Pinned, order: Sequence[int], number: int) -> Part:
    """Page `number` from 1 of what was found, as the caller may see it now; it leaves an audit row with its patients.

    Pages are of what was found: one from which something was hidden since is shorter, and no other shifts.
    """
    permit(tenant, caller, wanted.asked)
    query, index = read(wanted.asked, tenant.rules.parameters), tenant.index
    sight = tenant.gate.sight(caller, "s")
    seen = index.standing(Query(query.types), wanted.t, sight)
    size = wanted.asked.count
    page = [t for t in order[(number - 1) * size : number * size] if t in seen]
    matches = [version for t in page for version in index.touched(t - 1, t)]
    extra, _ = included(index, query, matches, wanted.t, sight)
    patients = tuple(sorted(index.named(BitMap(page) | BitMap(version.t for version in extra))))
    tenant.trail.add(access(caller, "search", _target(wanted.asked), tenant.now(), patients=patients))
    return Part(matches, extra, len(seen & BitMap(order)), not size or number * size >= len(order))


def _target(asked: Asked) -> str:
    return f"{','.join(asked.types) or '*'}?{'&'.join(f'{name}={value}' for name, value in asked.pairs)}"
