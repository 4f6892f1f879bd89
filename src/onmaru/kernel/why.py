"""Why somebody may see a resource, or not: the gate's own decisions one after the other, never a second opinion.

What is hidden from the asker is told like what is not there; only who keeps the audit trail is told by which Consent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from onmaru.kernel.access import Duty
from onmaru.kernel.caller import ROLES, Caller, Role, Scope
from onmaru.kernel.chart import Tenant
from onmaru.kernel.consent import broken
from onmaru.kernel.gate import SHARED, Compartments, Sight
from onmaru.kernel.log import Version
from onmaru.kernel.portion import Thing
from onmaru.kernel.scope import text

Verdict = Literal["allow", "deny", "none"]


class Step(msgspec.Struct, frozen=True):
    """One rule and what it said: `none` where it had nothing to say. `by` names what decided."""

    rule: Literal["scope", "record", "patient", "search", "consent", "label"]
    verdict: Verdict
    by: tuple[str, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """`patients` are those whose compartments the resource is in, told to whom it is shown or who keeps the trail."""

    allowed: bool
    user: str
    roles: tuple[str, ...]
    purpose: str
    steps: tuple[Step, ...]
    patients: tuple[str, ...] = ()


def explain(
    tenant: Tenant, caller: Caller, name: tuple[str, str], table: Mapping[Role, Duty], *, keeper: bool
) -> Explanation:
    """Whether `caller` may read the resource (type, id) now, and why. `keeper`: the asker may know what is hidden."""
    type, id = name
    gate, index = tenant.gate, tenant.index
    refusal = gate.refusal(caller, "r", type)
    steps = [Step("scope", "deny" if refusal else "allow", _givers(caller, type, table))]
    found = index.latest(type, id, tenant.log.head())
    whose = index.compartments(found) if found is not None else Compartments()
    sight = gate.sight(caller)
    there = found is not None and found.body is not None
    seen = not refusal and there and found is not None and sight.shows(found, whose, index.keys)
    if not refusal and (seen or keeper):
        steps += _judged(tenant, caller, sight, found if there else None, whose)
    elif not refusal:
        steps.append(Step("record", "deny", ("absent-or-hidden",)))
    told = tuple(whose.named) if seen or keeper else ()
    return Explanation(seen, caller.user, _ordered(caller), caller.purpose, tuple(steps), told)


def _judged(tenant: Tenant, caller: Caller, sight: Sight, found: Version | None, whose: Compartments) -> Sequence[Step]:
    """Each part of the caller's sight, applied alone to a resource that is there."""
    if found is None:
        return [Step("record", "deny", ("absent",))]
    nobody: frozenset[str] = frozenset()
    keys = tenant.index.keys
    bound = Sight(None, sight.only, nobody).shows(found, whose, keys)
    part = Sight(None, None, nobody, narrowed=sight.narrowed)
    closed = tenant.gate.consents.closed(caller, tenant.gate.now())
    searched = tuple(text([one]) for one in caller.scopes if one.search and one.type == found.type)
    consented = Sight(None, None, closed.patients, rulings=closed.rulings).shows(found, whose, keys)
    labelled = Sight(None, None, sight.denied - closed.patients, masked=sight.masked, lifted=sight.lifted)
    thing = Thing(found, keys, whose.labels)
    says = [
        (id, _said(ruling.says(thing, found.type), broken(rule, caller)))
        for id, rule, ruling in tenant.gate.consents.said(caller, tenant.gate.now(), frozenset(whose.named))
    ]
    return [
        Step("patient", _verdict(bound, sight.only is not None), _bound(sight, found, whose)),
        Step("search", _verdict(part.shows(found, whose, keys), found.type in sight.narrowed), searched),
        Step(
            "consent",
            _verdict(consented, any(v for _, v in says) or not consented),
            tuple(f"Consent/{id}: {v}" for id, v in says if v),
        ),
        Step("label", _verdict(labelled.shows(found, whose, keys), bool(whose.labels)), _marks(whose, labelled.denied)),
    ]


def _said(spoke: bool | None, lifted: bool) -> str:
    """What one Consent says of a resource; "" nothing."""
    if spoke is None:
        return ""
    return "permit" if not spoke else "broken-glass" if lifted else "deny"


def _marks(whose: Compartments, marked: frozenset[str]) -> tuple[str, ...]:
    """The labels of a resource, and the patients whose own labels hide it."""
    patients = (f"Patient/{one}" for one in whose.named if one in marked)
    return (*(f"{system}|{code}" for system, code in dict.fromkeys(whose.labels)), *patients)


def _bound(sight: Sight, found: Version, whose: Compartments) -> tuple[str, ...]:
    if sight.only is None:
        return ()
    if found.type in SHARED and not whose.own:
        return ("belongs-to-nobody",)
    return tuple(f"Patient/{one}" for one in sorted(sight.only))


def _verdict(good: bool, spoke: bool) -> Verdict:
    if not good:
        return "deny"
    return "allow" if spoke else "none"


def _givers(caller: Caller, type: str, table: Mapping[Role, Duty]) -> tuple[str, ...]:
    """The scopes that the caller holds for reading the type, with the roles that give any; the limits where none is left."""
    held = [one for one in caller.scopes if _reads(one, type)]
    roles = [role for role in ROLES if role in caller.roles and any(_reads(one, type) for one in table[role].scopes)]
    return (*(f"role {role}" for role in roles), *(text([one]) for one in held))


def _reads(one: Scope, type: str) -> bool:
    return "r" in one.verbs and one.type in ("*", type)


def _ordered(caller: Caller) -> tuple[str, ...]:
    return tuple(role for role in ROLES if role in caller.roles)


def told(explanation: Explanation, strings: Mapping[str, Any]) -> dict[str, Any]:
    """As the API hands it out, each step with a sentence of the string table."""
    shown = msgspec.to_builtins(explanation)
    for step in shown["steps"]:
        step["text"] = strings[step["rule"]][step["verdict"]]
    result: dict[str, Any] = {**shown, "text": strings["answer"]["yes" if explanation.allowed else "no"]}
    return result
