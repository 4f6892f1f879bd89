"""`ConceptMap/$translate` (conceptmap-operation-translate.html): what a code is called elsewhere, by the maps there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.asked import Asked
from onmaru.fhir.terminology.canonical import parted
from onmaru.fhir.terminology.coded import Code, codes
from onmaru.fhir.terminology.concept_map import MISSING, Beside, Match, Translation, concept_map
from onmaru.fhir.terminology.telling import Language, Part, coding, parameters, said
from onmaru.fhir.terminology.terminology import Terminology

# Maps that one map may hand a code on to, each after another
FURTHER = 8
MOST = 1000
"""Matches told of one question."""


def translate(
    terms: Terminology, asked: Asked, language: Language, instance: Translation | None = None
) -> dict[str, Any]:
    """Parameters result, message, match. Raises Invalid 404 for a map that is named and not known."""
    given = codes(asked)
    maps = _maps(terms, asked, instance)
    found: dict[Match, None] = {}
    for code in given:
        for match in _matches(terms, asked, maps, code):
            if len(found) >= MOST:
                raise invalid("too-costly", f"more than {MOST} matches; name the concept map", "url", 422)
            found[match] = None
    result = any(one.equivalence not in MISSING for one in found)
    parts: list[Part] = [{"name": "result", "valueBoolean": result}]
    if not result:
        parts.append({"name": "message", "valueString": said(language, "no-match" if maps else "no-map")})
    return parameters([*parts, *map(_told, found)])


def _maps(terms: Terminology, asked: Asked, instance: Translation | None) -> Sequence[Translation]:
    own, url = asked.get("conceptMap"), asked.text("url")
    if instance is not None:
        return [instance]
    if own is not None:
        return [Translation(concept_map(own))]
    name, version = parted(url)
    found = terms.concept_maps(name, asked.text("conceptMapVersion") or version)
    if url and not found:
        raise invalid("not-found", "no such concept map is at hand", "url", 404)
    # Several versions of one map: the first is the newest
    return found[:1] if url else [one for one in found if _about(one, asked)]


def _about(one: Translation, asked: Asked) -> bool:
    """Whether a map goes from and to the value sets asked for."""
    source, target = asked.text("source"), asked.text("target")
    if asked.flag("reverse"):
        source, target = target, source
    return source in ("", one.map.source) and target in ("", one.map.target)


def _matches(terms: Terminology, asked: Asked, maps: Sequence[Translation], code: Code) -> Iterator[Match]:
    system, wanted = code.system or "", asked.text("targetsystem")
    for one in maps:
        if asked.flag("reverse"):
            yield from one.back(system, code.code, wanted)
            continue
        for found in _forward(terms, one, (system, code.code, wanted)):
            if all(_met(each, asked) for each in found.target.depends):
                yield found


def _forward(terms: Terminology, first: Translation, asked: tuple[str, str, str]) -> Iterator[Match]:
    """What a map says, and where it says nothing, what the maps say that it names instead."""
    system, code, wanted = asked
    waiting, seen = [first], {first.map.url}
    for _ in range(FURTHER):
        if not waiting:
            return
        one = waiting.pop()
        found = list(one.forward(system, code, wanted))
        yield from found
        for url in () if found else one.others(system):
            if url not in seen:
                seen.add(url)
                waiting += terms.concept_maps(*parted(url))[:1]


def _met(needed: Beside, asked: Asked) -> bool:
    """Whether a dependency of a target was given with the question."""
    for one in asked.all("dependency"):
        element = one.get("element", {}).get("valueUri", "")
        concept = one.get("concept", {}).get("valueCodeableConcept", {})
        values = {concept.get("text", ""), *(each.get("code", "") for each in concept.get("coding", ()))}
        if element == needed.element and needed.value in values:
            return True
    return False


def _told(one: Match) -> Part:
    parts: list[Part] = [{"name": "equivalence", "valueCode": one.equivalence}]
    if one.target.code:
        told = coding(one.system, one.target.code, one.target.display, one.version)
        parts.append({"name": "concept", "valueCoding": told})
    for beside in one.target.product:
        value = coding(beside.system, beside.value, beside.display)
        inner = [{"name": "element", "valueUri": beside.element}, {"name": "concept", "valueCoding": value}]
        parts.append({"name": "product", "part": inner})
    if one.source:
        parts.append({"name": "source", "valueUri": one.source})
    return {"name": "match", "part": parts}
