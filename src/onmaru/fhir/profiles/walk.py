"""The walk over a resource by R4's own definitions: invariants, bindings, targets, extensions, and the profiles it names."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from onmaru.fhir.definitions import RESOURCE_TYPES, elements, kinds
from onmaru.fhir.fhirpath import Node
from onmaru.fhir.primitives import PRIMITIVES
from onmaru.fhir.profiles import bindings, invariants, targets, values
from onmaru.fhir.profiles.bundles import bundle
from onmaru.fhir.profiles.definition import Constraint, Rule
from onmaru.fhir.profiles.extensions import extended
from onmaru.fhir.profiles.library import BASE, Library
from onmaru.fhir.profiles.plan import Compiler, Plan
from onmaru.fhir.profiles.tree import Tree
from onmaru.fhir.profiles.visit import Check, Visit, children

Enters = Literal["nothing", "type", "resource", "extension"]


class Child(msgspec.Struct, frozen=True):
    """One element of a type. `enters`: what lies below it."""

    label: str
    checks: tuple[Check, ...]
    enters: Enters


class TypePlan(msgspec.Struct, frozen=True):
    """What R4 says of a type beyond its shape: `members` has the JSON members that are worth a look."""

    checks: tuple[Check, ...]
    members: dict[str, tuple[Child, str]]


def type_plan(library: Library, type_name: str) -> TypePlan:
    """The compiled type, resource, data type or backbone path."""
    found: TypePlan | None = library.plans.get(type_name)
    if found is None:
        found = library.plans[type_name] = _type_plan(library, type_name)
    return found


def _type_plan(library: Library, type_name: str) -> TypePlan:
    head, *rest = type_name.split(".")
    tree = library.tree(BASE + head)
    for part in rest:
        tree = tree.children[part.removesuffix("[x]")] if tree is not None else None
    if tree is None:
        return TypePlan((), {})
    rooted = () if rest else tuple(invariants.invariant(one, own=True) for one in tree.rule.constraints)
    if type_name == "Reference":
        rooted += (targets.consistent,)
    members: dict[str, tuple[Child, str]] = {}
    for element in elements(type_name):
        child = _child(library, tree.children[element.name])
        for name in element.types:
            if child.checks or name not in PRIMITIVES:
                members[element.member(name)] = (child, name)
            if name in PRIMITIVES and not element.attribute:
                members[f"_{element.member(name)}"] = (child, "")
    return TypePlan(rooted, members)


def _child(library: Library, tree: Tree) -> Child:
    rule = tree.rule
    found = [invariants.invariant(one, own=True) for one in _constraints(library, rule)]
    if rule.binding is not None:
        found += bindings.bound(rule.binding)
    if rule.max_length:
        found.append(values.length(rule.max_length))
    if rule.least or rule.most:
        found.append(values.bounded(rule, BASE + rule.path.partition(".")[0]))
    found += [check for check in (targets.profiled(rule.types), targets.referred(rule.types)) if check is not None]
    return Child(tree.label, tuple(found), _enters(rule))


def _constraints(library: Library, rule: Rule) -> tuple[Constraint, ...]:
    """An element's own invariants; one that repeats another by reference has those of the other."""
    if not rule.content:
        return rule.constraints
    *path, label = rule.content.split(".")
    other = library.below(path, label)
    return rule.constraints if other is None else (*rule.constraints, *other.rule.constraints)


def _enters(rule: Rule) -> Enters:
    codes = [one.code for one in rule.types]
    if codes == ["Extension"]:
        return "extension"
    if codes == ["Resource"]:
        return "resource"
    return "type"


def walk(node: Node, visit: Visit) -> None:
    """Check an element of a complex type and all below it."""
    plan = type_plan(visit.library, node.type)
    for check in plan.checks:
        check(node, visit)
    data, members = node.data, plan.members
    for name, value in data.items():
        member = members.get(name)
        if member is None or (name[0] == "_" and name[1:] in data and name[1:] in members):
            continue
        child, type_name = member
        if not child.checks and type_name and child.enters == "type" and _plain(value, type_name, visit.library):
            continue
        for one in children(node, child.label):
            for check in child.checks:
                check(one, visit)
            _enter(one, child.enters, visit)


def _plain(value: Any, type_name: str, library: Library) -> bool:
    """Whether a complex value holds nothing that any rule speaks of: a Coding without extensions, a list of such."""
    if value.__class__ is list:
        return all(_plain(one, type_name, library) for one in value)
    plan = type_plan(library, type_name)
    if plan.checks:
        return False
    members = plan.members
    for name in value:
        member = members.get(name)
        if member is not None:
            child, inner = member
            if child.checks or not inner or child.enters != "type" or not _plain(value[name], inner, library):
                return False
    return True


def _enter(node: Node, enters: Enters, visit: Visit) -> None:
    if enters == "resource":
        resource(node, visit)
    elif isinstance(node.data, dict):
        if enters == "extension":
            extended(node, visit)
        walk(node, visit)
    elif isinstance(node.extra, dict):
        for one in children(node, "extension"):
            extended(one, visit)
            walk(one, visit)


def resource(node: Node, visit: Visit) -> None:
    """Check a resource: by its type, by the profiles that its meta names, and as a Bundle."""
    if node.type not in RESOURCE_TYPES:
        return
    outer = visit.environment
    if node.label != "contained":
        visit.environment = msgspec.structs.replace(outer, root=node)
    walk(node, visit)
    if visit.profiled:
        _claimed(node, visit)
    if node.type == "Bundle":
        bundle(node, visit)
    visit.environment = outer


def _claimed(node: Node, visit: Visit) -> None:
    """The profiles that a resource says it meets."""
    for index, url in enumerate(node.data.get("meta", {}).get("profile", ())):
        if isinstance(url, str) and not visit.profile(node, url):
            visit.report("warning", "not-found", f"{node.path}.meta.profile[{index}]", "profile-unknown")


def run_profile(visit: Visit, node: Node, url: str) -> bool:
    """Run the plan of a profile on a node. False where it is not known."""
    found = visit.library.definition(url)
    if found is None:
        return False
    if found.type != node.type:
        visit.report("error", "value", node.path, "profile-of-type", profile=url, type=found.type)
        return True
    if not found.constraint and found.type in kinds():
        return True  # R4's own type: `walk` checks it
    plan = profile_plan(visit.library, found.url)
    if plan is None:
        return False
    plan.run(node, visit)
    return True


def profile_plan(library: Library, url: str) -> Plan | None:
    """The compiled profile; None where it or what it is derived from is not known."""
    key = ("profile", url)
    if key not in library.plans:
        library.plans[key] = _compiled(library, url)
    plan: Plan | None = library.plans[key]
    return plan


def _compiled(library: Library, url: str) -> Plan | None:
    found, tree = library.definition(url), library.tree(url)
    base = library.tree(BASE + found.type) if found is not None else None
    if tree is None or base is None:
        return None
    return Compiler(library, url).plan(tree, base)
