"""Bindings of codes to value sets: required refuses, extensible warns, what is not at hand is a note."""

from __future__ import annotations

from onmaru.fhir.fhirpath import Node
from onmaru.fhir.outcome import Severity
from onmaru.fhir.profiles.definition import Binding
from onmaru.fhir.profiles.visit import Check, Visit
from onmaru.fhir.terminology.members import Answer, Members

_QUANTITIES = frozenset({"Quantity", "Age", "Count", "Distance", "Duration"})


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
