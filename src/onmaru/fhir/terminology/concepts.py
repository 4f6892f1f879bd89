"""A concept as any code system gives it: code, display, definition, designations and properties, in R4's own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

Json = Mapping[str, Any]
KINDS = ("valueCode", "valueString", "valueBoolean", "valueInteger", "valueDecimal", "valueDateTime", "valueCoding")
# Of R4's concept properties (codesystem-concept-properties.html) and of the status that v3's systems give
_GONE = frozenset({"retired", "inactive"})


class Designation(msgspec.Struct, frozen=True, array_like=True):
    """Another text of a concept. `use`: (system, code, display) of what it is for."""

    value: str
    language: str = ""
    use: tuple[str, str, str] = ("", "", "")


class Property(msgspec.Struct, frozen=True, array_like=True):
    """What is said of a concept. `value` is the text of a value of `kind` (one of KINDS); of a Coding the code."""

    code: str
    kind: str
    value: str
    system: str = ""
    display: str = ""


class Concept(msgspec.Struct, frozen=True, array_like=True):
    """`abstract`: not to be chosen. `inactive`: no longer to be used."""

    code: str
    display: str = ""
    definition: str = ""
    designations: tuple[Designation, ...] = ()
    properties: tuple[Property, ...] = ()
    abstract: bool = False
    inactive: bool = False


def designations(listed: Iterable[Json]) -> tuple[Designation, ...]:
    """Read CodeSystem.concept.designation or ValueSet.compose.include.concept.designation."""
    return tuple(Designation(one["value"], one.get("language", ""), _use(one.get("use"))) for one in listed)


def _use(use: Json | None) -> tuple[str, str, str]:
    return ("", "", "") if use is None else (use.get("system", ""), use.get("code", ""), use.get("display", ""))


def properties(listed: Iterable[Json]) -> tuple[Property, ...]:
    """Read CodeSystem.concept.property."""
    return tuple(map(_property, listed))


def _property(one: Json) -> Property:
    kind = next((name for name in KINDS if name in one), "valueString")
    value = one.get(kind, "")
    if kind == "valueCoding":
        return Property(one["code"], kind, value.get("code", ""), value.get("system", ""), value.get("display", ""))
    return Property(one["code"], kind, _text(value))


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def abstract(found: Sequence[Property]) -> bool:
    """Whether the properties say that a concept is not to be chosen."""
    return any(one.code in ("notSelectable", "abstract") and one.value == "true" for one in found)


def inactive(found: Sequence[Property]) -> bool:
    """Whether the properties say that a concept is no longer to be used; a deprecated one still may be."""
    return any((p.code == "inactive" and p.value == "true") or (p.code == "status" and p.value in _GONE) for p in found)


def value_of(one: Property) -> dict[str, Any]:
    """A property's value as the member of a Parameters part: `{"valueCode": "x"}`."""
    if one.kind == "valueCoding":
        told = {"system": one.system, "code": one.value, "display": one.display}
        return {one.kind: {name: text for name, text in told.items() if text}}
    if one.kind == "valueBoolean":
        return {one.kind: one.value == "true"}
    if one.kind == "valueInteger":
        return {one.kind: int(one.value)}
    if one.kind == "valueDecimal":
        return {one.kind: msgspec.Raw(one.value.encode())}
    return {one.kind: one.value}


def text_in(concept: Concept, language: str, own: str) -> str:
    """The display in a language: a designation of it, the display where that is its language or nothing fits."""
    if not language or spoken(own, language):
        return concept.display
    fitting = [one for one in concept.designations if spoken(one.language, language)]
    preferred = [one for one in fitting if one.use[1] in ("", "display", "preferredForLanguage")]
    chosen = (preferred or fitting)[:1]
    return chosen[0].value if chosen else concept.display


def spoken(tag: str, wanted: str) -> bool:
    """Whether a language tag is of the language wanted: `ko-KR` is `ko` (RFC 4647, basic filtering)."""
    tag, wanted = tag.lower(), wanted.lower()
    return bool(tag) and (tag == wanted or tag.startswith(f"{wanted}-") or wanted.startswith(f"{tag}-"))
