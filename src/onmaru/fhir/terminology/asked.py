"""What an operation was asked, by the query of a GET or a posted Parameters: names, types and how often, as R4 defines them.

What R4 does not define for an operation is refused by name, so that a slip of the pen is no silent other question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir import structure
from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.concepts import Json

MANY = "*"
MOST = 200
"""Parameters of one question, and Codings of one concept."""
_FLAGS = {"true": True, "false": False}
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
RESOURCES = frozenset({"CodeSystem", "ValueSet", "ConceptMap"})

# Operation → parameter → type, with * where it may be repeated: R4's OperationDefinitions
_SHOWN = {"date": "dateTime", "displayLanguage": "code"}
_CODED = {"code": "code", "system": "uri", "coding": "Coding", "codeableConcept": "CodeableConcept"}
OPERATIONS: Mapping[str, Mapping[str, str]] = {
    "CodeSystem/$lookup": {
        **_SHOWN,
        "code": "code",
        "system": "uri",
        "version": "string",
        "coding": "Coding",
        "property": "code*",
    },
    "CodeSystem/$validate-code": {
        **_SHOWN,
        **_CODED,
        "url": "uri",
        "codeSystem": "CodeSystem",
        "version": "string",
        "display": "string",
        "abstract": "boolean",
    },
    "CodeSystem/$subsumes": {
        "codeA": "code",
        "codeB": "code",
        "system": "uri",
        "version": "string",
        "codingA": "Coding",
        "codingB": "Coding",
    },
    "ValueSet/$validate-code": {
        **_SHOWN,
        **_CODED,
        "url": "uri",
        "context": "uri",
        "valueSet": "ValueSet",
        "valueSetVersion": "string",
        "systemVersion": "string",
        "display": "string",
        "abstract": "boolean",
        "system-version": "canonical*",
        "check-system-version": "canonical*",
        "force-system-version": "canonical*",
    },
    "ValueSet/$expand": {
        **_SHOWN,
        "url": "uri",
        "valueSet": "ValueSet",
        "valueSetVersion": "string",
        "context": "uri",
        "contextDirection": "code",
        "filter": "string",
        "offset": "integer",
        "count": "integer",
        "includeDesignations": "boolean",
        "designation": "string*",
        "includeDefinition": "boolean",
        "activeOnly": "boolean",
        "excludeNested": "boolean",
        "excludeNotForUI": "boolean",
        "excludePostCoordinated": "boolean",
        "exclude-system": "canonical*",
        "system-version": "canonical*",
        "check-system-version": "canonical*",
        "force-system-version": "canonical*",
    },
    "ConceptMap/$translate": {
        **_CODED,
        "url": "uri",
        "conceptMap": "ConceptMap",
        "conceptMapVersion": "string",
        "version": "string",
        "source": "uri",
        "target": "uri",
        "targetsystem": "uri",
        "dependency": "part*",
        "reverse": "boolean",
    },
}


class Asked:
    """The parameters by name, each of its type; a resource and a complex value as JSON."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._given: dict[str, list[Any]] = {}
        self._count = 0

    def add(self, name: str, value: Any, where: str) -> None:
        """Take one value. Raises Invalid 400 for a name that is not known or given twice, and for another type."""
        kind = self._kinds.get(name)
        if kind is None:
            raise invalid("not-supported", f"the parameters are {', '.join(self._kinds)}", where)
        if name in self._given and not kind.endswith(MANY):
            raise invalid("value", "may be given once", where)
        self._count += 1
        if self._count > MOST:
            raise invalid("too-costly", f"more than {MOST} parameters", where)
        self._given.setdefault(name, []).append(_typed(kind.rstrip(MANY), value, where))

    def check(self, name: str, kind: str, where: str) -> None:
        """Raise Invalid 400 where a parameter is no resource of this type."""
        if self._kinds.get(name) != kind:
            raise invalid("value", "a resource of another type", where)

    def get(self, name: str) -> Any:
        """The value, None where it was not given."""
        given = self._given.get(name)
        return None if given is None else given[0]

    def text(self, name: str) -> str:
        """The value of a primitive, "" where it was not given."""
        return self.get(name) or ""

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        found = self.get(name)
        return default if found is None else bool(found)

    def all(self, name: str) -> Sequence[Any]:
        """Every value."""
        return self._given.get(name, ())

    def refuse(self, *names: str) -> None:
        """Raise Invalid 400 for parameters that an instance decides itself."""
        for name in names:
            if name in self._given:
                raise invalid("not-supported", "the instance says this itself", name)


def _typed(kind: str, value: Any, where: str) -> Any:
    if kind in _READ:
        return _READ[kind](value, where)
    if kind[0].islower() and kind != "part":
        if not isinstance(value, str) or not value:
            raise invalid("value", f"a {kind}", where)
        return value
    if not isinstance(value, dict):
        raise invalid("value", f"a {kind}, in a posted Parameters", where)
    return value


def _boolean(value: Any, where: str) -> bool:
    value = _FLAGS.get(value) if isinstance(value, str) else value
    if not isinstance(value, bool):
        raise invalid("value", "true or false", where)
    return value


def _integer(value: Any, where: str) -> int:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid("value", "a whole number from 0", where)
    return value


_READ: Mapping[str, Callable[[Any, str], Any]] = {"boolean": _boolean, "integer": _integer}


def asked(operation: str, query: Iterable[tuple[str, str]], body: bytes) -> Asked:
    """Read the query and then the body, Parameters or the one resource that the operation is about.

    Raises Invalid 400 and 422 with what is wrong; `operation` is one of OPERATIONS.
    """
    kinds = OPERATIONS[operation]
    found = Asked(kinds)
    for name, value in query:
        if not name.startswith("_"):
            found.add(name, value, name)
    if body:
        compact, _ = structure.admit(body)
        resource = msgspec.json.decode(compact)
        kind = resource["resourceType"]
        if kind == "Parameters":
            _read(found, resource)
        else:
            name = next((name for name, wanted in kinds.items() if wanted == kind and wanted in RESOURCES), "")
            if not name:
                raise invalid(
                    "structure", "Parameters are wanted, or the resource that the operation is about", "resourceType"
                )
            found.add(name, resource, name)
    return found


def _read(found: Asked, parameters: Json) -> None:
    for number, one in enumerate(parameters.get("parameter", ())):
        where = f"Parameters.parameter[{number}]"
        value = next((value for name, value in one.items() if name.startswith("value")), None)
        if "resource" in one:
            value = one["resource"]
            found.check(one["name"], value["resourceType"], where)
        elif "part" in one:
            value = {part["name"]: part for part in one["part"]}
        found.add(one["name"], value, where)
