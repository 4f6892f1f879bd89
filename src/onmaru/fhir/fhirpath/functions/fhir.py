"""What FHIR R4 adds to the language (fhirpath.html#functions). What needs a terminology, a store or profiles is asked of
the environment's hooks, and refused where nobody answers."""

from __future__ import annotations

from typing import Any

from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.functions.registry import Arguments, function
from onmaru.fhir.fhirpath.node import Node, is_resource, root, value_of
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import string
from onmaru.fhir.fhirpath.types import FHIR, ancestors
from onmaru.fhir.narrative import div_reason

BASE = "http://hl7.org/fhir/StructureDefinition/"


@function("extension", 1)
def extension(run: Run, items: Collection, arguments: Arguments) -> Collection:
    url = string(arguments[0](run))
    found: Collection = []
    for item in items:
        if item.__class__ is Node:
            below: list[Any] = []
            item.add("extension", below)
            found += [one for one in below if isinstance(one.data, dict) and one.data.get("url") == url]
            run.spend(len(below))
    return found


@function("resolve")
def resolve(run: Run, items: Collection, arguments: Arguments) -> Collection:
    found: Collection = []
    for item in items:
        reference = _reference(item)
        node = _resolved(run, item, reference) if reference else None
        if node is not None:
            found.append(node)
    return found


def _reference(item: Any) -> str:
    if item.__class__ is Node and isinstance(item.data, dict):
        reference = item.data.get("reference")
        return reference if isinstance(reference, str) else ""
    value = value_of(item)
    return value if isinstance(value, str) else ""


def _resolved(run: Run, item: Any, reference: str) -> Node | None:
    holder = _holder(item) if item.__class__ is Node else run.resource
    if reference.startswith("#"):
        return _contained(holder, reference[1:])
    outer = holder.root if holder is not None else run.root
    node = _in_bundle(run, outer, holder, reference) if outer is not None else None
    if node is not None or run.environment.hooks.resolve is None:
        return node
    data = run.environment.hooks.resolve(reference)
    return None if data is None else root(data)


def _holder(node: Node) -> Node | None:
    """The resource that a node stands in."""
    place: Node | None = node
    while place is not None and not is_resource(place):
        place = place.parent
    return place


def _contained(holder: Node | None, name: str) -> Node | None:
    """The container itself for `#`, else the contained resource of that id."""
    while holder is not None and holder.label == "contained":
        holder = holder.parent
    if holder is None or not name:
        return holder
    below: list[Any] = []
    holder.add("contained", below)
    return next((one for one in below if isinstance(one.data, dict) and one.data.get("id") == name), None)


def _in_bundle(run: Run, outer: Node, holder: Node | None, reference: str) -> Node | None:
    if outer.type != "Bundle":
        return None
    entries: list[Any] = []
    outer.add("entry", entries)
    run.spend(len(entries))
    base = _base_of(holder)
    wanted = {reference, f"{base}/{reference}"} if base else {reference}
    for entry in entries:
        url = entry.data.get("fullUrl") if isinstance(entry.data, dict) else None
        if url in wanted or (not base and isinstance(url, str) and url.endswith(f"/{reference}")):
            below: list[Any] = []
            entry.add("resource", below)
            return below[0] if below else None
    return None


def _base_of(holder: Node | None) -> str:
    """The base of the fullUrl of the entry that holds a resource, "" where it is no RESTful address."""
    entry = holder.parent if holder is not None else None
    url = entry.data.get("fullUrl") if entry is not None and isinstance(entry.data, dict) else None
    if not isinstance(url, str) or not url.startswith("http"):
        return ""
    return url.rsplit("/", 2)[0]


@function("conformsTo", 1)
def conforms_to(run: Run, items: Collection, arguments: Arguments) -> Collection:
    url = string(arguments[0](run))
    if url is None or not items:
        return []
    if len(items) > 1:
        raise execution("conformsTo() takes a single item")
    node = items[0]
    name = url.removeprefix(BASE) if url.startswith(BASE) else ""
    if name in FHIR:
        return [node.__class__ is Node and name in ancestors(node.type)]
    hook = run.environment.hooks.conforms
    answer = hook(node, url) if hook is not None and node.__class__ is Node else None
    if answer is None:
        raise execution("the profile is not known here")
    return [answer]


@function("memberOf", 1)
def member_of(run: Run, items: Collection, arguments: Arguments) -> Collection:
    url = string(arguments[0](run))
    if url is None or not items:
        return []
    if len(items) > 1:
        raise execution("memberOf() takes a single item")
    hook = run.environment.hooks.member_of
    if hook is None:
        raise execution("no terminology was given to this evaluation")
    answer = hook(items[0], url)
    return [] if answer is None else [answer]


def _subsumes(run: Run, general: Collection, special: Collection) -> Collection:
    if not general or not special:
        return []
    if len(general) > 1 or len(special) > 1:
        raise execution("subsumes() takes single codings or concepts")
    hook = run.environment.hooks.subsumes
    if hook is None:
        raise execution("no terminology was given to this evaluation")
    answer = hook(general[0], special[0])
    return [] if answer is None else [answer]


@function("subsumes", 1)
def subsumes(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return _subsumes(run, items, arguments[0](run))


@function("subsumedBy", 1)
def subsumed_by(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return _subsumes(run, arguments[0](run), items)


@function("htmlChecks")
def html_checks(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = string(items)
    return [] if value is None else [not div_reason(value)]


@function("checkModifiers", 1, 99)
def check_modifiers(run: Run, items: Collection, arguments: Arguments) -> Collection:
    """The items as they are. Raises PathError where one has a modifier extension that is not among the named."""
    known = {string(argument(run)) for argument in arguments}
    for item in items:
        below: list[Any] = []
        if item.__class__ is Node:
            item.add("modifierExtension", below)
        if any(not isinstance(one.data, dict) or one.data.get("url") not in known for one in below):
            raise execution("an item has a modifier extension that is not known")
    return items
