"""A profile compiled: for each element that it says more of than the base type does, what to check. The rest is left out.

Decoding has checked the base type's shape and `walk` checks the base's own rules, so a plan holds the difference alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from onmaru.fhir.fhirpath import Node
from onmaru.fhir.profiles import bindings, invariants, targets, values
from onmaru.fhir.profiles.definition import Rule, Slicing
from onmaru.fhir.profiles.discriminators import Test, test_of
from onmaru.fhir.profiles.library import BASE, Library
from onmaru.fhir.profiles.tree import Tree
from onmaru.fhir.profiles.visit import Check, Visit, children

BACKBONES = frozenset({"BackboneElement", "Element"})


class Plan(msgspec.Struct, frozen=True):
    """What to check of one element and of those below it."""

    checks: tuple[Check, ...]
    parts: tuple[Part, ...]

    def run(self, node: Node, visit: Visit) -> None:
        for check in self.checks:
            check(node, visit)
        for part in self.parts:
            part.run(node, visit)

    @property
    def empty(self) -> bool:
        return not self.checks and not self.parts


class Part(msgspec.Struct, frozen=True):
    """One child element. `least` and `most` where they are narrower than the base's: 0 and None otherwise."""

    label: str
    shown: str
    least: int
    most: int | None
    plan: Plan
    slices: Slices | None
    profile: str

    def run(self, parent: Node, visit: Visit) -> None:
        found = children(parent, self.label)
        count = len(found)
        if count < self.least or (self.most is not None and count > self.most):
            self._miscounted(parent, count, visit)
        for node in found:
            self.plan.run(node, visit)
        if self.slices is not None:
            self.slices.run(found, f"{parent.path}.{self.label}", visit)

    def _miscounted(self, parent: Node, count: int, visit: Visit) -> None:
        path = f"{parent.path}.{self.shown if not count else self.label}"
        if count < self.least:
            visit.report("error", "required", path, "least", profile=self.profile, least=self.least, count=count)
        else:
            visit.report("error", "structure", path, "most", profile=self.profile, most=self.most, count=count)


class Slice(msgspec.Struct, frozen=True):
    """`test` None: which items are its own cannot be told. `near`: it leaves out whether an item meets a profile."""

    name: str
    test: Test | None
    near: Test | None
    least: int
    most: int | None
    plan: Plan
    slices: Slices | None


class Slices(msgspec.Struct, frozen=True):
    """The slices of one element in their order."""

    slices: tuple[Slice, ...]
    rules: str
    ordered: bool
    profile: str

    def run(self, nodes: Sequence[Node], path: str, visit: Visit) -> None:
        """Give every item to the first slice that it matches, then judge each slice and what is left over."""
        held: list[list[Node]] = [[] for _ in self.slices]
        places = []
        for node in nodes:
            place = next((i for i, one in enumerate(self.slices) if one.test and one.test(node, visit)), -1)
            places.append(place)
            if place >= 0:
                held[place].append(node)
        for one, mine in zip(self.slices, held, strict=True):
            if one.test is not None:
                self._judge(one, mine, path, visit)
                if one.near is not None and len(mine) < one.least:
                    self._tell_why(one, [node for node, at in zip(nodes, places, strict=True) if at < 0], visit)
        if all(one.test is not None for one in self.slices):
            self._left_over(nodes, places, visit)

    def _judge(self, one: Slice, mine: list[Node], path: str, visit: Visit) -> None:
        count = len(mine)
        said = {"profile": self.profile, "slice": one.name, "count": count}
        if count < one.least:
            visit.report("error", "required", path, "slice-least", least=one.least, **said)
        if one.most is not None and count > one.most:
            visit.report("error", "structure", mine[one.most].path, "slice-most", most=one.most, **said)
        for node in mine:
            one.plan.run(node, visit)
        if one.slices is not None:
            one.slices.run(mine, path, visit)

    def _tell_why(self, one: Slice, others: Sequence[Node], visit: Visit) -> None:
        """What keeps items that could be the missing one from meeting its profile."""
        for node in others:
            if one.near is not None and one.near(node, visit):
                one.plan.run(node, visit)

    def _left_over(self, nodes: Sequence[Node], places: list[int], visit: Visit) -> None:
        highest = -1
        last = max((i for i, place in enumerate(places) if place >= 0), default=-1)
        for index, (node, place) in enumerate(zip(nodes, places, strict=True)):
            if place < 0 and self.rules == "closed":
                visit.report("error", "structure", node.path, "slice-closed", profile=self.profile)
            elif place < 0 and self.rules == "openAtEnd" and index < last:
                visit.report("error", "structure", node.path, "slice-last", profile=self.profile)
            elif self.ordered and 0 <= place < highest:
                visit.report("error", "structure", node.path, "order", profile=self.profile)
            highest = max(highest, place)


class Compiler:
    """Compiles one definition's tree against the tree of its base type."""

    def __init__(self, library: Library, profile: str) -> None:
        self._library = library
        self._profile = profile

    def plan(self, tree: Tree, base: Tree) -> Plan:
        """The difference between an element and its base."""
        return Plan(tuple(self._checks(tree.rule, base.rule)), tuple(self._parts(tree, base)))

    def _checks(self, rule: Rule, base: Rule) -> list[Check]:
        known = {one.expression for one in base.constraints}
        found = [invariants.invariant(one) for one in rule.constraints if one.expression not in known]
        if rule.value and rule.value != base.value:
            found.append(values.valued(rule, self._profile))
        if rule.binding is not None and rule.binding != base.binding:
            found += bindings.bound(rule.binding)
        if rule.max_length and rule.max_length != base.max_length:
            found.append(values.length(rule.max_length))
        if (rule.least, rule.most) != (base.least, base.most):
            found.append(values.bounded(rule, self._profile))
        if rule.types and rule.types != base.types:
            found += self._typed(rule, base)
        return found

    def _typed(self, rule: Rule, base: Rule) -> list[Check]:
        found: list[Check] = []
        if {one.code for one in rule.types} != {one.code for one in base.types} and base.types:
            found.append(targets.typed(rule.types, self._profile))
        of_base = {one.code: one for one in base.types}
        changed = tuple(one for one in rule.types if one != of_base.get(one.code))
        found += [check for check in (targets.profiled(changed), targets.referred(changed)) if check is not None]
        return found

    def _parts(self, tree: Tree, base: Tree) -> list[Part]:
        above = self._parent(tree, base)
        found = []
        for label, child in tree.children.items():
            of_base = self._library.child(above, label)
            part = self._part(label, child, of_base) if of_base is not None else None
            if part is not None:
                found.append(part)
        return found

    def _parent(self, tree: Tree, base: Tree) -> Tree:
        """Where the base says what the children are: the one type that is left of a choice, else the base element."""
        codes = [one.code for one in tree.rule.types]
        if len(codes) == 1 and codes[0] not in BACKBONES:
            return self._library.tree(BASE + codes[0]) or base
        return base

    def _part(self, label: str, tree: Tree, base: Tree) -> Part | None:
        least, most = _narrower(tree.rule, base.rule)
        plan = self.plan(tree, base)
        slices = self._slices(tree, base)
        if not least and most is None and plan.empty and slices is None:
            return None
        shown = tree.rule.path.rpartition(".")[2]
        return Part(label, shown, least, most, plan, slices, self._profile)

    def _slices(self, tree: Tree, base: Tree) -> Slices | None:
        slicing = tree.rule.slicing or _implied(tree)
        if not tree.slices or slicing is None:
            return None
        made = tuple(self._slice(name, one, slicing, base) for name, one in tree.slices.items())
        return Slices(made, slicing.rules, slicing.ordered, self._profile)

    def _slice(self, name: str, tree: Tree, slicing: Slicing, base: Tree) -> Slice:
        deep = partial(self._deep, base)
        test = test_of(tree, slicing.discriminators, self._library, deep)
        others = [one for one in slicing.discriminators if one[0] != "profile"]
        profiled = len(others) < len(slicing.discriminators)
        near = test_of(tree, others, self._library, deep) if profiled else None
        most = tree.rule.max if tree.rule.max is not None and tree.rule.max >= 0 else None
        plan = self.plan(tree, base)
        return Slice(name, test, near, tree.rule.min or 0, most, plan, self._slices(tree, base))

    def _deep(self, base: Tree, tree: Tree) -> Test | None:
        """A test that an element meets all that is said below it, where a value is fixed there."""
        if not any(_fixes(child) for child in tree.children.values()):
            return None
        codes = [one.code for one in tree.rule.types]
        of_type = self._library.tree(BASE + codes[0]) if codes and codes[0] not in BACKBONES else base
        if of_type is None:
            return None
        plan = Plan((), tuple(self._parts(tree, of_type)))

        def test(node: Node, visit: Visit) -> bool:
            def run() -> bool:
                plan.run(node, visit)
                return True

            return visit.quietly(run) is True

        return test


def _fixes(tree: Tree) -> bool:
    """Whether a value is fixed at an element or below it."""
    below = (*tree.children.values(), *tree.slices.values())
    return bool(tree.rule.value) or any(_fixes(one) for one in below)


def _narrower(rule: Rule, base: Rule) -> tuple[int, int | None]:
    least = rule.min if rule.min and rule.min > (base.min or 0) else 0
    most = rule.max if rule.max is not None and rule.max >= 0 and rule.max != base.max else None
    return least, most


def _implied(tree: Tree) -> Slicing | None:
    """The slicing of a choice by type, or of extensions by url, where a definition leaves it unsaid."""
    if tree.rule.path.endswith("[x]"):
        return Slicing((("type", "$this"),), False, "open")
    if tree.label in ("extension", "modifierExtension"):
        return Slicing((("value", "url"),), False, "open")
    return None
