"""Invariants: FHIRPath compiled once, the commonest said again in Python; a broken one is told with its text and key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from onmaru.fhir.fhirpath import Node, PathError, compiled
from onmaru.fhir.outcome import Severity
from onmaru.fhir.profiles.definition import Constraint
from onmaru.fhir.profiles.visit import Check, Visit

# Invariants that nearly every resource meets, said again in Python for speed; None leaves it to the expression itself.
# A test compares the two on every example and on broken copies.


def _one_content(data: Any) -> bool:
    valued = any(name.startswith(("value", "_value")) for name in data)
    return valued != ("extension" in data)


def _narrated(data: Any) -> bool | None:
    return True if data.get("text", {}).get("div") else None


def _in_order(data: Any) -> bool | None:
    """A period whose ends are written alike compares as text."""
    start, end = data.get("start"), data.get("end")
    if start is None or end is None:
        return True
    return True if len(start) == len(end) and start[10:] == end[10:] and start <= end else None


def _with_system(data: Any) -> bool | None:
    return True if ("code" not in data and "_code" not in data) or "system" in data else None


def _referred_to(data: Any) -> bool | None:
    """Whether each contained resource is named by a plain reference somewhere outside of it."""
    contained = data.get("contained")
    if contained is None:
        return True
    names = {f"#{one.get('id')}" for one in contained}
    return True if names <= set(_references([value for name, value in data.items() if name != "contained"])) else None


def _references(waiting: list[Any]) -> Iterator[str]:
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            found = value.get("reference")
            if isinstance(found, str):
                yield found
            waiting += value.values()


NATIVE: Mapping[str, Callable[[Any], bool | None]] = {
    "ext-1": _one_content,
    "dom-6": _narrated,
    "per-1": _in_order,
    "qty-3": _with_system,
    "dom-2": lambda data: None if "contained" in data else True,
    "dom-3": _referred_to,
    "dom-4": lambda data: None if "contained" in data else True,
    "dom-5": lambda data: None if "contained" in data else True,
    "ref-1": lambda data: None if str(data.get("reference", "")).startswith("#") else True,
}
# As R4 has it, and as it must be said so that it says what its text says
REPAIRED: Mapping[str, str] = {
    "operator = 'exists' implies (answer is Boolean)": "operator = 'exists' implies (answer is boolean)",
}


def invariant(one: Constraint, *, own: bool = False) -> Check:
    """An invariant; what cannot be evaluated is told, and is no error of the data. `own`: it is R4's, not a profile's."""
    native = NATIVE.get(one.key) if own else None
    expression = REPAIRED.get(one.expression, one.expression)
    severity: Severity = "error" if one.severity == "error" else "warning"

    def check(node: Node, visit: Visit) -> None:
        if severity == "warning" and visit.errors_only:
            return
        answer = native(node.data) if native is not None else None
        if answer is None:
            answer = _evaluated(expression, one.key, node, visit)
        if not answer:
            visit.report(severity, "invariant", node.path, "constraint", key=one.key, human=one.human)

    return check


def _evaluated(expression: str, key: str, node: Node, visit: Visit) -> bool:
    """Whether an invariant holds. One that cannot be evaluated is told and counts as held."""
    try:
        return _holds(visit.evaluate(compiled(expression), node))
    except PathError as error:
        visit.report("information", "not-supported", node.path, "constraint-failed", key=key, reason=error.reason)
        return True


def _holds(answer: list[Any]) -> bool:
    """A collection as an invariant's answer: only a plain no breaks it; empty says nothing."""
    return len(answer) != 1 or (answer[0].value if answer[0].__class__ is Node else answer[0]) is not False
