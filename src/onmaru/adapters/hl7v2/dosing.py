"""How much of a drug, how often and how long: Dosage from TQ1, TQ and the pharmacy segments RXO, RXE, RXG, RXD and RXA."""

from __future__ import annotations

from typing import Any

import msgspec

from onmaru.adapters.hl7v2 import timing, values
from onmaru.adapters.hl7v2.er7 import Repetition, Segment
from onmaru.adapters.hl7v2.node import Node
from onmaru.adapters.hl7v2.tables import coded
from onmaru.adapters.hl7v2.timing import Plan
from onmaru.adapters.hl7v2.values import Sender

_FIRST = ("dosageInstruction", "", 0)  # where the tables' rows find the first Dosage
MULTIPLIER = ("TQ1-2",)


class _Fields(msgspec.Struct, frozen=True):
    """Numbers of the fields of one pharmacy segment; 0: it has none."""

    amount: int
    unit: int
    per: int = 0
    daily: int = 0
    more: int = 0
    timing: int = 0


_DRUG = {
    "RXO": _Fields(2, 4, 17, 23, 24),
    "RXE": _Fields(3, 5, 22, 19, 31, 1),
    "RXG": _Fields(5, 7, 14, timing=3),
    "RXD": _Fields(0, 0, daily=12, more=25),
    "RXA": _Fields(6, 7, 12),
}


def planned(node: Node, plan: Plan, where: dict[str, set[int]]) -> set[int]:
    """Write a TQ1 or TQ into the drug's Dosage; a second one that differs is the next phase. Gives the fields placed."""
    done: set[int] = set()
    if plan.priority and node.type == "MedicationRequest":
        node.data.setdefault("priority", plan.priority)
        done |= where["priority"]
    whole = dict(plan.timing)
    if plan.limits:
        whole["repeat"] = {**whole.get("repeat", {}), "boundsPeriod": plan.limits}
    dosage = _phase(node, whole)
    if whole:
        dosage["timing"] = whole
        done |= plan.placed | (where["limits"] if plan.limits else set())
    if plan.quantity and _dose(node, dosage, plan.quantity):
        done |= where["quantity"]
    if plan.words:
        dosage.setdefault("additionalInstruction", []).extend({"text": words} for words in plan.words)
        done |= where["words"]
    return done


def _phase(node: Node, whole: dict[str, Any]) -> dict[str, Any]:
    """The Dosage that this timing belongs to: the first while it has none or the same one, else a further one."""
    first = _first(node)
    if not whole or "timing" not in first:
        return first
    phases = node.data["dosageInstruction"]
    same: dict[str, Any] | None = next((one for one in phases if one.get("timing") == whole), None)
    if same is None:
        same = {}
        phases.append(same)
    for number, one in enumerate(phases, 1):
        one["sequence"] = number
    return same


def _dose(node: Node, dosage: dict[str, Any], amount: dict[str, Any]) -> bool:
    """TQ1-2 with a unit is a dose of its own; without one it multiplies the dose of the drug's segment, if there is one."""
    if set(amount) == {"value"}:
        if dosage is not node.data["dosageInstruction"][0]:
            return False
        node.slots[MULTIPLIER] = amount
        return True
    doses = dosage.setdefault("doseAndRate", [])
    if all(one.get("doseQuantity") != amount for one in doses):
        doses.append({"doseQuantity": amount})
    return True


def drug(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """What RXO, RXE, RXG, RXD and RXA say besides their tables' rows; give the fields that found their place."""
    fields = _DRUG[segment.name]
    done: set[int] = set()
    if fields.timing and segment.field(fields.timing) and node.type == "MedicationRequest":
        done |= told(node, segment, fields.timing, sender)
    if fields.daily and _daily(node, segment.first(fields.daily)):
        done.add(fields.daily)
    if fields.per and _per(node, segment, fields):
        done.add(fields.per)
    if fields.more and _supplementary(node, segment.repetitions(fields.more)):
        done.add(fields.more)
    return done


def told(node: Node, segment: Segment, field: int, sender: Sender) -> set[int]:
    """A field of type TQ (ORC-7, RXE-1, RXG-3): done when each of its components found a place."""
    done = set()
    for rep in segment.repetitions(field):
        if rep:
            said = {at for at in range(1, 13) if rep.c(at)}
            done.add(said <= planned(node, timing.of_tq(rep, sender), timing.TQ))
    return {field} if done == {True} else set()


def _daily(node: Node, rep: Repetition) -> bool:
    """Total daily dose: the most that is given in a day (table RXO[MedicationRequest], row "Total Daily Dose")."""
    amount = values.quantity(rep) if rep else None
    if amount is None or node.type not in ("MedicationRequest", "MedicationDispense"):
        return False
    day = {"value": 1, "unit": "d", "system": timing.UCUM, "code": "d"}
    _first(node)["maxDosePerPeriod"] = {"numerator": amount, "denominator": day}
    return True


def _first(node: Node) -> dict[str, Any]:
    phases = node.data.setdefault("dosageInstruction", [])
    if not phases:
        phases.append(node.slots.setdefault(_FIRST, {}))
    first: dict[str, Any] = phases[0]
    return first


def _per(node: Node, segment: Segment, fields: _Fields) -> bool:
    """An amount per unit of time is a rate."""
    long, amount = timing.span(segment.c(fields.per)), values.number(segment.c(fields.amount))
    if long is None or amount is None:
        return False
    rate = {"numerator": {"value": amount, **(values.unit(segment.first(fields.unit)) or {})}, "denominator": long}
    if node.type == "MedicationAdministration":
        node.data.setdefault("dosage", {})["rateRatio"] = rate
        return True
    doses = _first(node).setdefault("doseAndRate", [{}])
    own = next((one for one in doses if one.get("doseRange", {}).get("low", {}).get("value") == amount), doses[0])
    if any(name.startswith("rate") for name in own):
        return False
    own["rateRatio"] = rate
    return True


def _supplementary(node: Node, given: list[Repetition]) -> bool:
    """Further codes of the same drug stand beside the first."""
    held = node.data.get("medicationReference")
    if not given or not isinstance(held, Node) or not held.data.get("code"):
        return False
    return _coded(held.data["code"], given)


def _coded(concept: dict[str, Any], given: list[Repetition]) -> bool:
    known = concept.setdefault("coding", [])
    said = [rep for rep in given if rep]
    more = [one for rep in said for one in values.codings(rep, "") or [{"display": rep.c(2) or rep.text}]]
    known += [one for one in more if one not in known]
    return bool(more)


def component(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """RXC-5, 6, 8 and 9: the strength of a component that is itself a preparation; 7, its further codes."""
    held = node.data.get("medicationReference")
    parts = held.data.get("ingredient") if isinstance(held, Node) else None
    if not parts or "itemCodeableConcept" not in parts[-1]:
        return set()
    part, done = parts[-1], set()
    if segment.field(7) and _coded(part["itemCodeableConcept"], segment.repetitions(7)):
        done.add(7)
    amount = values.number(segment.c(5))
    if amount is None:
        return done
    code = part.pop("itemCodeableConcept")
    strength: dict[str, Any] = {"numerator": {"value": amount, **(values.unit(segment.first(6)) or {})}}
    volume = values.number(segment.c(8))
    unit = values.unit(segment.first(9)) or {}
    strength["denominator"] = {"value": 1} if volume is None else {"value": volume, **unit}
    inner = Node("Medication")
    inner.data = {"code": code, "ingredient": [{"itemCodeableConcept": code, "strength": strength}]}
    part["itemReference"] = inner
    return done | {5, 6} | ({8, 9} if volume is not None else set())


def administered(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """RXA-20 and 21: what was refused or not given was not done, what is deleted was an error."""
    status = coded("CompletionStatus", segment.c(20))
    done = drug(node, segment, sender)
    if status:
        node.data["status"] = status[0]
        done.add(20)
    if segment.c(21) == "D":
        node.data["status"] = "entered-in-error"
    return done | ({21} if segment.c(21) in ("A", "U", "D", "X") else set())


def settle(node: Node) -> None:
    """Before the Dosages are done: a multiplier alone is the dose, later phases go the first one's way."""
    phases = node.data.get("dosageInstruction") or []
    alone = node.slots.pop(MULTIPLIER, None)
    if alone and phases:
        if not phases[0].get("doseAndRate"):
            phases[0]["doseAndRate"] = [{"doseQuantity": alone}]
        elif alone["value"] != 1:
            part = {"url": "2", "valueQuantity": alone}
            node.data.setdefault("extension", []).append({"url": "urn:onmaru:v2:TQ1", "extension": [part]})
    for later in phases[1:]:
        for name in ("route", "site", "method", "doseAndRate"):
            if name in phases[0]:
                later.setdefault(name, phases[0][name])
