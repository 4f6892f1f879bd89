"""Types that a profile leaves of a choice, profiles of content, and what a Reference may refer to (references.html)."""

from __future__ import annotations

import re

from onmaru.fhir.definitions import RESOURCE_TYPES
from onmaru.fhir.fhirpath import Node
from onmaru.fhir.fhirpath.types import ancestors
from onmaru.fhir.profiles.definition import TypeRule
from onmaru.fhir.profiles.library import BASE
from onmaru.fhir.profiles.visit import Check, Visit

_TYPED = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#.*)?")
_ASKED = re.compile(r"([A-Z][A-Za-z]+)\?.+")


def typed(types: tuple[TypeRule, ...], profile: str) -> Check:
    """The types that a profile leaves of those that the base allows."""
    allowed = frozenset(one.code for one in types)
    shown = ", ".join(sorted(allowed))

    def check(node: Node, visit: Visit) -> None:
        if node.type not in allowed and "." not in node.type and allowed.isdisjoint(ancestors(node.type)):
            visit.report("error", "value", node.path, "type", profile=profile, type=node.type, allowed=shown)

    return check


def profiled(types: tuple[TypeRule, ...]) -> Check | None:
    """The profiles that the content of an element of each type has to meet: one of them."""
    wanted = {one.code: one.profiles for one in types if one.profiles}
    if not wanted:
        return None

    def check(node: Node, visit: Visit) -> None:
        urls = wanted.get(node.type) or (wanted.get("Resource") if node.type in RESOURCE_TYPES else None)
        if not urls or not isinstance(node.data, dict):
            return
        if len(urls) == 1:
            if not visit.profile(node, urls[0]):
                visit.report("warning", "not-found", node.path, "profile-unknown")
        elif not any(visit.conforms(node, url) in (True, None) for url in urls):
            visit.report("error", "value", node.path, "profile-none")

    return check


def referred(types: tuple[TypeRule, ...]) -> Check | None:
    """What a Reference may refer to."""
    targets = tuple(url for one in types if one.code == "Reference" for url in one.targets)
    if not targets or BASE + "Resource" in targets:
        return None
    kinds = frozenset(url.removeprefix(BASE) for url in targets if url.removeprefix(BASE) in RESOURCE_TYPES)
    profiles = tuple(url for url in targets if url.removeprefix(BASE) not in RESOURCE_TYPES)
    shown = ", ".join(sorted(url.rpartition("/")[2] for url in targets))

    def check(node: Node, visit: Visit) -> None:
        if node.type != "Reference" or node.data is None:
            return
        type_name, target = _target(node, visit, deep=bool(profiles))
        if not type_name or type_name in kinds:
            return
        fitting = [url for url in profiles if _type_of(visit, url) in (type_name, "")]
        if not fitting:
            visit.report("error", "value", node.path, "target-type", type=type_name, allowed=shown)
        elif target is not None and not any(visit.conforms(target, url) in (True, None) for url in fitting):
            visit.report("error", "value", node.path, "target-profile")

    return check


def _type_of(visit: Visit, url: str) -> str:
    """The type that a profile is of, "" where it is not known."""
    found = visit.library.definition(url)
    return "" if found is None else found.type


def consistent(node: Node, visit: Visit) -> None:
    """Reference.type says what the reference itself says (references.html#Reference.type)."""
    said = node.data.get("type")
    if isinstance(said, str) and "reference" in node.data:
        type_name, _ = _target(node, visit, deep=False)
        if type_name and said.removeprefix(BASE) != type_name:
            visit.report("error", "value", node.path, "target-says")


def _target(node: Node, visit: Visit, *, deep: bool) -> tuple[str, Node | None]:
    """The type of what a Reference refers to, "" where it cannot be told, and the resource where that was looked for."""
    reference = node.data.get("reference")
    if not isinstance(reference, str):
        said = node.data.get("type")
        name = said.removeprefix(BASE) if isinstance(said, str) else ""
        return (name if name in RESOURCE_TYPES else ""), None
    found = visit.target(node, reference) if deep or reference[:1] == "#" or reference[:4] == "urn:" else None
    if found is not None:
        return found.type, found
    match = _TYPED.fullmatch(reference) or _ASKED.fullmatch(reference)
    return (match[1] if match is not None and match[1] in RESOURCE_TYPES else ""), None
