"""`CodeSystem/$lookup` (codesystem-operation-lookup.html): everything that is known of one code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.asked import Asked
from onmaru.fhir.terminology.coded import codes, shown, system_at_hand
from onmaru.fhir.terminology.concepts import Concept, Designation, value_of
from onmaru.fhir.terminology.system import System
from onmaru.fhir.terminology.telling import Part, coding, parameters
from onmaru.fhir.terminology.terminology import Terminology

NEIGHBOURS = 1000
"""Children told of one concept."""


def lookup(terms: Terminology, asked: Asked) -> dict[str, Any]:
    """Parameters name, version, display, designation, property. Raises Invalid 404 for an unknown system or code.

    Without `property` all is told; else what is asked for: `definition`, `parent`, `child`, `lang.X`, `designation`, or a
    property of the system.
    """
    wanted = codes(asked)[0]
    system = system_at_hand(terms, wanted.system or "", wanted.version)
    number = system.number(wanted.code)
    if number is None:
        raise invalid("not-found", "the code system has no such code", "code", 404)
    concept = system.concepts([number])[0]
    about = system.about
    parts: list[Part] = [{"name": "name", "valueString": about.title or about.name or about.url}]
    if about.version:
        parts.append({"name": "version", "valueString": about.version})
    language = asked.text("displayLanguage")
    parts.append({"name": "display", "valueString": shown(terms, system, concept, language) or concept.code})
    properties = frozenset(asked.all("property"))
    parts += _designations(terms, system, concept, properties)
    parts += _properties(terms, system, number, concept, properties)
    return parameters(parts)


def _designations(terms: Terminology, system: System, concept: Concept, wanted: frozenset[str]) -> Iterator[Part]:
    languages = {one.removeprefix("lang.") for one in wanted if one.startswith("lang.")}
    for one in known_designations(terms, system, concept):
        if not wanted or "designation" in wanted or one.language in languages:
            yield {"name": "designation", "part": list(_designation(one))}


def known_designations(terms: Terminology, system: System, concept: Concept) -> Iterator[Designation]:
    """The designations of a concept, those of supplements after its own."""
    yield from concept.designations
    for extra in terms.supplements(system.about.url):
        number = extra.number(concept.code)
        if number is not None:
            yield from extra.concepts([number])[0].designations


def _designation(one: Designation) -> Iterator[Part]:
    if one.language:
        yield {"name": "language", "valueCode": one.language}
    if any(one.use):
        yield {"name": "use", "valueCoding": coding(*one.use)}
    yield {"name": "value", "valueString": one.value}


def _properties(
    terms: Terminology, system: System, number: int, concept: Concept, wanted: frozenset[str]
) -> Iterator[Part]:
    for name, value in _values(terms, system, number, concept):
        if not wanted or name in wanted:
            yield _property(name, value)


def _values(terms: Terminology, system: System, number: int, concept: Concept) -> Iterator[tuple[str, dict[str, Any]]]:
    if concept.definition:
        yield "definition", {"valueString": concept.definition}
    yield "inactive", {"valueBoolean": concept.inactive}
    for name, near in (("parent", system.parents(number)), ("child", system.children(number))):
        for _, code in system.codes(near[:NEIGHBOURS]):
            yield name, {"valueCode": code}
    told = list(concept.properties)
    for extra in terms.supplements(system.about.url):
        other = extra.number(concept.code)
        told += extra.concepts([other])[0].properties if other is not None else ()
    for one in told:
        if one.code not in ("parent", "child", "inactive"):
            yield one.code, value_of(one)


def _property(code: str, value: dict[str, Any]) -> Part:
    return {"name": "property", "part": [{"name": "code", "valueCode": code}, {"name": "value", **value}]}
