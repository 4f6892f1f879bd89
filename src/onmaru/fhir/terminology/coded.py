"""A code as an operation names it: by code and system, as a Coding, or as any Coding of a CodeableConcept."""

from __future__ import annotations

import msgspec

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.terminology.asked import MOST, Asked
from onmaru.fhir.terminology.canonical import parted
from onmaru.fhir.terminology.concepts import Concept, Json, text_in
from onmaru.fhir.terminology.system import System
from onmaru.fhir.terminology.terminology import Terminology


class Code(msgspec.Struct, frozen=True):
    """`system` None: nothing was said of it. `version` is the system's."""

    system: str | None
    code: str
    version: str = ""
    display: str = ""


def codes(asked: Asked, version: str = "version") -> list[Code]:
    """The codes asked about, one or more; `version` names the parameter of the system's version.

    Raises Invalid 400 where there is none, or more than one way to say it was used.
    """
    ways = [name for name in ("code", "coding", "codeableConcept") if asked.get(name) is not None]
    if len(ways) != 1:
        raise invalid("required", "one of code, coding and codeableConcept", "code")
    if ways == ["code"]:
        system, _, own = asked.text("system").partition("|")
        return [Code(system or None, asked.text("code"), asked.text(version) or own, asked.text("display"))]
    listed = [asked.get("coding")] if ways == ["coding"] else asked.get("codeableConcept").get("coding", [])
    if len(listed) > MOST:
        raise invalid("too-costly", f"more than {MOST} Codings", "codeableConcept")
    found = [_coding(one, asked.text(version)) for one in listed if one.get("code")]
    if not found:
        raise invalid("required", "a Coding with a code", ways[0])
    return found


def _coding(one: Json, version: str) -> Code:
    return Code(one.get("system", ""), one["code"], one.get("version", "") or version, one.get("display", ""))


def one_of(asked: Asked, name: str, coding: str) -> Code:
    """The code of a parameter or of another that is a Coding; Invalid 400 where there is not exactly one of them."""
    given = asked.get(coding)
    if (asked.get(name) is None) == (given is None):
        raise invalid("required", f"one of {name} and {coding}", name)
    if given is not None:
        if not given.get("code"):
            raise invalid("required", "a Coding with a code", coding)
        return _coding(given, asked.text("version"))
    system, _, own = asked.text("system").partition("|")
    return Code(system or None, asked.text(name), asked.text("version") or own)


def system_at_hand(terms: Terminology, canonical: str, version: str = "") -> System:
    """The system with its codes. Raises Invalid 404 where it is not known, not in this version, or without its codes."""
    url, own = parted(canonical)
    if not url:
        raise invalid("required", "the code system has to be named", "system")
    found = terms.system(url, version or own)
    if found is None:
        raise no_such_system(terms, url)
    if found.about.content == "not-present":
        raise invalid("not-found", "the codes of this system are not at hand; they have to be loaded", "system", 404)
    return found


def no_such_system(terms: Terminology, url: str) -> Invalid:
    """The refusal that says whether the system or only its version is missing."""
    what = (
        "no such code system is at hand" if terms.system(url) is None else "the system is not at hand in this version"
    )
    return invalid("not-found", what, "system", 404)


def shown(terms: Terminology, system: System, concept: Concept, language: str) -> str:
    """The display of a concept in a language, by itself or by a supplement."""
    if not language:
        return concept.display
    found = text_in(concept, language, system.about.language)
    if found != concept.display:
        return found
    for extra in terms.supplements(system.about.url):
        number = extra.number(concept.code)
        if number is not None:
            return text_in(msgspec.structs.replace(extra.concepts([number])[0], display=found), language, "")
    return found
