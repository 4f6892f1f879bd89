"""§5.1 Existence, and `not()`."""

from __future__ import annotations

from onmaru.fhir.fhirpath.equality import Seen, distinct
from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.functions.registry import Arguments, function
from onmaru.fhir.fhirpath.node import value_of
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import boolean


@function("empty")
def empty(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [not items]


@function("exists", 0, 1)
def exists(run: Run, items: Collection, arguments: Arguments) -> Collection:
    if not arguments:
        return [bool(items)]
    return [any(boolean(answer) for answer in run.each(items, arguments[0]))]


@function("all", 1)
def all_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [all(boolean(answer) for answer in run.each(items, arguments[0]))]


def _booleans(items: Collection) -> list[bool]:
    values = [value_of(item) for item in items]
    if not all(value.__class__ is bool for value in values):
        raise execution("every item must be a Boolean here")
    return values


@function("allTrue")
def all_true(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [all(_booleans(items))]


@function("anyTrue")
def any_true(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [any(_booleans(items))]


@function("allFalse")
def all_false(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [not any(_booleans(items))]


@function("anyFalse")
def any_false(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [not all(_booleans(items))]


def _within(run: Run, part: Collection, whole: Collection) -> Collection:
    seen = Seen(run.spend)
    seen.only_new(whole)
    return [all(seen.has(item) for item in part)]


@function("subsetOf", 1)
def subset_of(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return _within(run, items, arguments[0](run))


@function("supersetOf", 1)
def superset_of(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return _within(run, arguments[0](run), items)


@function("count")
def count(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [len(items)]


@function("distinct")
def distinct_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return distinct(items, run.spend)


@function("isDistinct")
def is_distinct(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [len(distinct(items, run.spend)) == len(items)]


@function("not")
def not_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = boolean(items)
    return [] if value is None else [not value]
