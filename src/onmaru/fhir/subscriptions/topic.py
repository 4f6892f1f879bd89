"""R5's SubscriptionTopic as the backport guide carries it in R4: a Basic whose extensions are the topic's elements.

Its one law: a topic that no event can ever fire is refused, with the element that makes it so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from onmaru.fhir.fhirpath.check import checked
from onmaru.fhir.fhirpath.compiler import Compiled
from onmaru.fhir.fhirpath.errors import PathError
from onmaru.fhir.outcome import invalid
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.fhir.subscriptions.criteria import Criteria, criteria
from onmaru.fhir.subscriptions.extensions import Coding, Extension, first, named

CODE = ("http://hl7.org/fhir/fhir-types", "SubscriptionTopic")
INTERACTIONS = ("create", "update", "delete")
STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
MOST_TRIGGERS = 20
_DEAD = frozenset({"retired", "entered-in-error"})


class Trigger(msgspec.Struct, frozen=True, eq=False):
    """One resourceTrigger. `previous` and `current` None: not asked. `path`: fhirPathCriteria, judged beside them."""

    type: str
    interactions: frozenset[str]
    previous: Criteria | None = None
    current: Criteria | None = None
    on_create: bool = False
    on_delete: bool = False
    both: bool = False
    path: Compiled | None = None


class Topic(msgspec.Struct, frozen=True, eq=False):
    """`filters`: (type, parameter) that subscriptions may narrow by; without any, all parameters of the triggers' types."""

    url: str
    version: str
    alive: bool
    triggers: tuple[Trigger, ...]
    filters: frozenset[tuple[str, str]] = frozenset()


class _Concept(msgspec.Struct):
    coding: list[Coding] = []


class _Basic(msgspec.Struct):
    code: _Concept = msgspec.field(default_factory=_Concept)
    extension: list[Extension] = []
    modifierExtension: list[Extension] = []


def is_topic(body: bytes) -> bool:
    """Whether a Basic is a SubscriptionTopic."""
    if b"SubscriptionTopic" not in body:
        return False
    found = msgspec.json.decode(body, type=_Basic)
    return any((one.system, one.code) == CODE for one in found.code.coding)


def topic_of(body: bytes) -> Topic:
    """The topic that an admitted Basic is; `Invalid` 422 where it could never fire."""
    found = msgspec.json.decode(body, type=_Basic)
    parts = [*found.extension, *found.modifierExtension]
    url = first(parts, "url").word
    if not url:
        raise invalid("required", "a topic has an url", "Basic.extension('url')", 422)
    given = [*named(parts, "resourceTrigger")]
    if not given or len(given) > MOST_TRIGGERS:
        text = f"a topic has 1 to {MOST_TRIGGERS} resourceTriggers; those of events alone are not watched"
        raise invalid("required", text, "Basic.extension('resourceTrigger')", 422)
    triggers = tuple(_trigger(one.extension, number) for number, one in enumerate(given))
    filters = frozenset(pair for one in named(parts, "canFilterBy") for pair in _filters(one.extension, triggers))
    alive = first(parts, "status").word not in _DEAD
    return Topic(url, first(parts, "version").word, alive, triggers, filters)


def _trigger(parts: Sequence[Extension], number: int) -> Trigger:
    where = f"Basic.extension('resourceTrigger')[{number}]"
    type_name = _type(first(parts, "resource").word)
    if type_name not in RESOURCE_TYPES:
        raise invalid("value", "resource does not name a resource type of FHIR R4", f"{where}.resource", 422)
    asked = frozenset(one.word for one in named(parts, "supportedInteraction")) or frozenset(INTERACTIONS)
    if not asked <= set(INTERACTIONS):
        raise invalid("value", "create, update or delete", f"{where}.supportedInteraction", 422)
    query = first(parts, "queryCriteria").extension
    previous, current = (_side(query, side, type_name, where) for side in ("previous", "current"))
    found = Trigger(
        type_name,
        asked,
        previous,
        current,
        first(query, "resultForCreate").word == "test-passes",
        first(query, "resultForDelete").word == "test-passes",
        first(query, "requireBoth").valueBoolean,
        _path(parts, type_name, where),
    )
    if not any(_possible(found, interaction) for interaction in asked):
        raise invalid("value", "its interactions and criteria leave no event that fires it", where, 422)
    return found


def _side(query: Sequence[Extension], side: str, type_name: str, where: str) -> Criteria | None:
    text = first(query, side).word
    return criteria(text, f"{where}.queryCriteria.{side}", type_name) if text else None


def _path(parts: Sequence[Extension], type_name: str, where: str) -> Compiled | None:
    text = first(parts, "fhirPathCriteria").word
    if not text:
        return None
    try:
        return checked(text, type_name)
    except PathError as error:
        raise invalid("value", f"not a usable FHIRPath: {error.reason}", f"{where}.fhirPathCriteria", 422) from error


def _possible(trigger: Trigger, interaction: str) -> bool:
    """Whether some event of that kind passes the query criteria; the path may say no to each, which nobody can tell."""
    if trigger.previous is None and trigger.current is None:
        return True
    sides = []
    if trigger.previous is not None:
        sides.append(interaction != "create" or trigger.on_create)
    if trigger.current is not None:
        sides.append(interaction != "delete" or trigger.on_delete)
    return all(sides) if trigger.both else any(sides)


def _filters(parts: Sequence[Extension], triggers: Sequence[Trigger]) -> Iterator[tuple[str, str]]:
    """Without a resource it is meant of every type that the topic triggers on."""
    name, type_name = first(parts, "filterParameter").word, _type(first(parts, "resource").word)
    for each in [type_name] if type_name else sorted({one.type for one in triggers}):
        yield each, name


def _type(text: str) -> str:
    return text.removeprefix(STRUCTURE)
