"""What a coded thing is called: code, Korean and English words of a CodeableConcept or Coding. No word is ever invented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
LOINC = "http://loinc.org"
_HANGUL = re.compile("[가-힣]")


class Named(NamedTuple):
    """`code` is `system|code`. A missing language repeats the other; a thing without words shows its code."""

    code: str
    ko: str
    en: str


NOTHING = Named("", "", "")


def concept(value: Any) -> Named:
    """A CodeableConcept, a Coding, a plain code or text, or the first of a list of them."""
    if value is None:
        return NOTHING
    if isinstance(value, list):
        return next((named for named in map(concept, value) if named != NOTHING), NOTHING)
    if isinstance(value, str):
        return Named("", value, value)
    if not isinstance(value, dict):
        return NOTHING
    codings = [value] if "coding" not in value and "code" in value else value.get("coding") or []
    words = list(_words(value, codings))
    key = _key(codings)
    fallback = words[0] if words else key.rpartition("|")[2]
    ko = next((word for word in words if _HANGUL.search(word)), fallback)
    en = next((word for word in words if not _HANGUL.search(word)), fallback)
    return Named(key, ko, en)


def _words(value: dict[str, Any], codings: list[Any]) -> Iterator[str]:
    """The text first, then displays, then translations: what the sender chose to show stands before what codes say."""
    if value.get("text"):
        yield value["text"]
    for coding in codings:
        if coding.get("display"):
            yield coding["display"]
    for said, sibling in ((value, "_text"), *((coding, "_display") for coding in codings)):
        if sibling in said:
            yield from _translations(said[sibling])


def _translations(sibling: Any) -> Iterator[str]:
    for extension in (sibling or {}).get("extension") or []:
        if extension.get("url") == TRANSLATION:
            inner = extension.get("extension") or []
            yield from (part["valueString"] for part in inner if part.get("url") == "content" and "valueString" in part)


def _key(codings: list[Any]) -> str:
    """LOINC before others, so that one quantity from two senders is one series; then the sender's own choice."""
    coded = [coding for coding in codings if coding.get("code")]
    if not coded:
        return ""
    best = min(coded, key=lambda coding: (coding.get("system") != LOINC, not coding.get("userSelected")))
    return f"{best.get('system', '')}|{best['code']}"


def codes(value: Any) -> set[tuple[str, str]]:
    """Every (system, code) of a CodeableConcept, a Coding or a list of them."""
    if isinstance(value, list):
        return {pair for one in value for pair in codes(one)}
    if not isinstance(value, dict):
        return set()
    codings = value.get("coding") or ([value] if "code" in value else [])
    return {(coding.get("system", ""), coding["code"]) for coding in codings if coding.get("code")}
