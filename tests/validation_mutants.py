"""Broken copies of sound resources, each with the place at which a validator has to find fault.

What is allowed is read here from HL7's StructureDefinitions themselves, apart from the program's own reading of them.
"""

from __future__ import annotations

import copy
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]


class Mutant(NamedTuple):
    """`path` must be among the places of the errors that `resource` has."""

    kind: str
    path: str
    resource: Json


def snapshots(package: Path) -> dict[str, dict[str, Json]]:
    """Resource type → path → ElementDefinition, of R4's base resources."""
    found = {}
    with tarfile.open(package) as tar:
        for member in tar:
            if member.name.startswith("package/StructureDefinition-"):
                stream = tar.extractfile(member)
                assert stream is not None
                one = json.load(stream)
                if one.get("derivation") != "constraint" and one["kind"] == "resource":
                    found[one["type"]] = {e["path"]: e for e in one["snapshot"]["element"]}
    return found


def places(value: Any, path: str, element: str, definitions: dict[str, Json]) -> Iterator[tuple[str, str, Json]]:
    """(path with indexes, path of the definition, object) of every object in a resource but for what it contains."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from places(one, f"{path}[{index}]", element, definitions)
    elif isinstance(value, dict):
        yield path, element, value
        for name, inner in value.items():
            if name not in ("contained", "resource") and name[0] != "_":
                below = f"{element}.{name}"
                label = name if below in definitions else _label(name)
                yield from places(inner, f"{path}.{label}", below, definitions)


# Choices that the examples have, as FHIRPath names them
_CHOICE = re.compile(
    "(value|onset|effective|performed|occurred|occurrence|dose|rate|when|detail|abatement|deceased|minimumVolume|asNeeded"
    "|timing|age|born|probability|serviced|location|diagnosis|procedure|amount|product|medication|reported|start|due)"
    "(Quantity|Age|Range|Period|Reference|CodeableConcept|Timing|Duration|Ratio|SampledData|Attachment)"
)


def _label(name: str) -> str:
    match = _CHOICE.fullmatch(name)
    return match[1] if match else name


def mutants(resource: Json, definitions: dict[str, Json]) -> Iterator[Mutant]:
    """One broken copy of each kind that the resource gives occasion for."""
    type_name = resource["resourceType"]
    for kind, mutate in KINDS.items():
        broken = copy.deepcopy(resource)
        path = mutate(broken, type_name, definitions)
        if path:
            yield Mutant(kind, path, broken)


def code(resource: Json, type_name: str, definitions: dict[str, Json]) -> str:
    """A code that a required value set of FHIR's own does not have."""
    for name, value in resource.items():
        element = definitions.get(f"{type_name}.{name}", {})
        bound = element.get("binding", {})
        ours = str(bound.get("valueSet", "")).startswith("http://hl7.org/fhir/ValueSet/")
        if isinstance(value, str) and bound.get("strength") == "required" and ours and name != "language":
            resource[name] = "no-such-code"
            return f"{type_name}.{name}"
    return ""


def target(resource: Json, type_name: str, definitions: dict[str, Json]) -> str:
    """A reference to a type that its element does not allow."""
    for path, element, value in places(resource, type_name, type_name, definitions):
        defined = definitions.get(element) or {}
        targets = [
            url for t in defined.get("type", ()) if t["code"] == "Reference" for url in t.get("targetProfile", ())
        ]
        plain = [url.rpartition("/")[2] for url in targets]
        if targets and "Resource" not in plain and "VerificationResult" not in plain and "reference" in value:
            value["reference"] = "VerificationResult/x"
            value.pop("type", None)
            return path
    return ""


def period(resource: Json, type_name: str, definitions: dict[str, Json]) -> str:
    """A period that ends before it begins (per-1)."""
    for path, _, value in places(resource, type_name, type_name, definitions):
        if {"start", "end"} <= value.keys() and "." in path and isinstance(value["start"], str):
            value["start"], value["end"] = "2026-01-02", "2026-01-01"
            return path
    return ""


def quantity(resource: Json, type_name: str, definitions: dict[str, Json]) -> str:
    """A coded unit without its system (qty-3)."""
    for path, _, value in places(resource, type_name, type_name, definitions):
        if {"value", "system", "code"} <= value.keys() and "coding" not in value:
            del value["system"]
            return path
    return ""


def modifier(resource: Json, type_name: str, definitions: dict[str, Json]) -> str:
    """A modifier extension that nobody knows."""
    if f"{type_name}.modifierExtension" not in definitions or "modifierExtension" in resource:
        return ""
    resource["modifierExtension"] = [{"url": "http://example.org/unknown", "valueBoolean": True}]
    return f"{type_name}.modifierExtension[0]"


def extension(resource: Json, type_name: str, definitions: dict[str, Json]) -> str:
    """An extension with both a value and parts (ext-1)."""
    if f"{type_name}.extension" not in definitions or "extension" in resource:
        return ""
    part = {"url": "part", "valueBoolean": True}
    resource["extension"] = [{"url": "http://example.org/x", "valueBoolean": True, "extension": [part]}]
    return f"{type_name}.extension[0]"


def contained(resource: Json, type_name: str, definitions: dict[str, Json]) -> str:
    """A contained resource that nothing refers to (dom-3)."""
    if f"{type_name}.contained" not in definitions:
        return ""
    resource.setdefault("contained", []).append({"resourceType": "Basic", "id": "alone", "code": {"text": "-"}})
    return type_name


def context(resource: Json, type_name: str, definitions: dict[str, Json]) -> str:
    """An extension of R4's own where its definition does not allow it."""
    if f"{type_name}.extension" not in definitions or type_name == "Patient" or "extension" in resource:
        return ""
    url = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
    resource["extension"] = [{"url": url, "valueAddress": {"city": "서울"}}]
    return f"{type_name}.extension[0]"


KINDS = {
    "code": code,
    "target": target,
    "period": period,
    "quantity": quantity,
    "modifier": modifier,
    "extension": extension,
    "contained": contained,
    "context": context,
}
