"""`CodeSystem/$subsumes` (codesystem-operation-subsumes.html): how two codes of one system stand to each other."""

from __future__ import annotations

from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.asked import Asked
from onmaru.fhir.terminology.coded import one_of, system_at_hand
from onmaru.fhir.terminology.system import System
from onmaru.fhir.terminology.telling import parameters
from onmaru.fhir.terminology.terminology import Terminology


def subsumes(terms: Terminology, asked: Asked, instance: System | None = None) -> dict[str, Any]:
    """Parameters outcome: equivalent, subsumes, subsumed-by or not-subsumed. Raises Invalid 404 for an unknown code."""
    first, second = one_of(asked, "codeA", "codingA"), one_of(asked, "codeB", "codingB")
    url = instance.about.url if instance is not None else first.system or second.system or ""
    if any(one.system not in (None, url) for one in (first, second)):
        raise invalid("value", "both codes have to be of one code system", "system")
    system = instance or system_at_hand(terms, url, first.version or second.version)
    numbers = []
    for name, one in (("codeA", first), ("codeB", second)):
        number = system.number(one.code)
        if number is None:
            raise invalid("not-found", "the code system has no such code", name, 404)
        numbers.append(number)
    a, b = numbers
    outcome = "equivalent" if a == b else "subsumes" if a in system.above(b) else "subsumed-by"
    if outcome == "subsumed-by" and b not in system.above(a):
        outcome = "not-subsumed"
    return parameters([{"name": "outcome", "valueCode": outcome}])
