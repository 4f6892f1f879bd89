"""The CapabilityStatement and the SMART configuration, read off the routes and search parameters that really work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from onmaru import __version__
from onmaru.fhir.search import parameters
from onmaru.fhir.search.own import Own
from onmaru.fhir.search.within import COMPARTMENTS
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.patching import FORMS
from onmaru.web.doors import Settings
from onmaru.web.fhir import terms
from onmaru.web.fhir.operations.offered import described, operations
from onmaru.web.fhir.routes import OPERATIONS, Table

# The day this server's interface last changed, as CapabilityStatement.date asks for
DATE = "2026-11-23"
_OF_SYSTEM = frozenset({"search-system", "history-system", "transaction"})
# Parameters of every search that are no elements of what is searched; `_has` is one too
COMMON = ("_has", "_list")
# Special to us; told as what R4 defines them to be
_DEFINED = {"_id": "token", "_lastUpdated": "date", "_content": "string", "_text": "string"}
_KINDS = frozenset({"number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"})


def capability(routes: Table, settings: Settings) -> tuple[bytes, bytes]:
    """The CapabilityStatement of kind instance, in two parts between which the JSON string of the base url belongs."""
    named = {name for methods in routes.values() for name, _ in methods.values()}
    of_type = [{"code": name} for name in _ORDER if name in named - _OF_SYSTEM]
    offered = operations(settings)
    of_system = [{"code": name} for name in sorted(named & _OF_SYSTEM | {"batch"})]
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": "Onmaru", "version": __version__},
        "implementation": {"description": "Onmaru hospital record", "url": "@"},
        "fhirVersion": "4.0.1",
        "instantiates": [f"{_BULK}/CapabilityStatement/bulk-data"],
        "format": ["application/fhir+json", "json", "application/fhir+xml", "xml"],
        "patchFormat": [*FORMS, "application/fhir+json", "application/fhir+xml"],
        "rest": [
            {
                "mode": "server",
                "security": {"cors": True, "service": [{"coding": [_SMART]}], "description": "SMART App Launch 2"},
                "resource": [
                    {
                        **_resource(name, of_type, settings),
                        "operation": [*_own(name), *described(offered, name), *terms.operations(name)],
                    }
                    for name in sorted(RESOURCE_TYPES)
                ],
                "interaction": of_system,
                "operation": [
                    *(
                        {"name": name[1:], "definition": f"urn:onmaru:operation:{name[1:]}"}
                        for name in sorted(OPERATIONS)
                    ),
                    *described(offered, ""),
                    _EXPORT,
                    {"name": "import", "definition": "urn:onmaru:operation:import"},
                ],
                "searchParam": [{"name": name, "type": "special"} for name in COMMON],
                "compartment": [
                    f"http://hl7.org/fhir/CompartmentDefinition/{owner[0].lower()}{owner[1:]}"
                    for owner in sorted(COMPARTMENTS)
                ],
            }
        ],
    }
    before, _, after = msgspec.json.encode(statement).partition(b'"@"')
    return before, after


def searched(statement: bytes, own: Own) -> bytes:
    """The statement with a tenant's own search parameters at the types that they are defined on."""
    for type_name, codes in own.items():
        told = [{"name": code, "type": one.kind, "definition": one.url} for code, one in sorted(codes.items())]
        before, mark, after = statement.partition(f'"type":"{type_name}",'.encode())
        head, listed, rest = after.partition(b'"searchParam":[')
        if mark and listed:
            statement = before + mark + head + listed + msgspec.json.encode(told)[1:-1] + b"," + rest
    return statement


_SMART = {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}
_ORDER = ("read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type")


# R5's definition: R4 has none
_PURGE = {"name": "purge", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-purge"}
_BULK = "http://hl7.org/fhir/uv/bulkdata"
_EXPORT = {"name": "export", "definition": f"{_BULK}/OperationDefinition/export"}
_OF_TYPE = {
    "Patient": [_PURGE, {"name": "export", "definition": f"{_BULK}/OperationDefinition/patient-export"}],
    "Group": [{"name": "export", "definition": f"{_BULK}/OperationDefinition/group-export"}],
}
_VALIDATE = {"name": "validate", "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate"}


def _own(type_name: str) -> list[Mapping[str, str]]:
    return [*_OF_TYPE.get(type_name, ()), _VALIDATE]


def _resource(type_name: str, interactions: list[dict[str, str]], settings: Settings) -> Mapping[str, Any]:
    return {
        "type": type_name,
        "interaction": interactions,
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": settings.update_create,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "multiple" if settings.multiple_delete else "single",
        "referencePolicy": ["literal", "logical"],
        "searchParam": [
            {"name": code, "type": _DEFINED.get(code, found.kind if found.kind in _KINDS else "special")}
            | ({"definition": found.url} if found.url else {})
            for code, found in sorted(parameters(type_name).items())
        ],
        "searchInclude": ["*", f"{type_name}:*", *_references(type_name)],
        "searchRevInclude": ["*", *_pointing().get(type_name, ())],
    }


@cache
def _references(type_name: str) -> Sequence[str]:
    """The reference parameters of a type, as an include names them."""
    known = sorted(parameters(type_name).items())
    return tuple(f"{type_name}:{code}" for code, found in known if found.kind == "reference")


@cache
def _pointing() -> Mapping[str, Sequence[str]]:
    """Of each type the reference parameters, of every type, that may point at it."""
    found: dict[str, list[str]] = {}
    for source in sorted(RESOURCE_TYPES):
        for name in _references(source):
            for target in parameters(source)[name.partition(":")[2]].targets:
                found.setdefault(target, []).append(name)
    return found
