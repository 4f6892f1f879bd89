"""A resource being made: its JSON elements, written by path; references to other resources stay Nodes until the end."""

from __future__ import annotations

from functools import cache
from typing import Any

Slot = tuple[Any, ...]


class Node:
    """One resource under construction. `emptied` are elements that the message deletes, `filled` those it does not say."""

    def __init__(self, type: str, made_at: int = -1) -> None:
        self.type = type
        self.data: dict[str, Any] = {}
        self.slots: dict[Slot, Any] = {}
        self.emptied: set[str] = set()
        self.filled: set[str] = set()
        self.made_at = made_at
        self.patient: Node | None = None
        self.encounter: Node | None = None
        self.key: str = ""
        self.key_line = -1
        self.above: list[Node] = []

    def __repr__(self) -> str:
        return f"Node({self.type})"

    def put(self, steps: list[Any], value: Any, slot: Slot, repetition: int) -> bool:
        """Write `value` at `steps`; `slot` is (segment line,). Give False when another value stands there already."""
        return _Put(self, value, slot, repetition).down(self.data, (), steps, _split_at(steps) if repetition else -1)

    def end(self, holder: dict[str, Any], leaf: tuple[Any, ...], value: Any, line: int) -> bool:
        """Write at the end of a compiled path; `leaf` is (name, repeats, path, shared, type of a resource referred to)."""
        name, repeats, path, shared, target = leaf
        put = _Put(self, value, (), 0)
        key = path if shared else (line, *path)
        if target:
            return put.whole(holder, key, name, repeats, self.slots.get(key) if repeats else holder.get(name))
        return put.leaf(holder, name, repeats, key)

    def absorb(self, other: Node) -> bool:
        """Fill this resource with what another statement of the same thing adds."""
        for name, value in other.data.items():
            have = self.data.get(name)
            if have is None:
                if not other_choice(self.data, name):
                    self.data[name] = value
            elif isinstance(have, list) and isinstance(value, list):
                have.extend(one for one in value if one not in have)
        return True

    def inside(self, type: str) -> dict[str, Any] | None:
        """The members to go on in for a path that means a resource of this type."""
        return self.data if self.type == type else None

    def first(self, name: str) -> Any:
        found = self.data.get(name)
        return found[0] if isinstance(found, list) and found else found


def _split_at(steps: list[Any]) -> int:
    """Index of the array that a repeated field repeats: the first labelled one, else the leaf, else the first."""
    arrays = [i for i, step in enumerate(steps) if not isinstance(step, str) and step[1]]
    labelled = [i for i in arrays if steps[i][2]]
    if labelled:
        return labelled[0]
    return arrays[-1] if arrays and arrays[-1] == len(steps) - 1 else arrays[0] if arrays else -1


CHOICES = (
    "value",
    "occurrence",
    "effective",
    "onset",
    "abatement",
    "performed",
    "deceased",
    "multipleBirth",
    "collectedDateTime",
    "collectedPeriod",
    "occurred",
    "allowed",
    "medication",
)
SHARED = {"dosageInstruction", "content", "container", "ingredient", "doseAndRate"}


class _Put:
    """One statement on its way down the path: what is written, by which segment, and for which repetition."""

    def __init__(self, node: Node, value: Any, slot: Slot, repetition: int) -> None:
        self.node = node
        self.value = value
        self.slot = slot
        self.repetition = repetition

    def down(self, holder: dict[str, Any], path: Slot, steps: list[Any], split: int) -> bool:
        """Write below `holder`; `split` counts the steps to the array that the repetition multiplies."""
        name, repeats, label = steps[0]
        path = (*path, name, label, self.repetition if split == 0 else 0)
        key = path if name in SHARED and not label else (*self.slot, *path)
        rest = steps[1:]
        if not rest:
            return self.leaf(holder, name, repeats, key)
        if isinstance(rest[0], str):
            return self._resource(holder, key, name, repeats, rest, split)
        below = self.node.slots.get(key) if repeats else holder.get(name)
        if below is None:
            below = {}
            self._keep(holder, name, repeats, below, key)
        return isinstance(below, dict) and self.down(below, path, rest, split - 1)

    def _keep(self, holder: dict[str, Any], name: str, repeats: int, value: Any, key: Slot) -> None:
        if repeats:
            holder.setdefault(name, []).append(value)
            self.node.slots[key] = value
        else:
            holder[name] = value

    def leaf(self, holder: dict[str, Any], name: str, repeats: int, key: Slot) -> bool:
        known = self.node.slots.get(key) if repeats else holder.get(name)
        if known is not None:
            return merge(known, self.value)
        if other_choice(holder, name):
            return False
        self._keep(holder, name, repeats, self.value, key)
        return True

    def _resource(
        self, holder: dict[str, Any], key: Slot, name: str, repeats: int, rest: list[Any], split: int
    ) -> bool:
        """A reference: the resource itself, or the way on inside it."""
        target = self.node.slots.get(key) if repeats else holder.get(name)
        if len(rest) == 1:
            return self.whole(holder, key, name, repeats, target)
        if target is None:
            target = Node(rest[0][1:])
            self._keep(holder, name, repeats, target, key)
        if not isinstance(target, Node) or target.type != rest[0][1:]:
            return False
        inner = _Put(target, self.value, self.slot, self.repetition)
        return inner.down(target.data, (), rest[1:], split - 2 if split > 1 else -1)

    def whole(self, holder: dict[str, Any], key: Slot, name: str, repeats: int, target: Any) -> bool:
        if not isinstance(self.value, Node):
            return False
        if isinstance(target, Node):
            return target.type == self.value.type and target.absorb(self.value)
        if target is not None:
            return False
        self._keep(holder, name, repeats, self.value, key)
        return True


def merge(known: Any, value: Any) -> bool:
    """Fill a known group with what a second statement adds; the first statement keeps its values."""
    if not isinstance(known, dict) or not isinstance(value, dict):
        return bool(known == value)
    for name, inner in value.items():
        known.setdefault(name, inner)
    return all(known[name] == inner for name, inner in value.items())


@cache
def stem(name: str) -> str:
    return next((one for one in CHOICES if name.startswith(one)), "")


def other_choice(holder: dict[str, Any], name: str) -> str:
    """The other [x] element that stands in the way of `name`, "" when there is none."""
    start = stem(name)
    if not start:
        return ""
    return next((other for other in holder if other != name and other.startswith(start)), "")


def prune(value: Any) -> Any:
    """Drop empty groups and extensions that ended up without a value; None when nothing is left."""
    kind = type(value)
    if kind is str:
        return value or None
    if kind is list:
        return [inner for one in value if (inner := prune(one)) is not None] or None
    if kind is dict:
        kept = {}
        for name, one in value.items():
            inner = one or None if type(one) is str else prune(one)
            if inner is not None:
                kept[name] = inner
        return None if len(kept) == 1 and "url" in kept else kept or None
    return value
