"""What a bulk export asks for, read from a query or a Parameters resource (FHIR Bulk Data Access 2, Export).

What is not understood is refused, or under `Prefer: handling=lenient` left aside and told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from onmaru.fhir import search, structure
from onmaru.fhir.outcome import Issue, invalid
from onmaru.fhir.query import Query
from onmaru.fhir.search.catalogue import compartment
from onmaru.fhir.search.dates import span
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.entry import ID, pairs_of
from onmaru.kernel.gate import SHARED

Level = Literal["system", "patient", "group"]
FORMATS = frozenset({"application/fhir+ndjson", "application/ndjson", "ndjson"})
ASSOCIATED = frozenset({"LatestProvenanceResources", "RelevantProvenanceResources"})
# One filter begins where a type and a question mark stand: commas within a filter are its own
_FILTER = re.compile(r",(?=[A-Z][A-Za-z]{1,63}\?)")
# Of a search's result, not of what it finds
_FORM = frozenset(
    {"_sort", "_count", "_total", "_summary", "_elements", "_include", "_revinclude", "_cursor", "_contained"}
)
_MOST = 200
_KNOWN = ("_outputFormat", "_since", "_until", "_type", "_typeFilter", "_elements", "includeAssociatedData", "patient")
_VALUES = ("valueString", "valueCode", "valueInstant", "valueDateTime", "valueUri", "valueReference")


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """`types` () means all. `filters`: (type, query) pairs, alternatives of their type. Times in µs since 1970 UTC.

    `patients`: only these of the patient or group level. `aside`: what was not understood and left aside.
    """

    level: Level
    group: str = ""
    types: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    since: int = 0
    until: int = 0
    elements: tuple[str, ...] = ()
    associated: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()

    def queries(self, type: str) -> Sequence[Query]:
        """The searches whose matches of one type are asked for: everything of it, or what any of its filters finds."""
        mine = [text for one, text in self.filters if one == type]
        return [_filter(type, text) for text in mine] or [Query((type,))]

    def wanted(self) -> Sequence[str]:
        """The types to look through, in order; at patient and group level those of the Patient compartment, unless named."""
        if self.types:
            return sorted(self.types)
        every = sorted(RESOURCE_TYPES)
        return every if self.level == "system" else [one for one in every if one == "Patient" or compartment(one)]

    def shared(self, type: str) -> bool:
        """Whether a type belongs to nobody, so that no patient narrows it: staff and places, which must be named."""
        return type in SHARED

    def trimmed(self, type: str) -> tuple[str, ...]:
        """The elements that resources of one type are reduced to; () leaves them whole."""
        mine = (one for one in self.elements if "." not in one or one.startswith(f"{type}."))
        return tuple(one.removeprefix(f"{type}.") for one in mine)

    def told(self) -> Sequence[Issue]:
        """What was left aside, for the manifest's errors."""
        return [Issue("not-supported", "not understood and left aside", name, "warning") for name in self.aside]


def parse(level: Level, group: str, pairs: Sequence[tuple[str, str]], *, lenient: bool = False) -> Asked:
    """Read an export's parameters; `Invalid` 400 names the one that cannot be taken."""
    reading = _Reading(lenient, level)
    for name, value in pairs:
        reading.take(name, value)
    found = reading.found
    if level == "system" and found.get("patients"):
        raise invalid("not-supported", "patients are named at the patient and group level", "patient")
    unasked = {type for type, _ in found.get("filters", ())} - set(found.get("types", ()))
    if unasked and found.get("types"):
        raise invalid("value", "a filter is for one of the types in _type", "_typeFilter")
    return Asked(level, group, aside=tuple(reading.aside), **found)


def pairs_within(body: bytes) -> list[tuple[str, str]]:
    """The parameters of a posted Parameters resource as (name, text); `Invalid` 400 or 422."""
    _, parameters = structure.admit(body, "Parameters")
    found: list[tuple[str, str]] = []
    for number, one in enumerate(parameters.parameter or ()):
        value = next((value for name in _VALUES if (value := getattr(one, name, None)) is not None), None)
        text = value if isinstance(value, str) else getattr(value, "reference", None)
        if not isinstance(text, str):
            raise invalid("value", "a string, code, instant or reference", f"Parameters.parameter[{number}]")
        found.append((one.name, text))
    return found


class _Reading:
    def __init__(self, lenient: bool, level: Level) -> None:
        self._lenient = lenient
        self._level = level
        self.found: dict[str, Any] = {}
        self.aside: list[str] = []

    def take(self, name: str, value: str) -> None:
        reader = getattr(self, f"_{name.lstrip('_').lower()}", None) if name in _KNOWN else None
        if reader is not None:
            reader(value)
        elif self._lenient or name == "_format":
            self.aside += [name[:64]] if name != "_format" else []
        else:
            raise invalid("not-supported", "not a parameter of $export", name[:64])

    def _add(self, name: str, values: Sequence[Any]) -> None:
        self.found[name] = tuple(dict.fromkeys([*self.found.get(name, ()), *values]))
        if len(self.found[name]) > _MOST:
            raise invalid("too-costly", f"more than {_MOST} values", name)

    def _outputformat(self, value: str) -> None:
        if value.replace(" ", "+") not in FORMATS:
            raise invalid("not-supported", "the only format written is application/fhir+ndjson", "_outputFormat")

    def _since(self, value: str) -> None:
        self.found["since"] = _instant("_since", value)

    def _until(self, value: str) -> None:
        self.found["until"] = _instant("_until", value)

    def _type(self, value: str) -> None:
        named = [part.strip() for part in value.split(",") if part.strip()]
        unknown = [part for part in named if part not in RESOURCE_TYPES]
        if unknown and not self._lenient:
            raise invalid("value", "not a resource type of FHIR R4", "_type")
        self.aside += ["_type"] if unknown else []
        self._add("types", [part for part in named if part in RESOURCE_TYPES])

    def _typefilter(self, value: str) -> None:
        for part in _FILTER.split(value):
            type, _, text = part.strip().partition("?")
            if type not in RESOURCE_TYPES or not text:
                raise invalid("value", "filters are searches such as Observation?status=final", "_typeFilter")
            _filter(type, text)
            self._add("filters", [(type, text)])

    def _elements(self, value: str) -> None:
        named = [part.strip() for part in value.split(",") if part.strip()]
        if any(not re.fullmatch(r"[A-Za-z]{1,64}(\.[A-Za-z]{1,64})?", part) for part in named):
            raise invalid("value", "elements at the root: id, Patient.name", "_elements")
        self._add("elements", named)

    def _includeassociateddata(self, value: str) -> None:
        named = [part.strip() for part in value.split(",") if part.strip()]
        unknown = [part for part in named if part not in ASSOCIATED]
        if unknown and not self._lenient:
            raise invalid("not-supported", f"known are {', '.join(sorted(ASSOCIATED))}", "includeAssociatedData")
        self.aside += ["includeAssociatedData"] if unknown else []
        self._add("associated", [part for part in named if part in ASSOCIATED])

    def _patient(self, value: str) -> None:
        for part in value.split(","):
            id = part.strip().rpartition("Patient/")[2]
            if not ID.fullmatch(id):
                raise invalid("value", "a reference to a Patient", "patient")
            self._add("patients", [id])


def _instant(name: str, text: str) -> int:
    try:
        return span(text.strip().replace(" ", "+"))[0]
    except (ValueError, OverflowError) as error:
        raise invalid("value", "not an instant", name) from error


def _filter(type: str, text: str) -> Query:
    """One filter as a search, with as much of it as can be asked here."""
    pairs = pairs_of(text)
    if any(name.split(":")[0] in _FORM for name, _ in pairs):
        raise invalid("not-supported", "a filter says what is found, not how it is shown", "_typeFilter")
    return search.parse((type,), pairs)
