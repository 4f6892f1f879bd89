"""Whether one version of a resource is an event that a subscription waits for: pure, the rights are asked elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from onmaru.fhir.fhirpath import Environment
from onmaru.fhir.fhirpath.errors import PathError
from onmaru.fhir.fhirpath.node import Node, read
from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Clause, Ref, Token
from onmaru.fhir.subscriptions.criteria import Criteria
from onmaru.fhir.subscriptions.topic import Topic, Trigger
from onmaru.fhir.subscriptions.wanted import Wanted
from onmaru.kernel.log import Version
from onmaru.kernel.meaning import clause_holds

# Steps that one fhirPathCriteria may take on one event
STEPS = 20_000
T = TypeVar("T")
Key = tuple[int, str]


class Event:
    """One version beside the one before it, None where that is none or was deleted; each judged once for all who wait.

    `fault`: an expression could not be evaluated on it.
    """

    def __init__(self, version: Version, before: Version | None, keys: Callable[[Version], Keys]) -> None:
        self.version = version
        self.before = before if before is not None and before.body is not None else None
        self._keys = keys
        self._known: dict[int, Keys] = {}
        self._fired: dict[int, bool] = {}
        self.fault = False

    @property
    def interaction(self) -> str:
        """create, update or delete, as a reader sees it."""
        if self.version.body is None:
            return "delete"
        return "update" if self.before is not None else "create"

    @property
    def standing(self) -> Version | None:
        """The version that filters look at: this one, or of a deletion the one before."""
        return self.version if self.version.body is not None else self.before

    def keys(self, version: Version) -> Keys:
        """Search keys, extracted once."""
        if version.t not in self._known:
            self._known[version.t] = self._keys(version)
        return self._known[version.t]

    def meets(self, version: Version, criteria: Criteria) -> bool:
        """Whether all clauses hold of one of the two versions."""
        keys = self.keys(version)
        return all(clause_holds(version, keys, clause) for clause in criteria.clauses)

    def fires(self, trigger: Trigger) -> bool:
        """Whether a topic's trigger fires; an expression that cannot be evaluated does not, and is noted."""
        found = self._fired.get(id(trigger))
        if found is None:
            found = self._fired[id(trigger)] = self._judged(trigger)
        return found

    def _judged(self, trigger: Trigger) -> bool:
        if trigger.type != self.version.type or self.interaction not in trigger.interactions:
            return False
        sides = [
            self._side(trigger.previous, self.before, trigger.on_create),
            self._side(trigger.current, self.version if self.version.body is not None else None, trigger.on_delete),
        ]
        asked = [side for side in sides if side is not None]
        if asked and not (all(asked) if trigger.both else any(asked)):
            return False
        return trigger.path is None or self._path(trigger)

    def _side(self, criteria: Criteria | None, version: Version | None, absent: bool) -> bool | None:
        if criteria is None:
            return None
        return absent if version is None else self.meets(version, criteria)

    def _path(self, trigger: Trigger) -> bool:
        if trigger.path is None:
            return True
        type_name = trigger.type
        current, previous = (
            [Node(read(one.body), type_name)] if one is not None and one.body is not None else []
            for one in (self.version, self.before)
        )
        variables = {"current": current, "previous": previous}
        try:
            answer = trigger.path(current or previous, Environment(variables=variables, steps=STEPS))
        except PathError:
            self.fault = True
            return False
        return bool(answer) and all(getattr(one, "value", one) is True for one in answer)


def waits(asked: Wanted, topic: Topic | None, event: Event) -> bool:
    """Whether an event is one of those that a subscription asks for; a classic one hears of no deletion."""
    if not asked.topic:
        (watched,) = asked.watched
        version = event.version
        return version.body is not None and version.type == watched.type and event.meets(version, watched)
    standing = event.standing
    if topic is None or standing is None:
        return False
    filters = [one for one in asked.watched if one.type == standing.type]
    return any(map(event.fires, topic.triggers)) and all(event.meets(standing, one) for one in filters)


def looks_back(topic: Topic | None, type_name: str) -> bool:
    """Whether what it hears of such a resource tells something of the version before."""
    triggers = topic.triggers if topic is not None else ()
    return any(one.type == type_name and (one.previous is not None or one.path is not None) for one in triggers)


def types(asked: Wanted, topic: Topic | None) -> frozenset[str]:
    """The resource types that a subscription waits for."""
    if asked.topic:
        return frozenset(one.type for one in topic.triggers) if topic is not None else frozenset()
    return frozenset(one.type for one in asked.watched)


class Board(Generic[T]):
    """Who waits, by resource type and by one key that a version must have, so that the many others are not asked."""

    def __init__(self) -> None:
        self._keyed: dict[str, dict[Key, dict[T, None]]] = defaultdict(lambda: defaultdict(dict))
        self._open: dict[str, dict[T, None]] = defaultdict(dict)

    def add(self, one: T, asked: Wanted, topic: Topic | None) -> None:
        """Have `one` found among the candidates of every version that it may wait for."""
        for type_name in types(asked, topic):
            keys = cheapest([each for each in asked.watched if each.type == type_name])
            if not keys:
                self._open[type_name][one] = None
            for key in keys:
                self._keyed[type_name][key][one] = None

    def remove(self, one: T) -> None:
        """No longer."""
        for waiting in self._open.values():
            waiting.pop(one, None)
        for by_key in self._keyed.values():
            for key in [key for key, waiting in by_key.items() if one in waiting]:
                del by_key[key][one]
                if not by_key[key]:
                    del by_key[key]

    def __contains__(self, type_name: str) -> bool:
        return bool(self._open.get(type_name) or self._keyed.get(type_name))

    def candidates(self, event: Event) -> Sequence[T]:
        """Who may wait for an event, each once."""
        standing = event.standing
        if standing is None:
            return ()
        found = dict(self._open.get(standing.type, {}))
        by_key = self._keyed.get(standing.type)
        if by_key:
            for key in rows(event.keys(standing)):
                found.update(by_key.get(key, {}))
        return tuple(found)


def rows(keys: Keys) -> Iterator[Key]:
    """The keys of a version by which those who wait are found."""
    for sp, _, id in keys.reference:
        yield sp, id
    for sp, _, code in keys.token:
        yield sp, code


def cheapest(watched: Iterable[Criteria]) -> Sequence[Key]:
    """Keys of which a version has one where all of this holds; () where nothing so simple is asked. References tell most."""
    best: Sequence[Key] = ()
    for criteria in watched:
        for clause in criteria.clauses:
            keys = _keys(clause)
            if keys and (not best or clause.parameter.kind == "reference"):
                best = keys
    return best


def _keys(clause: Clause) -> Sequence[Key]:
    if clause.modifier or clause.parameter.kind not in ("reference", "token"):
        return ()
    found = []
    for value in clause.values:
        key = value.id if isinstance(value, Ref) else value.code if isinstance(value, Token) else None
        if key is None:
            return ()
        found.append((clause.parameter.sp, key))
    return found
