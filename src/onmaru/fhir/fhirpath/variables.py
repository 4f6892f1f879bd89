"""Environment variables: those that FHIRPath and FHIR define, and those that a caller gives."""

from __future__ import annotations

from typing import Any

from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.fhirpath.node import UCUM_SYSTEM
from onmaru.fhir.fhirpath.run import Collection, Run

_FIXED = {"ucum": UCUM_SYSTEM, "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}
_FAMILIES = {"vs-": "http://hl7.org/fhir/ValueSet/", "ext-": "http://hl7.org/fhir/StructureDefinition/"}
_PLACES = frozenset({"context", "resource", "rootResource"})


def is_fixed(name: str) -> bool:
    """Whether the language or FHIR defines the variable, so that no expression may."""
    return name in _FIXED or name in _PLACES or name.startswith(tuple(_FAMILIES))


def look_up(run: Run, name: str) -> Collection:
    """The value of `%name`. Raises PathError for one that is not defined."""
    if name in run.variables:
        return run.variables[name]
    given = run.environment.variables
    if name in given:
        return _listed(given[name])
    if name in _PLACES:
        return _place(run, name)
    if name in _FIXED:
        return [_FIXED[name]]
    for prefix, base in _FAMILIES.items():
        if name.startswith(prefix):
            return [base + name.removeprefix(prefix)]
    raise semantic("no variable has this name")


def _place(run: Run, name: str) -> Collection:
    if name == "context":
        return run.context
    node = run.resource if name == "resource" else run.root
    return [] if node is None else [node]


def _listed(value: Any) -> Collection:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
