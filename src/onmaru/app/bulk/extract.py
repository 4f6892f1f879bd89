"""What an export takes out of a record: positions, chosen at one t. The gate is asked when they are chosen, and once more
for every page that is read: data at t, permission now.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence

import msgspec
from pyroaring import BitMap

from onmaru.fhir import search
from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Query
from onmaru.fhir.search.cost import check
from onmaru.kernel.audit import access
from onmaru.kernel.caller import Caller
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.export import Asked
from onmaru.kernel.gate import Sight
from onmaru.kernel.widening import widened

# Positions or patients that are looked through in one step: a few milliseconds
SLICE = 20_000
PEOPLE = 100
_MEMBER = re.compile(r"(?:.*/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?")


class Chosen(msgspec.Struct, frozen=True):
    """All of one type that is exported, by position."""

    type: str
    positions: BitMap


def may_export(tenant: Tenant, caller: Caller, asked: Asked) -> str:
    """Why `caller` may not have this export; "" when it may. Asking for everything needs a scope on everything."""
    if tenant.gate.sight(caller, "s").only is not None:
        return "patient"
    named = asked.types or (("*",) if asked.level == "system" else ("Patient",))
    wanted = [*named, *(("Group",) if asked.group else ())]
    return next((why for type in wanted for verb in "rs" if (why := tenant.gate.refusal(caller, verb, type))), "")


def chosen(tenant: Tenant, caller: Caller, asked: Asked, t: int) -> Generator[float, None, Sequence[Chosen]]:
    """Choose, in short steps, each of which tells how much of the work is done (0 to 1).

    Raises Invalid 403 for a caller who may not, 404 for a group that is not there for it.
    """
    refusal = may_export(tenant, caller, asked)
    if refusal:
        tenant.trail.add(access(caller, "execute", "$export", tenant.now(), denied=refusal))
        raise invalid("forbidden", f"not permitted: {refusal}", status=403)
    within = yield from _within(tenant, caller, asked, t)
    found: list[Chosen] = []
    wanted = asked.wanted()
    for number, type in enumerate(wanted):
        yield (number + 1) / (len(wanted) + 1)
        # Asked for each type anew: a consent that is withdrawn meanwhile holds for what is not chosen yet
        sight = tenant.gate.sight(caller, "s")
        if any(tenant.gate.refusal(caller, verb, type) for verb in "rs"):
            continue
        positions = _of_type(tenant, asked, (type, t), sight)
        if within is not None and not asked.shared(type):
            positions &= within
        if positions:
            found.append(Chosen(type, positions))
    return [*found, *(yield from _associated(tenant, caller, asked, (found, t)))]


def _associated(
    tenant: Tenant, caller: Caller, asked: Asked, chosen: tuple[Sequence[Chosen], int]
) -> Generator[float, None, Sequence[Chosen]]:
    """Provenance of what was chosen: all that is about it, or for each resource the newest."""
    found, t = chosen
    refused = any(tenant.gate.refusal(caller, verb, "Provenance") for verb in "rs")
    if not asked.associated or refused or any(one.type == "Provenance" for one in found):
        return ()
    index, every = tenant.index, BitMap.union(BitMap(), *(one.positions for one in found))
    told, kept = BitMap(), BitMap()
    target = search.parameters("Provenance")["target"].sp
    latest = "RelevantProvenanceResources" not in asked.associated
    standing = index.standing(Query(("Provenance",)), t, tenant.gate.sight(caller, "s"))
    for number, one in enumerate(reversed(standing)):
        if number % PEOPLE == 0:
            yield 1.0
        (version,) = index.touched(one - 1, one)
        about = BitMap()
        for sp, type, id in index.keys(version).reference:
            there = index.latest(type, id, t) if sp == target else None
            if there is not None and there.t in every:
                about.add(there.t)
        if about - told if latest else about:
            kept.add(one)
        told |= about
    return [Chosen("Provenance", kept)] if kept else ()


def _of_type(tenant: Tenant, asked: Asked, what: tuple[str, int], sight: Sight) -> BitMap:
    type, t = what
    index = tenant.index
    found = BitMap()
    for query in asked.queries(type):
        check(query, t)
        found |= index.standing(widened(query, index, t, sight, lambda: tenant.rules.terms), t, sight)
    if asked.since:
        found.remove_range(0, index.recorded(asked.since + 1) + 1)
    if asked.until:
        found.remove_range(index.recorded(asked.until) + 1, 2**32)
    return found


def _within(tenant: Tenant, caller: Caller, asked: Asked, t: int) -> Generator[float, None, BitMap | None]:
    """The positions in the compartments that are asked for; None at system level, where nothing is narrowed."""
    if asked.level == "system":
        return None
    people = asked.patients
    if asked.level == "group":
        members = _members(Chart(tenant, caller, t).read("Group", asked.group).body or b"{}")
        people = tuple(one for one in members if not people or one in people)
    elif not people:
        return (yield from _anybodys(tenant, t))
    found = BitMap()
    for start in range(0, len(people), PEOPLE):
        found |= tenant.index.inside(people[start : start + PEOPLE])
        yield 0.0
    return found


def _anybodys(tenant: Tenant, t: int) -> Generator[float, None, BitMap]:
    found = BitMap()
    for start in range(0, t, SLICE):
        found |= tenant.index.owned(start, min(start + SLICE, t))
        yield 0.0
    return found


class _Entity(msgspec.Struct, frozen=True):
    reference: str = ""


class _Member(msgspec.Struct):
    entity: _Entity = _Entity()
    inactive: bool = False


class _Group(msgspec.Struct):
    member: list[_Member] = []


def _members(body: bytes) -> Sequence[str]:
    """The patients of a group who are still in it."""
    group = msgspec.json.decode(body, type=_Group)
    found = (_MEMBER.fullmatch(one.entity.reference) for one in group.member if not one.inactive)
    return tuple(dict.fromkeys(one[1] for one in found if one is not None))


class Reading:
    """Chosen positions of one type, read page by page for whoever asks for them now."""

    def __init__(self, tenant: Tenant, type: str, t: int, target: str) -> None:
        self._tenant = tenant
        self._type = type
        self._t = t
        self._target = target

    def shown(self, caller: Caller, positions: BitMap) -> BitMap:
        """Those that this caller may see now; `Invalid` 403 when it may see none of the type."""
        refusal = self._tenant.gate.refusal(caller, "r", self._type)
        if refusal:
            self._note(caller, denied=refusal)
            raise invalid("forbidden", f"not permitted: {refusal}", status=403)
        sight = self._tenant.gate.sight(caller)
        return positions if sight.everything else self._tenant.index.seen(positions, self._type, self._t, sight)

    def disclosed(self, caller: Caller, positions: BitMap) -> None:
        """Leave the audit row of a page, with the patients that it tells of."""
        self._note(caller, patients=tuple(sorted(self._tenant.index.named(positions))))

    def _note(self, caller: Caller, *, patients: Sequence[str] = (), denied: str = "") -> None:
        at = self._tenant.now()
        self._tenant.trail.add(access(caller, "read", self._target, at, patients=patients, denied=denied))


def pages(positions: BitMap, size: int) -> Iterator[BitMap]:
    """The same positions, at most `size` at a time, in order."""
    for start in range(0, len(positions), size):
        yield positions[start : start + size]
