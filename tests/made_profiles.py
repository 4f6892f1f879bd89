"""Profiles made for a test: StructureDefinitions with a differential, resources, and where a resource breaks them."""

from __future__ import annotations

import json
from typing import Any

from onmaru.fhir.profiles.library import Library
from onmaru.fhir.profiles.validator import Wanted, validated

Json = dict[str, Any]
BASE = "http://hl7.org/fhir/StructureDefinition/"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def definition(url: str, type_name: str, *elements: Json, base: str = "", **more: Any) -> Json:
    """A StructureDefinition with a differential."""
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "name": "Made",
        "status": "active",
        "kind": "complex-type" if type_name == "Extension" else "resource",
        "abstract": False,
        "type": type_name,
        "baseDefinition": base or BASE + type_name,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
        **more,
    }


def element(id: str, **more: Any) -> Json:
    path = ".".join(part.partition(":")[0] for part in id.split("."))
    name = id.rpartition(".")[2].partition(":")[2]
    return {"id": id, "path": path, **({"sliceName": name} if name else {}), **more}


def sliced(id: str, *discriminators: tuple[str, str], rules: str = "open", ordered: bool = False) -> Json:
    listed = [{"type": kind, "path": path} for kind, path in discriminators]
    return element(id, slicing={"discriminator": listed, "rules": rules, "ordered": ordered})


def library(*resources: Json) -> Library:
    return Library({(one["resourceType"], one["url"]): json.dumps(one).encode() for one in resources})


def found(resource: Json, known: Library, *profiles: str, severity: str = "error") -> list[tuple[str, str]]:
    """(path, key of the message) of each problem, the key found by the message's beginning."""
    issues = validated(json.dumps(resource).encode(), known, Wanted(profiles=profiles))
    return [(one.expression, one.text) for one in issues if one.severity == severity]


def paths(resource: Json, known: Library, *profiles: str) -> list[str]:
    return [path for path, _ in found(resource, known, *profiles)]


def coded(code: str, system: str = LOINC) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def observation(**more: Any) -> Json:
    return {"resourceType": "Observation", "status": "final", "code": coded("85354-9"), **more}


def component(code: str, **more: Any) -> Json:
    return {"code": coded(code), **more}


def patterned(code: str) -> Json:
    return {"patternCodeableConcept": coded(code)}
