"""What stands at the head of many messages: patient and visit, said again word for word of resources that have not changed.

Such words were converted, looked up and found to change nothing before; the message is spared all that. Whatever else would
say something of such a resource raises Stale, and the message is read whole.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import msgspec

from onmaru.adapters.hl7v2.er7 import Message, Segment
from onmaru.adapters.hl7v2.node import Node, other_choice
from onmaru.kernel.log import Version

HEAD = frozenset({"PID", "PD1", "PV1", "PV2"})
CONTEXTS = 2_000
_HELD = frozenset({"Patient", "Encounter", "Account"})
Key = tuple[Any, ...]
Number = tuple[str, str, str]


class Stale(Exception):
    """The message says something of a resource that it was thought to repeat only."""


class Frozen(dict[str, Any]):
    """Elements for reading only."""

    def _stale(self, *_: Any, **__: Any) -> NoReturn:
        raise Stale

    __setitem__ = __delitem__ = setdefault = update = pop = popitem = clear = _stale


class Standing(msgspec.Struct, frozen=True):
    """A resource of a remembered head: its elements without the resources that they refer to, its numbers and version.

    `heard`: what is said of it, where nobody looked whether it stands.
    """

    data: Frozen
    numbers: list[Number]
    version: Version
    heard: Any = None


class Remembered(msgspec.Struct, frozen=True):
    """One head: its resources in their order, the labels that each of its segments gave, and how its fields counted."""

    standing: list[Standing]
    labels: list[list[tuple[str, int]]]
    patient: int
    encounter: int | None
    populated: int
    carried: list[Any]
    lost: list[Any]
    doubtful: list[Any]


class Known(Node):
    """A standing resource in a message; for reading only."""

    def __init__(self, standing: Standing) -> None:
        super().__init__(standing.version.type, -3)
        self.standing = standing
        self.data = standing.data

    def put(self, *_: Any) -> bool:
        """Nothing is written into it."""
        raise Stale

    def end(self, *_: Any) -> bool:
        """Nor at the end of a path."""
        raise Stale

    def inside(self, type: str) -> dict[str, Any] | None:
        """Nor below it."""
        raise Stale

    def absorb(self, other: Node) -> bool:
        """Another statement of the same thing must not say more than is known."""
        if self._adds(other):
            raise Stale
        return True

    def _adds(self, other: Node) -> bool:
        for name, value in other.data.items():
            have = self.data.get(name)
            if have is None and not other_choice(self.data, name):
                return True
            if isinstance(have, list) and isinstance(value, list) and any(one not in have for one in value):
                return True
        return False


def bare(node: Node) -> Frozen:
    """Elements without the resources below them, so that a remembered head holds no whole message."""
    return Frozen({name: _bare(value) for name, value in node.data.items()})


def _bare(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {name: _bare(one) for name, one in value.items()}
    if kind is list:
        return [_bare(one) for one in value]
    return ... if isinstance(value, Node) else value


class Contexts:
    """The heads of one tenant's messages. `current` gives the version that this door wrote or saw last."""

    def __init__(self, current: Callable[[str, str], Version | None]) -> None:
        self._current = current
        self._kept: OrderedDict[Key, Remembered | None] = OrderedDict()

    def get(self, key: Key) -> Remembered | None:
        """What is remembered of a head, None where anything of it has changed since."""
        found = self._kept.get(key)
        if found is not None:
            for one in found.standing:
                version = self._current(one.version.type, one.version.id)
                if version is None or version.t != one.version.t:
                    del self._kept[key]
                    return None
        return found

    def unfit(self, key: Key) -> bool:
        """Whether messages of this kind say more of the head's resources than the head does."""
        return key in self._kept and self._kept[key] is None

    def unlearn(self, message: Message, mapped: Any) -> None:
        """Not to be remembered: messages of this kind say more of the head's resources than the head does."""
        head = span(message)
        if head:
            self.keep(key(message, mapped.structure, mapped.sender, head), None)

    def keep(self, key: Key, remembered: Remembered | None) -> None:
        """Remember a head; None: that it is not to be remembered."""
        self._kept[key] = remembered
        while len(self._kept) > CONTEXTS:
            self._kept.popitem(last=False)

    def forget(self) -> None:
        """Somebody else wrote."""
        self._kept.clear()


def span(message: Message) -> range:
    """Where the head's segments stand; empty for messages of none or several patients and for what registration says."""
    names = [segment.name for segment in message.segments]
    if message.type in ("ADT", "BAR", "SIU") or names.count("PID") != 1:
        return range(0)
    start = end = names.index("PID")
    while end < len(names) and names[end] in HEAD:
        end += 1
    return range(start, end) if HEAD.isdisjoint(names[:start] + names[end:]) else range(0)


def key(message: Message, structure: str, sender: Any, head: range) -> Key:
    """What the meaning of a head depends on: its words, who says them, and in what kind of message."""
    said = tuple(segment.said for segment in message.segments[head.start : head.stop])
    kinds = frozenset(segment.name for segment in message.segments)
    return structure, message.type, message.event, sender, message.delimiters, said, kinds


class Learning:
    """Takes notes while a head is mapped, so that it can be remembered once it has changed nothing."""

    def __init__(self, key: Key, head: range) -> None:
        self.key = key
        self.head = head
        self.made: list[tuple[int, str, Node]] = []
        self.counts: tuple[int, list[Any], list[Any], list[Any]] = (0, [], [], [])
        self.fit = True

    def label(self, at: int, label: str, node: Node) -> None:
        """A segment of the head gave this label to this resource."""
        if at in self.head:
            self.made.append((at - self.head.start, label, node))
            self.fit = self.fit and node.type in _HELD

    def remembered(self, order: Sequence[Node], standing: dict[int, Standing]) -> Remembered | None:
        """The head, when all of its resources stand. `order`: its resources; `standing` by the id of their Node."""
        index = {id(node): at for at, node in enumerate(order)}
        if not self.fit or any(id(node) not in index for _, _, node in self.made):
            return None
        if any(id(node) not in standing for node in order):
            return None
        labels: list[list[tuple[str, int]]] = [[] for _ in self.head]
        for offset, label, node in self.made:
            labels[offset].append((label, index[id(node)]))
        of = {node.type: index[id(node)] for _, _, node in self.made}
        if "Patient" not in of:
            return None
        populated, carried, lost, doubtful = self.counts
        all_standing = [standing[id(node)] for node in order]
        return Remembered(all_standing, labels, of["Patient"], of.get("Encounter"), populated, carried, lost, doubtful)


def recall(remembered: Remembered) -> list[Known]:
    """The resources of a remembered head, for one message."""
    known = [Known(one) for one in remembered.standing]
    patient = known[remembered.patient]
    for one in known:
        one.patient = None if one is patient else patient
    return known


def relabel(remembered: Remembered, known: Sequence[Known], offset: int, segment: Segment) -> list[tuple[str, Known]]:
    """The labels that one segment of the head gives."""
    found = [(label, known[at]) for label, at in remembered.labels[offset]]
    for _, node in found:
        node.key_line = segment.line
    return found
