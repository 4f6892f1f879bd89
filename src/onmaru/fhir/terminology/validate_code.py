"""`$validate-code` of a code system and of a value set: is the code in it, and is this its display?

What cannot be said from what is at hand is refused with 404: neither true nor false would be honest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.search.folding import normal
from onmaru.fhir.terminology.asked import Asked
from onmaru.fhir.terminology.canonical import joined, parted
from onmaru.fhir.terminology.coded import Code, codes, shown, system_at_hand
from onmaru.fhir.terminology.listed import read
from onmaru.fhir.terminology.lookup import known_designations
from onmaru.fhir.terminology.members import Members
from onmaru.fhir.terminology.pinned import Pinned, pins
from onmaru.fhir.terminology.selection import Pins
from onmaru.fhir.terminology.system import System
from onmaru.fhir.terminology.telling import Language, Part, parameters, said
from onmaru.fhir.terminology.terminology import Terminology
from onmaru.fhir.terminology.value_set import ValueSet, value_set


class Verdict(msgspec.Struct, frozen=True):
    """`hint`: what is worth knowing though the answer is yes."""

    result: bool
    message: str = ""
    display: str = ""
    hint: str = ""

    def told(self) -> dict[str, Any]:
        """As Parameters."""
        parts: list[Part] = [{"name": "result", "valueBoolean": self.result}]
        if self.message or self.hint:
            parts.append({"name": "message", "valueString": self.message or self.hint})
        if self.display:
            parts.append({"name": "display", "valueString": self.display})
        return parameters(parts)


def in_system(terms: Terminology, asked: Asked, language: Language, instance: System | None = None) -> dict[str, Any]:
    """`CodeSystem/$validate-code`: the system by `url`, by `codeSystem`, by each Coding, or the instance."""
    sent = asked.get("codeSystem")
    own = read(sent) if sent is not None else instance
    url = asked.text("url") or asked.text("system") or (own.about.url if own is not None else "")
    found = []
    for code in codes(asked):
        if code.system and url and code.system != parted(url)[0]:
            found.append(Verdict(False, said(language, "not-in-system", system=parted(url)[0])))
            continue
        system = own or system_at_hand(terms, url or code.system or "", code.version)
        number = system.number(code.code)
        if number is None and not system.about.whole:
            raise invalid("not-found", "only some codes of this system are at hand", "system", 404)
        if number is None:
            found.append(Verdict(False, said(language, "not-in-system", system=system.about.url)))
        else:
            found.append(_judged(terms, asked, (system, number), code, language))
    return _best(found).told()


def _best(found: Sequence[Verdict]) -> Verdict:
    return next((one for one in found if one.result), found[0])


def _judged(
    terms: Terminology, asked: Asked, at: tuple[System, int], code: Code, language: Language, given: str = ""
) -> Verdict:
    """A code that is there, held against its display and its standing. `given`: the display that a value set gives it."""
    system, number = at
    plain = not code.display and not asked.get("displayLanguage")
    concept = system.glance(number) if plain else system.concepts([number])[0]
    display = given or shown(terms, system, concept, asked.text("displayLanguage"))
    if concept.abstract and asked.get("abstract") is False:
        return Verdict(False, said(language, "abstract"), display)
    if code.display:
        right = {normal(one.value) for one in known_designations(terms, system, concept)}
        right |= {normal(display), normal(concept.display)}
        if normal(code.display) not in right:
            return Verdict(False, said(language, "display", display=display), display)
    return Verdict(True, display=display, hint=said(language, "inactive") if concept.inactive else "")


def in_set(terms: Terminology, asked: Asked, language: Language, instance: ValueSet | None = None) -> dict[str, Any]:
    """`ValueSet/$validate-code`: the value set by `url`, by `valueSet`, or the instance."""
    given = codes(asked, "systemVersion")
    found, members = _members(terms, asked, instance, given)
    verdicts = [_one(terms, asked, (found, members), code, language) for code in given]
    known = [one for one in verdicts if one is not None]
    if not known or not (any(one.result for one in known) or len(known) == len(verdicts)):
        raise invalid("not-found", "the value set draws on codes that are not at hand", "url", 404)
    return _best(known).told()


def _members(
    terms: Terminology, asked: Asked, instance: ValueSet | None, given: Sequence[Code]
) -> tuple[ValueSet, Members | None]:
    pinned = pins(asked, {one.system: one.version for one in given if one.system and one.version})
    own = asked.get("valueSet")
    found = value_set(own) if own is not None else instance or named_set(terms, asked)
    if own is None and instance is None and pinned == Pins():
        return found, terms.members(named(asked))
    return found, Pinned(terms, pinned).made(found)


def named(asked: Asked) -> str:
    """The canonical of the value set that `url` and `valueSetVersion` name."""
    url, version = parted(asked.text("url"))
    return joined(url, asked.text("valueSetVersion") or version)


def named_set(terms: Terminology, asked: Asked) -> ValueSet:
    """The value set of `url` and `valueSetVersion`. Raises Invalid 400 and 404."""
    url, version = parted(named(asked))
    if not url:
        raise invalid("required", "the value set has to be named", "url")
    found = terms.value_set(url, version)
    if found is None:
        raise invalid("not-found", "no such value set is at hand", "url", 404)
    return found


def _one(
    terms: Terminology, asked: Asked, at: tuple[ValueSet, Members | None], code: Code, language: Language
) -> Verdict | None:
    found, members = at
    answer = None if members is None else members.holds(code.system, code.code)
    if answer is None or members is None:
        return None
    if not answer:
        return Verdict(False, said(language, "not-in-set", set=found.url or "-"))
    url = code.system or members.system_of(code.code)
    system = terms.system(url, code.version) or terms.system(url)
    number = None if system is None else system.number(code.code)
    listed = next(
        (o.display for p in found.include for o in p.codes or () if o.code == code.code and p.system == url), ""
    )
    if system is None or number is None:
        wrong = bool(code.display and listed) and normal(code.display) != normal(listed)
        return Verdict(not wrong, said(language, "display", display=listed) if wrong else "", listed or code.display)
    return _judged(terms, asked, (system, number), code, language, "" if asked.get("displayLanguage") else listed)
