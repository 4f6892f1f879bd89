"""A ConceptMap as it is kept, and what it says of a code (conceptmap-operation-translate.html)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from onmaru.fhir.terminology.concepts import Json

# How an equivalence reads when the map is read from its targets (valueset-concept-map-equivalence)
_BACK = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
MISSING = frozenset({"unmatched", "disjoint"})


class Beside(msgspec.Struct, frozen=True, array_like=True):
    """An OtherElement: dependsOn or product."""

    element: str
    value: str
    system: str = ""
    display: str = ""


class Target(msgspec.Struct, frozen=True, array_like=True):
    code: str
    display: str
    equivalence: str
    comment: str = ""
    depends: tuple[Beside, ...] = ()
    product: tuple[Beside, ...] = ()


class Element(msgspec.Struct, frozen=True, array_like=True):
    code: str
    display: str
    targets: tuple[Target, ...]


class Group(msgspec.Struct, frozen=True, array_like=True):
    """`unmapped`: (mode, code, display, url of another map) for what has no element."""

    source: str
    source_version: str
    target: str
    target_version: str
    elements: tuple[Element, ...]
    unmapped: tuple[str, str, str, str] = ("", "", "", "")


class ConceptMap(msgspec.Struct, frozen=True, array_like=True):
    """`source` and `target` are the canonicals of value sets, "" where it names none."""

    url: str
    version: str
    source: str
    target: str
    groups: tuple[Group, ...]


class Match(msgspec.Struct, frozen=True):
    """One answer. `system` "" and `code` "": the map says that there is no such code."""

    equivalence: str
    system: str
    version: str
    target: Target
    source: str


def concept_map(resource: Json) -> ConceptMap:
    """Read a ConceptMap that passed structural validation."""
    source = resource.get("sourceCanonical") or resource.get("sourceUri", "")
    target = resource.get("targetCanonical") or resource.get("targetUri", "")
    return ConceptMap(
        resource.get("url", ""),
        resource.get("version", ""),
        source,
        target,
        tuple(map(_group, resource.get("group", ()))),
    )


def _group(one: Json) -> Group:
    unmapped = one.get("unmapped", {})
    return Group(
        one.get("source", ""),
        one.get("sourceVersion", ""),
        one.get("target", ""),
        one.get("targetVersion", ""),
        tuple(map(_element, one["element"])),
        (unmapped.get("mode", ""), unmapped.get("code", ""), unmapped.get("display", ""), unmapped.get("url", "")),
    )


def _element(one: Json) -> Element:
    return Element(one.get("code", ""), one.get("display", ""), tuple(map(_target, one.get("target", ()))))


def _target(one: Json) -> Target:
    depends, product = (tuple(map(_beside, one.get(name, ()))) for name in ("dependsOn", "product"))
    return Target(
        one.get("code", ""), one.get("display", ""), one["equivalence"], one.get("comment", ""), depends, product
    )


def _beside(one: Json) -> Beside:
    return Beside(one["property"], one["value"], one.get("system", ""), one.get("display", ""))


class Translation:
    """One ConceptMap looked up by code, forwards or back."""

    def __init__(self, found: ConceptMap) -> None:
        self.map = found
        self._forward: dict[tuple[str, str], list[tuple[Group, Element]]] = {}
        self._back: dict[tuple[str, str], list[tuple[Group, Element, Target]]] = {}
        for group in found.groups:
            for element in group.elements:
                self._forward.setdefault((group.source, element.code), []).append((group, element))
                for target in element.targets:
                    if target.code:
                        self._back.setdefault((group.target, target.code), []).append((group, element, target))

    def forward(self, system: str, code: str, target: str = "") -> Iterator[Match]:
        """What a code is in the target systems, or in the one asked for; what a group says of unmapped codes else."""
        for group in self.map.groups:
            if group.source != system or (target and group.target != target):
                continue
            mine = [one for where, one in self._forward.get((system, code), ()) if where is group]
            for element in mine:
                for found in element.targets:
                    yield Match(found.equivalence, group.target, group.target_version, found, self.map.url)
            if not mine:
                yield from self._unmapped(group, code)

    def _unmapped(self, group: Group, code: str) -> Iterator[Match]:
        mode, fixed, display, _ = group.unmapped
        if mode == "provided":
            made = Target(code, "", "equal")
        elif mode == "fixed" and fixed:
            made = Target(fixed, display, "inexact")
        else:
            return
        yield Match(made.equivalence, group.target, group.target_version, made, self.map.url)

    def others(self, system: str) -> Iterator[str]:
        """The maps that say what this one does not (unmapped, mode other-map)."""
        for group in self.map.groups:
            if group.source == system and group.unmapped[0] == "other-map" and group.unmapped[3]:
                yield group.unmapped[3]

    def back(self, system: str, code: str, source: str = "") -> Iterator[Match]:
        """What has this code as its target, in the source system asked for or in any."""
        for group, element, target in self._back.get((system, code), ()):
            if source and group.source != source:
                continue
            turned = _BACK.get(target.equivalence, target.equivalence)
            made = Target(element.code, element.display, turned, target.comment)
            yield Match(turned, group.source, group.source_version, made, self.map.url)
