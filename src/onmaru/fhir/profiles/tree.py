"""The elements of a definition as a tree: children by label, slices by name, each with what its ElementDefinition demands.

A differential is laid over the tree of its base, so that a package without snapshots is understood all the same
(profiling.html#snapshot). Trees are sparse: what a definition does not speak of is found in the element's type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from onmaru.fhir.profiles.definition import Definition, Rule, TypeRule


class Tree:
    """One element. `children` by label (`value` for value[x]); `slices` in the order of the definition."""

    __slots__ = ("children", "rule", "slices")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.children: dict[str, Tree] = {}
        self.slices: dict[str, Tree] = {}

    def copy(self, room: Room) -> Tree:
        """A tree of its own, sharing the frozen rules. Raises Bulky."""
        room.take()
        made = Tree(self.rule)
        made.children = {label: child.copy(room) for label, child in self.children.items()}
        made.slices = {name: one.copy(room) for name, one in self.slices.items()}
        return made

    @property
    def label(self) -> str:
        return self.rule.path.rpartition(".")[2].removesuffix("[x]")


MOST = 100_000
"""Elements that one definition may copy: slices copy what is below their element, and slices of slices do so again."""


class Bulky(Exception):
    """A definition would grow beyond all use."""


class Room:
    """How much a definition may still grow."""

    def __init__(self) -> None:
        self._left = MOST

    def take(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Bulky


DEEPEST = 40
"""Levels of an element's path beyond which a rule is not looked at: no definition of use is so deep."""

# Finds the child of a tree of this label where the tree itself does not speak of it: in its profiles or its type
Child = Callable[[Tree, str], "Tree | None"]


def whole(definition: Definition) -> Tree:
    """The tree of a snapshot, whose elements come after those that hold them. Raises Bulky."""
    room = Room()
    top = Tree(definition.rules[0])
    for rule in _usable(definition.rules):
        *way, last = _segments(rule)
        here: Tree | None = top
        for segment in way:
            here = _step(here, segment, _nowhere, room) if here is not None else None
        if here is not None:
            (_step(here, last, _nowhere, room) or _new(here, last)).rule = rule
    return top


def _nowhere(parent: Tree, label: str) -> Tree | None:
    return None


def _new(here: Tree, segment: str) -> Tree:
    rule = Rule(segment, segment.partition(":")[0])
    made = here.children[segment.partition(":")[0].removesuffix("[x]")] = Tree(rule)
    return made


def laid_over(base: Tree, rules: Iterable[Rule], child: Child) -> Tree:
    """The tree of a differential: `base` with what `rules` change. Raises Bulky."""
    room = Room()
    top = base.copy(room)
    rules = list(rules)
    for rule in rules:
        if "." not in rule.path:
            top.rule = merged(top.rule, rule)
    for rule in _usable(rules):
        _place(top, rule, child, room)
    return top


def _place(top: Tree, rule: Rule, child: Child, room: Room) -> None:
    """Lay a rule where its id says, making the way there. A path that leads nowhere is left out."""
    here: Tree | None = top
    for segment in _segments(rule):
        here = _step(here, segment, child, room) if here is not None else None
    if here is not None:
        here.rule = merged(here.rule, rule)


def _usable(rules: Iterable[Rule]) -> list[Rule]:
    """The rules of elements below the root that are of sensible depth."""
    return [one for one in rules if "." in one.path and one.id.count(".") + one.id.count("/") <= DEEPEST]


def _segments(rule: Rule) -> list[str]:
    """`Observation.component:systolic.value[x]` → ["component:systolic", "value[x]"]."""
    parts = rule.id.split(".")[1:]
    if len(parts) == rule.path.count(".") and parts:
        return parts
    parts = rule.path.split(".")[1:]
    if rule.slice:
        parts[-1] += f":{rule.slice}"
    return parts


def _step(here: Tree, segment: str, child: Child, room: Room) -> Tree | None:
    name, _, slices = segment.partition(":")
    label = name.removesuffix("[x]")
    found = here.children.get(label) or _inherited(here, label, child)
    if found is None:
        return _chosen(here, label, child, room)
    here.children[label] = found
    so_far = ""
    for part in slices.split("/") if slices else ():
        so_far = f"{so_far}/{part}" if so_far else part
        if so_far not in found.slices:
            found.slices[so_far] = _slice_of(found, so_far, room)
        found = found.slices[so_far]
    return found


def _inherited(here: Tree, label: str, child: Child) -> Tree | None:
    """A child of the element's type or profile as a place to write on, without what is below it there."""
    above = child(here, label)
    return None if above is None else Tree(above.rule)


def _chosen(here: Tree, label: str, child: Child, room: Room) -> Tree | None:
    """`valueQuantity` as the slice of that type of the choice `value[x]`."""
    for at in range(len(label) - 1, 0, -1):
        if label[at].isupper():
            choice = here.children.get(label[:at]) or _inherited(here, label[:at], child)
            if choice is None or not choice.rule.path.endswith("[x]"):
                continue
            kinds = [one for one in choice.rule.types if _titled(one.code) == label[at:]]
            if kinds:
                here.children[label[:at]] = choice
                made = choice.slices.get(label) or _slice_of(choice, label, room)
                choice.slices[label] = made
                made.rule = msgspec.structs.replace(made.rule, types=tuple(kinds))
                return made
    return None


def _titled(name: str) -> str:
    return name[:1].upper() + name[1:]


def _slice_of(whole: Tree, name: str, room: Room) -> Tree:
    """A new slice: the element's own demands and those below it, but for its cardinality and the slicing itself."""
    made = Tree(msgspec.structs.replace(whole.rule, slice=name, min=0, slicing=None, id=f"{whole.rule.id}:{name}"))
    made.children = {label: child.copy(room) for label, child in whole.children.items()}
    return made


def merged(base: Rule, change: Rule) -> Rule:
    """An ElementDefinition after a differential's: what it gives replaces, its constraints are added."""
    keys = {one.key for one in change.constraints}
    kept = tuple(one for one in base.constraints if one.key not in keys)
    valued = change if change.value else base
    return Rule(
        change.id,
        base.path if base.path.endswith("[x]") else change.path,
        change.slice or base.slice,
        base.min if change.min is None else change.min,
        base.max if change.max is None else change.max,
        _types(base.types, change.types),
        valued.value,
        valued.exact,
        change.binding or base.binding,
        (*kept, *change.constraints),
        change.slicing or base.slicing,
        base.content,
        change.max_length or base.max_length,
        change.least or base.least,
        change.most or base.most,
        base.modifier or change.modifier,
    )


def _types(base: tuple[TypeRule, ...], change: tuple[TypeRule, ...]) -> tuple[TypeRule, ...]:
    """Types as the differential gives them; an empty target list keeps the base's."""
    if not change:
        return base
    before = {one.code: one for one in base}
    return tuple(
        TypeRule(
            one.code,
            one.profiles or (before[one.code].profiles if one.code in before else ()),
            one.targets or (before[one.code].targets if one.code in before else ()),
        )
        for one in change
    )
