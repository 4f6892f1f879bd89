"""Paths of the mapping tables as functions: `put` writes one value where its path says, as `Node.put` would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onmaru.adapters.hl7v2.node import SHARED, Node, merge, other_choice, stem

Put = Callable[[Node, Any, int, int], bool]
"""(node, value, segment line, repetition from 0) → whether the value stands there now."""
_Level = tuple[str, int, tuple[Any, ...], bool, str]
"""name, repeats, path down to here, shared between segments, type of the resource referred to ("" for a group)"""


def compiled(steps: list[Any]) -> Put:
    """The function for the steps [name, repeats, label] or "@Type" of one row."""
    first = steps[0]
    if len(steps) == 1 and not first[1]:
        return _member(steps, first[0])
    levels, leaf = _levels(steps)
    return _path(steps, levels, leaf)


def _member(steps: list[Any], name: str) -> Put:
    """An element of the resource itself that does not repeat."""
    choice = bool(stem(name))

    def put(node: Node, value: Any, line: int, at: int) -> bool:
        known = node.data.get(name)
        if known is not None:
            return merge(known, value)
        if choice and other_choice(node.data, name):
            return False
        node.data[name] = value
        return True

    return put


def _levels(steps: list[Any]) -> tuple[list[_Level], _Level]:
    levels: list[_Level] = []
    path: tuple[Any, ...] = ()
    for at, step in enumerate(steps):
        if isinstance(step, str):
            path = ()
            continue
        name, repeats, label = step
        path = (*path, name, label, 0)
        target = steps[at + 1][1:] if at + 1 < len(steps) and isinstance(steps[at + 1], str) else ""
        levels.append((name, repeats, path, name in SHARED and not label, target))
    return levels[:-1], levels[-1]


def _path(steps: list[Any], levels: list[_Level], leaf: _Level) -> Put:
    def put(node: Node, value: Any, line: int, at: int) -> bool:
        if at:
            return node.put(steps, value, (line,), at)
        holder = node.data
        for name, repeats, path, shared, target in levels:
            key = path if shared else (line, *path)
            below: Any = node.slots.get(key) if repeats else holder.get(name)
            if below is None:
                below = Node(target) if target else {}
                if repeats:
                    holder.setdefault(name, []).append(below)
                    node.slots[key] = below
                else:
                    holder[name] = below
            inside = _inside(below, target)
            if inside is None:
                return False
            holder = inside
            if target:
                node = below
        return node.end(holder, leaf, value, line)

    return put


def _inside(below: Any, target: str) -> dict[str, Any] | None:
    """The members to go on in: those of a group, or of a resource of the type that the path means; None for other things."""
    if target:
        return below.inside(target) if isinstance(below, Node) else None
    return below if type(below) is dict else None
