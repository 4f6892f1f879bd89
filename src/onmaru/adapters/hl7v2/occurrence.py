"""When an order shall be done: ServiceRequest.occurrence[x] from all that its segments say, none overwriting another."""

from __future__ import annotations

from typing import Any

from onmaru.adapters.hl7v2.node import Node
from onmaru.adapters.hl7v2.timing import Plan


def planned(node: Node, plan: Plan, where: dict[str, set[int]]) -> set[int]:
    """Write quantity, timing, priority and words of a TQ1 or TQ; `where` names their fields. Gives those placed."""
    done: set[int] = set()
    if plan.quantity and node.data.setdefault("quantityQuantity", plan.quantity) == plan.quantity:
        done |= where["quantity"]
    if plan.priority:
        node.data.setdefault("priority", plan.priority)
        done |= where["priority"]
    notes = node.data.setdefault("note", [])
    notes += [{"text": words} for words in plan.words if {"text": words} not in notes]
    done |= where["words"]
    timing = _known(node)
    if _added(timing, plan.timing):
        done |= plan.placed
    if plan.limits and _bounded(timing, plan.limits):
        done |= where["limits"]
    _settle(node, timing)
    return done


def at(node: Node, moment: str) -> None:
    """One more moment at which it shall happen; one that the limits begin with says nothing new."""
    timing = _known(node)
    events = timing.setdefault("event", [])
    if moment not in events and timing.get("repeat", {}).get("boundsPeriod", {}).get("start") != moment:
        events.append(moment)
    _settle(node, timing)


def _known(node: Node) -> dict[str, Any]:
    """What is known so far, taken out of the resource as a Timing."""
    if "occurrenceDateTime" in node.data:
        return {"event": [node.data.pop("occurrenceDateTime")]}
    if "occurrencePeriod" in node.data:
        return {"repeat": {"boundsPeriod": node.data.pop("occurrencePeriod")}}
    known: dict[str, Any] = node.data.pop("occurrenceTiming", {})
    return known


def _settle(node: Node, timing: dict[str, Any]) -> None:
    """A Timing that is one moment or one period stands as that."""
    timing = {name: part for name, part in timing.items() if part}
    repeat = timing.get("repeat", {})
    if set(timing) == {"event"} and len(timing["event"]) == 1:
        node.data["occurrenceDateTime"] = timing["event"][0]
    elif set(timing) == {"repeat"} and set(repeat) == {"boundsPeriod"}:
        node.data["occurrencePeriod"] = repeat["boundsPeriod"]
    elif timing:
        node.data["occurrenceTiming"] = timing


def _added(timing: dict[str, Any], more: dict[str, Any]) -> bool:
    """A second pattern that is not the first one's equal has no place beside it."""
    repeat = timing.setdefault("repeat", {})
    asked = more.get("repeat", {})
    alike = all(repeat.get(name, value) == value for name, value in asked.items())
    if not alike or timing.get("code", more.get("code")) != more.get("code", timing.get("code")):
        return False
    if "boundsDuration" in asked and "boundsPeriod" in repeat:
        return False
    repeat.update(asked)
    if "code" in more:
        timing["code"] = more["code"]
    return True


def _bounded(timing: dict[str, Any], limits: dict[str, Any]) -> bool:
    """The period it lies in; another start than the one known is a moment of its own."""
    repeat = timing.setdefault("repeat", {})
    events = timing.get("event", [])
    known = repeat.get("boundsPeriod")
    if known is None and "boundsDuration" not in repeat:
        repeat["boundsPeriod"] = dict(limits)
        timing["event"] = [event for event in events if event != limits.get("start")]
        return True
    if known is not None and all(known.get(name, value) == value for name, value in limits.items()):
        known.update(limits)
        return True
    if set(limits) != {"start"}:
        return False
    if limits["start"] not in events:
        timing.setdefault("event", []).append(limits["start"])
    return True
