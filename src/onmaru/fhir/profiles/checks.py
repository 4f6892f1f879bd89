"""What one ElementDefinition asks of one value, each demand compiled to a function that reports what it finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from onmaru.fhir.definitions import RESOURCE_TYPES
from onmaru.fhir.fhirpath import Node, PathError, compiled, read
from onmaru.fhir.fhirpath.types import ancestors
from onmaru.fhir.outcome import Severity
from onmaru.fhir.profiles.codes import Answer, Members
from onmaru.fhir.profiles.definition import Binding, Constraint, Rule, TypeRule
from onmaru.fhir.profiles.library import BASE
from onmaru.fhir.profiles.visit import Check, Visit

_QUANTITIES = frozenset({"Quantity", "Age", "Count", "Distance", "Duration"})
_TYPED = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#.*)?")
_ASKED = re.compile(r"([A-Z][A-Za-z]+)\?.+")


# --- invariants -------------------------------------------------------------------------------------------------------


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


# --- fixed[x], pattern[x], ranges -------------------------------------------------------------------------------------


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


# --- bindings ---------------------------------------------------------------------------------------------------------


def bound(binding: Binding) -> list[Check]:
    """A binding: required refuses, extensible warns, and neither may leave the maximum."""
    found = []
    if binding.value_set and binding.strength in ("required", "extensible"):
        found.append(_bound(binding.value_set, "code-outside" if binding.strength == "required" else "code-advised"))
    if binding.maximum and binding.maximum != binding.value_set:
        found.append(_bound(binding.maximum, "code-maximum"))
    return found


def _bound(url: str, key: str) -> Check:
    wanted = key != "code-advised"
    severity: Severity = "error" if wanted else "warning"

    def check(node: Node, visit: Visit) -> None:
        if node.data is None or (visit.errors_only and not wanted):
            return
        members = visit.library.members(url)
        answer = coded(node, members)
        if answer == "":
            if key == "code-outside":
                visit.report(severity, "code-invalid", node.path, "code-missing", url=url)
        elif answer is False:
            visit.report(severity, "code-invalid", node.path, key, url=url)
        elif answer is None:
            visit.report("information", "not-found", node.path, "code-unknown", url=url)

    return check


def coded(node: Node, members: Members | None) -> Answer | str:
    """Whether a code, Coding, CodeableConcept or Quantity is in a set; "" where it has no code at all."""
    data = node.data
    if not isinstance(data, dict):
        return _one(members, None, data) if isinstance(data, str) else True
    if node.type == "CodeableConcept":
        answers = [_one(members, one.get("system", ""), one["code"]) for one in data.get("coding", ()) if "code" in one]
        if not answers:
            return ""
        return True if True in answers else None if None in answers else False
    if node.type == "Coding" or node.type in _QUANTITIES:
        return _one(members, data.get("system", ""), data["code"]) if "code" in data else ""
    return True


def _one(members: Members | None, system: str | None, code: str) -> Answer:
    return None if members is None else members.holds(system, code)


# --- types, profiles and targets --------------------------------------------------------------------------------------


def typed(types: tuple[TypeRule, ...], profile: str) -> Check:
    """The types that a profile leaves of those that the base allows."""
    allowed = frozenset(one.code for one in types)
    shown = ", ".join(sorted(allowed))

    def check(node: Node, visit: Visit) -> None:
        if node.type not in allowed and "." not in node.type and allowed.isdisjoint(ancestors(node.type)):
            visit.report("error", "value", node.path, "type", profile=profile, type=node.type, allowed=shown)

    return check


def profiled(types: tuple[TypeRule, ...]) -> Check | None:
    """The profiles that the content of an element of each type has to meet: one of them."""
    wanted = {one.code: one.profiles for one in types if one.profiles}
    if not wanted:
        return None

    def check(node: Node, visit: Visit) -> None:
        urls = wanted.get(node.type) or (wanted.get("Resource") if node.type in RESOURCE_TYPES else None)
        if not urls or not isinstance(node.data, dict):
            return
        if len(urls) == 1:
            if not visit.profile(node, urls[0]):
                visit.report("warning", "not-found", node.path, "profile-unknown")
        elif not any(visit.conforms(node, url) in (True, None) for url in urls):
            visit.report("error", "value", node.path, "profile-none")

    return check


def referred(types: tuple[TypeRule, ...]) -> Check | None:
    """What a Reference may refer to."""
    targets = tuple(url for one in types if one.code == "Reference" for url in one.targets)
    if not targets or BASE + "Resource" in targets:
        return None
    kinds = frozenset(url.removeprefix(BASE) for url in targets if url.removeprefix(BASE) in RESOURCE_TYPES)
    profiles = tuple(url for url in targets if url.removeprefix(BASE) not in RESOURCE_TYPES)
    shown = ", ".join(sorted(url.rpartition("/")[2] for url in targets))

    def check(node: Node, visit: Visit) -> None:
        if node.type != "Reference" or node.data is None:
            return
        type_name, target = _target(node, visit, deep=bool(profiles))
        if not type_name or type_name in kinds:
            return
        fitting = [url for url in profiles if _type_of(visit, url) in (type_name, "")]
        if not fitting:
            visit.report("error", "value", node.path, "target-type", type=type_name, allowed=shown)
        elif target is not None and not any(visit.conforms(target, url) in (True, None) for url in fitting):
            visit.report("error", "value", node.path, "target-profile")

    return check


def _type_of(visit: Visit, url: str) -> str:
    """The type that a profile is of, "" where it is not known."""
    found = visit.library.definition(url)
    return "" if found is None else found.type


def consistent(node: Node, visit: Visit) -> None:
    """Reference.type says what the reference itself says (references.html#Reference.type)."""
    said = node.data.get("type")
    if isinstance(said, str) and "reference" in node.data:
        type_name, _ = _target(node, visit, deep=False)
        if type_name and said.removeprefix(BASE) != type_name:
            visit.report("error", "value", node.path, "target-says")


def _target(node: Node, visit: Visit, *, deep: bool) -> tuple[str, Node | None]:
    """The type of what a Reference refers to, "" where it cannot be told, and the resource where that was looked for."""
    reference = node.data.get("reference")
    if not isinstance(reference, str):
        said = node.data.get("type")
        name = said.removeprefix(BASE) if isinstance(said, str) else ""
        return (name if name in RESOURCE_TYPES else ""), None
    found = visit.target(node, reference) if deep or reference[:1] == "#" or reference[:4] == "urn:" else None
    if found is not None:
        return found.type, found
    match = _TYPED.fullmatch(reference) or _ASKED.fullmatch(reference)
    return (match[1] if match is not None and match[1] in RESOURCE_TYPES else ""), None
