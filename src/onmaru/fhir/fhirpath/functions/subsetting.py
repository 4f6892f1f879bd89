"""§5.3 Subsetting and §5.4 Combining."""

from __future__ import annotations

from onmaru.fhir.fhirpath.equality import Seen, distinct
from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.functions.registry import Arguments, function
from onmaru.fhir.fhirpath.operators import union
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import boolean, integer


@function("single")
def single_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    if len(items) > 1:
        raise execution("single() found more than one item")
    return items


@function("first")
def first(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return items[:1]


@function("last")
def last(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return items[-1:]


@function("tail")
def tail(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return items[1:]


@function("skip", 1)
def skip(run: Run, items: Collection, arguments: Arguments) -> Collection:
    number = integer(arguments[0](run))
    return [] if number is None else items[max(0, number) :]


@function("take", 1)
def take(run: Run, items: Collection, arguments: Arguments) -> Collection:
    number = integer(arguments[0](run))
    return [] if number is None else items[: max(0, number)]


@function("intersect", 1)
def intersect(run: Run, items: Collection, arguments: Arguments) -> Collection:
    others = Seen(run.spend)
    others.only_new(arguments[0](run))
    return distinct([item for item in items if others.has(item)], run.spend)


@function("exclude", 1)
def exclude(run: Run, items: Collection, arguments: Arguments) -> Collection:
    others = Seen(run.spend)
    others.only_new(arguments[0](run))
    return [item for item in items if not others.has(item)]


@function("union", 1)
def union_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return union(run, items, arguments[0](run))


@function("combine", 1, 2)
def combine(run: Run, items: Collection, arguments: Arguments) -> Collection:
    if len(arguments) > 1:
        boolean(arguments[1](run))  # the order is kept either way
    return [*items, *arguments[0](run)]
