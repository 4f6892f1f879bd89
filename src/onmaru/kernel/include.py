"""_include and _revinclude: the resources that a page's matches point at, or that point at them, as the caller sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onmaru.fhir.query import Clause, Include, Query, Ref
from onmaru.kernel.gate import Sight
from onmaru.kernel.index import Index
from onmaru.kernel.log import Version

MOST = 1000


def included(index: Index, query: Query, matches: Sequence[Version], t: int, sight: Sight) -> Sequence[Version]:
    """At most MOST resources, none twice and none that is itself a match, in the order they were found."""
    if not query.include and not query.revinclude:
        return ()
    shown = {version.name for version in matches}
    extra: list[Version] = []
    for version in _candidates(index, query, matches, t, sight):
        if version.name in shown:
            continue
        shown.add(version.name)
        extra.append(version)
        if len(extra) == MOST:
            break
    return extra


def _candidates(index: Index, query: Query, matches: Sequence[Version], t: int, sight: Sight) -> Iterator[Version]:
    for include in query.include:
        for match in matches:
            if match.type == include.source or include.source == "*":
                yield from _forward(index, include, match, t, sight)
    for include in query.revinclude:
        yield from _backward(index, include, matches, t, sight)


def _forward(index: Index, include: Include, match: Version, t: int, sight: Sight) -> Iterator[Version]:
    for sp, type, id in index.keys(match).reference:
        if include.parameter is not None and sp != include.parameter.sp:
            continue
        if not type or (include.target and type != include.target):
            continue
        found = index.latest(type, id, t)
        if found is not None and found.body is not None and sight.shows(found, index.compartments(found), index.keys):
            yield found


def _backward(index: Index, include: Include, matches: Sequence[Version], t: int, sight: Sight) -> Iterator[Version]:
    if include.parameter is None or not matches:
        return
    names = tuple(Ref(match.type, match.id) for match in matches)
    query = Query((include.source,), (Clause(include.parameter, "", names),), count=MOST, total="none")
    yield from index.find(query, t, 0, 0, sight).versions
