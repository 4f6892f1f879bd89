"""§5.2 Filtering and projection."""

from __future__ import annotations

from collections import deque
from typing import Any

from onmaru.fhir.fhirpath.equality import Seen
from onmaru.fhir.fhirpath.functions.registry import Arguments, function
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import boolean


@function("where", 1)
def where(run: Run, items: Collection, arguments: Arguments) -> Collection:
    answers = run.each(items, arguments[0])
    return [item for item, answer in zip(items, answers, strict=True) if boolean(answer)]


@function("select", 1)
def select(run: Run, items: Collection, arguments: Arguments) -> Collection:
    found: Collection = []
    for answer in run.each(items, arguments[0]):
        found += answer
    return found


@function("repeat", 1)
def repeat(run: Run, items: Collection, arguments: Arguments) -> Collection:
    found: Collection = []
    seen = Seen(run.spend)
    outer_index = run.index
    run.index = None
    waiting: deque[Any] = deque(items)
    while waiting:
        new = seen.only_new(run.within([waiting.popleft()], arguments[0]))
        run.spend(1 + len(new))
        found += new
        waiting += new
    run.index = outer_index
    return found


@function("repeatAll", 1)
def repeat_all(run: Run, items: Collection, arguments: Arguments) -> Collection:
    found: Collection = []
    outer_index = run.index
    run.index = None
    waiting: deque[Any] = deque(items)
    while waiting:
        new = run.within([waiting.popleft()], arguments[0])
        run.spend(1 + len(new))
        found += new
        waiting += new
    run.index = outer_index
    return found


@function("coalesce", 1, 99)
def coalesce(run: Run, items: Collection, arguments: Arguments) -> Collection:
    for argument in arguments:
        found = argument(run)
        if found:
            return found
    return []
