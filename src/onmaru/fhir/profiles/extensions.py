"""Extensions: known by their url, allowed where they stand, modifying or not, and what their own definition says.

extensibility.html and defining-extensions.html#context.
"""

from __future__ import annotations

from onmaru.fhir.fhirpath import Node, PathError, compiled
from onmaru.fhir.fhirpath.node import labels
from onmaru.fhir.fhirpath.types import ancestors
from onmaru.fhir.profiles.definition import Definition
from onmaru.fhir.profiles.visit import Visit

# What later versions call the resources that have a canonical; R4 has them without the name
_INTERFACES = frozenset({"CanonicalResource", "MetadataResource"})
_CANONICAL = frozenset({"url", "version", "status"})


def extended(node: Node, visit: Visit) -> None:
    """Check one extension; those inside another that have no url of their own are the other's parts."""
    holder = node.parent
    url = node.data.get("url")
    if holder is None or not isinstance(url, str) or (holder.type == "Extension" and ":" not in url):
        return
    if not visit.profiled:
        return
    modifying = node.label == "modifierExtension"
    found = visit.library.definition(url)
    if found is None:
        if modifying:
            visit.report("error", "extension", node.path, "modifier-unknown")
        else:
            visit.report("information", "extension", node.path, "extension-unknown")
        return
    if found.type != "Extension":
        visit.report("error", "extension", node.path, "extension-type")
        return
    if modifying != _modifies(found):
        visit.report("error", "extension", node.path, "extension-plain" if modifying else "extension-modifier")
    if found.contexts and not any(_fits(kind, said, holder, visit) for kind, said in found.contexts):
        visit.report("error", "extension", node.path, "context")
    visit.profile(node, url)


def _modifies(found: Definition) -> bool:
    return bool(found.rules) and found.rules[0].modifier


def _fits(kind: str, said: str, holder: Node, visit: Visit) -> bool:
    """Whether an element may hold an extension with this context."""
    if kind == "extension":
        return holder.type == "Extension" and holder.data.get("url") == said
    if kind == "fhirpath":
        return _among(said, holder, visit)
    name = said.rpartition("#")[2].replace("[x]", "")
    if name in _INTERFACES:
        return labels(holder.type).keys() >= _CANONICAL
    return ":" in name or name in ancestors(holder.type) or name in _names(holder)


def _among(expression: str, holder: Node, visit: Visit) -> bool:
    """Whether an expression on the resource gives the element; one that cannot be evaluated forbids nothing."""
    top = holder
    while top.parent is not None and not (isinstance(top.data, dict) and "resourceType" in top.data):
        top = top.parent
    try:
        return any(one is holder for one in visit.evaluate(compiled(expression), top))
    except PathError:
        return True


def _names(node: Node) -> set[str]:
    """What an element is called in the definitions: `HumanName.family`, `Patient.name.family`."""
    found = {node.type}
    below = ""
    place: Node | None = node
    while place is not None and place.parent is not None and not (below and place.type[:1].isupper() and _whole(place)):
        below = f"{place.label}.{below}" if below else place.label
        place = place.parent
        found |= {f"{type_name}.{below}" for type_name in ancestors(place.type)}
    return found


def _whole(node: Node) -> bool:
    return isinstance(node.data, dict) and "resourceType" in node.data
