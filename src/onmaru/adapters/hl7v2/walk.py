"""Where each segment stands in its message structure: a walk that takes messages as they come, even out of order."""

from __future__ import annotations

from functools import cache
from typing import Any

from onmaru.adapters.hl7v2.conditions import compiled
from onmaru.adapters.hl7v2.er7 import Segment
from onmaru.adapters.hl7v2.tables import tables

_SINGLE = {"MSH", "EVN", "PID", "PD1", "PV1", "PV2"}


def segment_opens(name: str) -> bool:
    """Segments that begin another order, patient or specimen wherever they stand; others, out of order, stay with theirs."""
    return name in ("PID", "ORC", "OBR", "SPM", "OBX", "RGS")


class Group:
    """A group of a message structure: positions first to last (inclusive), possibly repeating."""

    __slots__ = ("above", "first", "last", "name", "repeats")

    def __init__(self, name: str, repeats: bool, above: Group | None, first: int) -> None:
        self.name = name
        self.repeats = repeats
        self.above = above
        self.first = first
        self.last = first


class Position:
    """A segment's place in the structure with the targets that the message table gives it."""

    __slots__ = ("group", "index", "name", "repeats", "targets")

    def __init__(self, index: int, name: str, repeats: bool, targets: list[Any], group: Group) -> None:
        self.index = index
        self.name = name
        self.repeats = repeats
        self.targets = [
            (compiled(when) if when else None, label, table, links) for when, label, table, links in targets
        ]
        self.group = group


class Structure:
    """A message structure laid flat; `homes` has each label's nearest repeating group where it is first named."""

    def __init__(self, items: list[Any]) -> None:
        self.positions: list[Position] = []
        self.root = Group("", False, None, 0)
        self._lay(items, self.root)
        self.homes: dict[str, Group] = {}
        self.named: dict[str, list[Position]] = {}
        for position in self.positions:
            self.named.setdefault(position.name, []).append(position)
            for target in position.targets:
                self.homes.setdefault(target[1], repeating(position.group))

    def _lay(self, items: list[Any], group: Group) -> None:
        for item in items:
            if len(item) == 3:
                inner = Group(item[0], bool(item[1]), group, len(self.positions))
                self._lay(item[2], inner)
                inner.last = max(len(self.positions) - 1, inner.first)
            else:
                self.positions.append(Position(len(self.positions), item[0], bool(item[1]), item[2], group))
        group.last = max(len(self.positions) - 1, group.first)


@cache
def structure_of(name: str) -> Structure:
    return Structure(tables().messages[name])


def repeating(group: Group) -> Group:
    """The group itself or the nearest one around it that repeats; the root at last."""
    while not group.repeats and group.above is not None:
        group = group.above
    return group


class Instance:
    """One occurrence of a group: its segments and the resources made for its labels."""

    __slots__ = ("above", "group", "labels", "segments")

    def __init__(self, group: Group, above: Instance | None) -> None:
        self.group = group
        self.above = above
        self.labels: dict[str, Any] = {}
        self.segments: list[Segment] = []


class Walk:
    """Steps through one message; `place` gives each segment its position (None: not in this structure) and instance."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.at: Position | None = None
        self.instance = Instance(structure.root, None)
        self.single: dict[str, Segment] = {}

    def place(self, segment: Segment) -> Position | None:
        if segment.name in _SINGLE:
            self.single[segment.name] = segment
        candidates = self.structure.named.get(segment.name)
        if not candidates:
            self.instance.segments.append(segment)
            return None
        position, restarted = self._next(candidates)
        self._enter(position, restarted)
        self.at = position
        self.instance.segments.append(segment)
        return position

    def _next(self, candidates: list[Position]) -> tuple[Position, Group | None]:
        """The nearest candidate: onward in the innermost group, else that group again, else the same one level out."""
        here = self.at
        group: Group | None = here.group if here else None
        while here is not None and group is not None:
            inside = [c for c in candidates if group.first <= c.index <= group.last]
            onward = next((c for c in inside if c.index > here.index or (c is here and c.repeats)), None)
            if onward:
                return onward, None
            late = self._late(inside, group)
            if late:
                return late, None
            if group.repeats and inside:
                opens = inside[0].index == group.first or segment_opens(inside[0].name)
                return inside[0], group if opens else None
            group = group.above
        return candidates[0], None

    def _late(self, inside: list[Position], group: Group) -> Position | None:
        """OUL messages give ORC after its OBR: the same order goes on unless it has a result or an ORC already."""
        if not inside or inside[0].name != "ORC" or self.instance.group is not group:
            return None
        names = {segment.name for segment in self.instance.segments}
        return None if names & {"ORC", "OBX", "SPM"} else inside[0]

    def _enter(self, position: Position, restarted: Group | None) -> None:
        chain: list[Group] = []
        group: Group | None = position.group
        while group is not None:
            chain.append(group)
            group = group.above
        open_: dict[Group, Instance] = {}
        instance: Instance | None = self.instance
        while instance is not None:
            open_[instance.group] = instance
            instance = instance.above
        current: Instance | None = None
        fresh = False
        for group in reversed(chain):
            fresh = fresh or group is restarted
            known = None if fresh else open_.get(group)
            if known is None:
                fresh = True
                known = Instance(group, current)
            current = known
        assert current is not None
        self.instance = current

    def holder(self, label: str) -> Instance:
        """The instance that keeps a label: that of its home group where that is open, else the nearest repeating group."""
        home = self.structure.homes.get(label)
        instance: Instance | None = self.instance
        while instance is not None:
            if instance.group is home:
                return instance
            instance = instance.above
        instance = self.instance
        while not instance.group.repeats and instance.above is not None:
            instance = instance.above
        return instance

    def find(self, name: str) -> Segment | None:
        """The segment of that name in the innermost group instance that has one; patient and visit from anywhere before."""
        instance: Instance | None = self.instance
        while instance is not None:
            for segment in reversed(instance.segments):
                if segment.name == name:
                    return segment
            instance = instance.above
        return self.single.get(name)

    def known(self, type: str) -> Any:
        """The latest resource of a type in the innermost group instance that has one."""
        instance: Instance | None = self.instance
        while instance is not None:
            for node in reversed(instance.labels.values()):
                if node.type == type:
                    return node
            instance = instance.above
        return None
