"""fixed[x], pattern[x], ranges and lengths of one value, each compiled to a function that reports what it finds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from onmaru.fhir.fhirpath import Node, read
from onmaru.fhir.profiles.definition import Rule
from onmaru.fhir.profiles.visit import Check, Visit


def equal(wanted: Any, data: Any) -> bool:
    """Whether JSON is the same, numbers by value."""
    if isinstance(wanted, dict):
        return (
            isinstance(data, dict)
            and wanted.keys() == data.keys()
            and all(equal(v, data[k]) for k, v in wanted.items())
        )
    if isinstance(wanted, list):
        return isinstance(data, list) and len(wanted) == len(data) and all(map(equal, wanted, data))
    return bool(wanted == data) and isinstance(wanted, bool) == isinstance(data, bool)


def covered(wanted: Any, data: Any) -> bool:
    """Whether JSON has all of a pattern: every member, and for each item of an array some item that has it."""
    if isinstance(wanted, dict):
        return isinstance(data, dict) and all(k in data and covered(v, data[k]) for k, v in wanted.items())
    if isinstance(wanted, list):
        return isinstance(data, list) and all(any(covered(one, item) for item in data) for one in wanted)
    return equal(wanted, data)


def matcher(rule: Rule) -> Callable[[Any], bool]:
    """Whether JSON is what fixed[x] or pattern[x] of a rule says."""
    wanted = read(rule.value.encode())
    test = equal if rule.exact else covered
    return lambda data: test(wanted, data)


def valued(rule: Rule, profile: str) -> Check:
    """fixed[x] or pattern[x]."""
    test, key = matcher(rule), "fixed" if rule.exact else "pattern"

    def check(node: Node, visit: Visit) -> None:
        if not test(node.data):
            visit.report("error", "value", node.path, key, profile=profile)

    return check


def length(most: int) -> Check:
    def check(node: Node, visit: Visit) -> None:
        if isinstance(node.data, str) and len(node.data) > most:
            visit.report("error", "too-long", node.path, "length", most=most)

    return check


def bounded(rule: Rule, profile: str) -> Check:
    """minValue[x] and maxValue[x] of numbers, dates and quantities in the same unit."""
    least = read(rule.least.encode()) if rule.least else None
    most = read(rule.most.encode()) if rule.most else None

    def check(node: Node, visit: Visit) -> None:
        if _less(node.data, least) or _less(most, node.data):
            visit.report("error", "value", node.path, "range", profile=profile)

    return check


def _less(one: Any, other: Any) -> bool:
    """Whether one is certainly below the other."""
    if one is None or other is None:
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        if one.get("system") != other.get("system") or one.get("code") != other.get("code"):
            return False
        return _less(one.get("value"), other.get("value"))
    if isinstance(one, (int, Decimal)) and isinstance(other, (int, Decimal)):
        return one < other
    shorter = min(len(one), len(other)) if isinstance(one, str) and isinstance(other, str) else 0
    return bool(shorter) and one[:shorter] < other[:shorter]
