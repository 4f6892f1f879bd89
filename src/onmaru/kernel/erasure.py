"""Erasing a person: asked for with a reason, planned, refused while a law keeps the record, done in one go.

Blobs go first: what is cut short is asked for again, and no blob is left that nothing names any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.kernel import retention
from onmaru.kernel.audit import access
from onmaru.kernel.blobs import Blobs
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.log import Version
from onmaru.kernel.reach import ORIGINAL, SLICE, Name, Reach, reaching
from onmaru.kernel.record import Change

EVERYTHING = (Scope("system", "*", frozenset("cruds")),)
LONGEST_REASON = 500
NAMED = 20
ATTEMPTS = 4
T = TypeVar("T")


class Asked(msgspec.Struct, frozen=True):
    """Whose erasure, why, and whether what cannot be parted from other patients shall go too."""

    patient: str
    reason: str
    with_shared: bool = False


class Letter(msgspec.Struct, frozen=True):
    """A dead letter that names the person: its Task's id, its blobs, and whether it names others too."""

    id: str
    blobs: tuple[str, ...]
    shared: bool


class Plan(msgspec.Struct, frozen=True):
    """What an erasure would do."""

    asked: Asked
    reach: Reach
    letters: tuple[Letter, ...]
    blobs: tuple[str, ...]
    holds: tuple[retention.Hold, ...]

    @property
    def shared(self) -> list[Name]:
        """What cannot be parted from other patients."""
        return [*self.reach.shared, *(("Task", one.id) for one in self.letters if one.shared)]

    @property
    def taken(self) -> list[Name]:
        """What is erased whole; what is written again is among it."""
        kept = () if self.asked.with_shared else self.shared
        own = [*self.reach.own, *((one.type, one.id) for one in self.reach.rewritten), *self.shared]
        own += [("Task", one.id) for one in self.letters]
        return [name for name in dict.fromkeys(own) if name not in kept]

    @property
    def problems(self) -> list[Issue]:
        """Why it cannot be carried out; every reason at once."""
        found = [Issue("business-rule", hold.text) for hold in self.holds]
        if self.shared and not self.asked.with_shared:
            names = ", ".join("/".join(name) for name in self.shared[:NAMED])
            more = f" and {len(self.shared) - NAMED} more" if len(self.shared) > NAMED else ""
            text = f"these are other patients' too and cannot be parted: {names}{more}; withShared erases them whole"
            found.append(Issue("conflict", text))
        return found

    def told(self) -> dict[str, Any]:
        """The plan as JSON: counts, rules and what stands in the way; nothing that the record says."""
        return {
            "patients": list(self.reach.people),
            "by_type": dict(sorted(Counter(type for type, _ in self.taken).items())),
            "versions": len(self.reach.versions),
            "blobs": len(self.blobs),
            "dead_letters": len(self.letters),
            "rewritten": dict(sorted(Counter(one.type for one in self.reach.rewritten if one.body).items())),
            "shared": ["/".join(name) for name in self.shared],
            "kept_by_law": [hold.text for hold in self.holds],
        }


class Eraser:
    """Erases persons of one tenant; who may ask is decided before. `letters` finds the dead letters that name one."""

    def __init__(
        self,
        tenant: Tenant,
        blobs: Callable[[Caller], Blobs],
        letters: Callable[[Caller, Reach], Sequence[Letter]],
        rules: Sequence[retention.Rule] = (),
    ) -> None:
        self._tenant = tenant
        self._blobs = blobs
        self._letters = letters
        self._rules = tuple(rules) or retention.standard()

    def planning(self, caller: Caller, asked: Asked) -> Generator[None, None, Plan]:
        """What would be erased, in short slices.

        `Invalid` 400 without a reason, 404 for no such Patient, 410 for one erased before.
        """
        if not asked.reason.strip() or len(asked.reason) > LONGEST_REASON:
            raise invalid("required", f"a reason of at most {LONGEST_REASON} characters is needed", "reason")
        acting = authority(caller, asked.reason)
        self._note(acting, asked, "execute", (asked.patient,))
        current = self._tenant.index.latest("Patient", asked.patient, self._tenant.log.tip())
        if current is None:
            raise invalid("not-found", "no such resource", status=404)
        found = yield from reaching(self._tenant, asked.patient)
        if not any(version.body for version in found.versions):
            raise invalid("deleted", "the resource was erased before", status=410)
        kept = yield from self._kept(found)
        blobs = self._blobs(acting)
        carded = [blob for patient in found.people for blob in blobs.of(patient)]
        letters = tuple(self._letters(acting, found))
        going = [letter for letter in letters if asked.with_shared or not letter.shared]
        named = {*carded, *found.blobs, *(blob for letter in going for blob in letter.blobs)}
        holds = retention.holds(kept, self._tenant.now(), self._rules)
        return Plan(asked, found, letters, tuple(sorted(named)), tuple(holds))

    def carrying_out(self, caller: Caller, asked: Asked) -> Generator[None, None, tuple[Plan, int]]:
        """Erase; the plan and the position that has to be durable and followed by all. `Invalid` 409 tells every hindrance.

        Planned in short slices, and again while the person's record moves on; then written in one go: on the log it is
        one erasure a resource, then what is written again, with nothing of others between.
        """
        for _ in range(ATTEMPTS):
            t = self._tenant.log.tip()
            plan = yield from self.planning(caller, asked)
            if not self._touched(plan, t):
                return self._carried_out(caller, plan)
        return self._carried_out(caller, driven(self.planning(caller, asked)))

    def _touched(self, plan: Plan, t: int) -> bool:
        """Whether anything was appended after `t` that the plan does not know of."""
        index, names, people = self._tenant.index, set(plan.taken), set(plan.reach.people)
        since = index.touched(t, self._tenant.log.tip())
        return any((v.type, v.id) in names or not people.isdisjoint(index.compartments(v).own) for v in since)

    def _carried_out(self, caller: Caller, plan: Plan) -> tuple[Plan, int]:
        asked = plan.asked
        acting = authority(caller, asked.reason)
        problems = plan.problems
        if problems:
            self._note(acting, asked, "erase", plan.reach.people, denied=problems[0].code)
            raise Invalid(problems, 409)
        log = self._tenant.log
        self._note(acting, asked, "erase", plan.reach.people)
        log.wait(log.tip())
        self._blobs(acting).drop(plan.blobs)
        # What is written again takes the place of what is erased: no limit stands between the two
        chart = Chart(msgspec.structs.replace(self._tenant, most=lambda: 0), acting)
        chart.write([Change("erase", type, id) for type, id in plan.taken])
        again = [Change("update", one.type, one.id, one.body) for one in plan.reach.rewritten if one.body]
        if again:
            chart.write(again)
        return plan, log.tip()

    def _kept(self, found: Reach) -> Generator[None, None, list[retention.Kept]]:
        """Each resource as the retention rules see it; what the house's own doors keep of messages is no record.

        One without any date counts from the person's last date, else from when it was recorded.
        """
        dated = []
        for number, version in enumerate(self._records(found)):
            if number % SLICE == 0:
                yield
            dated.append((version, self._moment(version)))
        last = max((at for _, at in dated if at is not None), default=None)
        return [
            retention.Kept(version.type, next(one for one in (at, last, version.at) if one is not None))
            for version, at in dated
        ]

    def _records(self, found: Reach) -> Iterator[Version]:
        versions = reversed([*found.versions, *found.shared_versions])  # of each resource the newest first
        newest = {(version.type, version.id): version for version in versions if version.body}
        for version in newest.values():
            tokens = self._tenant.index.keys(version).token if version.type == "DocumentReference" else ()
            if not any(system == ORIGINAL[0] for _, system, _ in tokens):
                yield version

    def _moment(self, version: Version) -> int | None:
        """The latest past date that a resource tells of; a birth is no care."""
        dates = self._tenant.index.keys(version).date if version.type != "Patient" else ()
        return retention.last_date(dates, self._tenant.now())

    def _note(self, acting: Caller, asked: Asked, action: Any, people: Sequence[str], denied: str = "") -> None:
        row = access(
            acting, action, f"Patient/{asked.patient}/$purge", self._tenant.now(), patients=people, denied=denied
        )
        self._tenant.trail.add(row)


def driven(steps: Generator[None, None, T]) -> T:
    """What a generator comes to, for who holds up nobody."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def authority(caller: Caller, reason: str) -> Caller:
    """The caller with the house's sight and scopes, its own name and request: no Consent hides what has to be erased."""
    return msgspec.structs.replace(
        caller, roles=caller.roles | {"system"}, scopes=EVERYTHING, patient="", reason=reason
    )
