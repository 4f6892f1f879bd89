"""The filters of a value set (valueset-filter-operator): each gives the numbers of a system that it leaves.

A regular expression is RE2's, and what it may cost is known before it runs, so no filter can be made to run for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
import re2
from pyroaring import BitMap

from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.system import System

STEPS = 400_000_000
"""Letters times states of the automaton: about a second."""
LONGEST = 500
PATTERNS = 8
"""Filters by regular expression that one question may take."""
MANY = 10_000
CODES = frozenset({"concept", "code"})
OPS = ("=", "is-a", "descendent-of", "is-not-a", "regex", "in", "not-in", "generalizes", "exists")


class Filter(msgspec.Struct, frozen=True, array_like=True):
    """ValueSet.compose.include.filter."""

    name: str
    op: str
    value: str


class NotUnderstood(Exception):
    """A filter on a property that the system does not know; the text says so."""


def left(system: System, wanted: Filter) -> BitMap:
    """The numbers that a filter leaves. Raises NotUnderstood; Invalid for a pattern that is none or costs too much."""
    ask = _ASKED.get(wanted.op)
    if ask is None:
        raise NotUnderstood(f"the filter operator is none of {', '.join(OPS)}")
    return ask(system, wanted)


def _equal(system: System, wanted: Filter) -> BitMap:
    return _among(system, wanted.name, [wanted.value])


def _in(system: System, wanted: Filter) -> BitMap:
    values = [one.strip() for one in wanted.value.split(",")]
    if len(values) > MANY:
        raise invalid("too-costly", f"a filter names at most {MANY} values", "filter.value", 422)
    return _among(system, wanted.name, values)


def _not_in(system: System, wanted: Filter) -> BitMap:
    return system.everything() - _in(system, wanted)


def _among(system: System, name: str, values: list[str]) -> BitMap:
    """The concepts of which a property has one of some values."""
    if name in CODES:
        return BitMap(number for one in values if (number := system.number(one)) is not None)
    if name == "display":
        texts = frozenset(values)
        return BitMap(number for number, text in system.texts() if text in texts)
    if name in ("parent", "child"):
        step = system.children if name == "parent" else system.parents
        return _union(step(number) for one in values if (number := system.number(one)) is not None)
    if name == "inactive":
        return _either(system, system.inactive(), values)
    if name == "notSelectable" and not system.knows(name):
        return _either(system, system.abstract(), values)
    if not system.knows(name):
        raise NotUnderstood("the code system does not know the property of a filter")
    return _union(system.valued(name, one) for one in values)


def _either(system: System, flagged: BitMap, values: list[str]) -> BitMap:
    return _union(flagged if one == "true" else system.everything() - flagged for one in values)


def _union(sets: Iterable[BitMap]) -> BitMap:
    found = BitMap()
    for one in sets:
        found |= one
    return found


def _top(system: System, wanted: Filter) -> int | None:
    if wanted.name not in CODES:
        raise NotUnderstood("filters by place in the hierarchy are on the property concept")
    return system.number(wanted.value)


def _is_a(system: System, wanted: Filter) -> BitMap:
    top = _top(system, wanted)
    return BitMap() if top is None else system.below(top) | BitMap([top])


def _descendent(system: System, wanted: Filter) -> BitMap:
    top = _top(system, wanted)
    return BitMap() if top is None else system.below(top)


def _is_not_a(system: System, wanted: Filter) -> BitMap:
    return system.everything() - _is_a(system, wanted)


def _generalizes(system: System, wanted: Filter) -> BitMap:
    top = _top(system, wanted)
    return BitMap() if top is None else system.above(top) | BitMap([top])


def _exists(system: System, wanted: Filter) -> BitMap:
    if wanted.value not in ("true", "false"):
        raise invalid("value", "the value of a filter by exists is true or false", "filter.value", 422)
    if wanted.name in ("parent", "child"):
        having = system.everything() - (system.roots() if wanted.name == "parent" else system.leaves())
    elif system.knows(wanted.name):
        having = _union(numbers for _, numbers in system.values(wanted.name))
    else:
        having = BitMap()
    return having if wanted.value == "true" else system.everything() - having


def _regex(system: System, wanted: Filter) -> BitMap:
    program = _compiled(wanted.value)
    states = max(1, program.programsize)
    left = STEPS
    found = BitMap()
    for text, numbers in _worded(system, wanted.name):
        left -= states * (1 + len(text))
        if left < 0:
            raise invalid(
                "too-costly", "the pattern of a filter would take too long on this code system", "filter", 422
            )
        if program.fullmatch(text):
            found |= numbers
    return found


def _worded(system: System, name: str) -> Iterable[tuple[str, BitMap]]:
    if name in CODES:
        return ((code, BitMap([number])) for number, code in system.codes())
    if name == "display":
        return ((text, BitMap([number])) for number, text in system.texts())
    if not system.knows(name):
        raise NotUnderstood("the code system does not know the property of a filter")
    return system.values(name)


def _compiled(pattern: str) -> re2.Pattern:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    if len(pattern) > LONGEST:
        raise invalid("too-long", f"a pattern has at most {LONGEST} letters", "filter.value", 422)
    try:
        return re2.compile(pattern, options)
    except re2.error:
        reason = "the pattern of a filter is not valid, too large, or needs look-around or a back-reference"
        raise invalid("value", reason, "filter.value", 422) from None


_ASKED: dict[str, Callable[[System, Filter], BitMap]] = {
    "=": _equal,
    "in": _in,
    "not-in": _not_in,
    "is-a": _is_a,
    "descendent-of": _descendent,
    "is-not-a": _is_not_a,
    "generalizes": _generalizes,
    "exists": _exists,
    "regex": _regex,
}
