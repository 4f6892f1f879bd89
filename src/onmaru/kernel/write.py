"""Deciding a write: conditions are evaluated at a position T and hold only if the append happens at T+1."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

import msgspec

from onmaru.fhir import verbatim
from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.fhir.query import Query
from onmaru.fhir.search.cost import check
from onmaru.fhir.search.own import check as check_own
from onmaru.kernel.assigning import mark
from onmaru.kernel.books import TYPES, may_keep
from onmaru.kernel.caller import Caller
from onmaru.kernel.compartment import MANY
from onmaru.kernel.errand import HEAVY, Admit, Admitted, Errand, Result, carried
from onmaru.kernel.gate import Compartments, Gate, Sight
from onmaru.kernel.index import Index
from onmaru.kernel.integrity import Bonds
from onmaru.kernel.labels import Coding, lowered, refuse_strange
from onmaru.kernel.log import Draft, Op, Version
from onmaru.kernel.provision import refuse_endless
from onmaru.kernel.record import Change
from onmaru.kernel.rules import Rules
from onmaru.kernel.since import Since, Target
from onmaru.kernel.widening import widened


class Decided(msgspec.Struct):
    """One item a change: a draft to append, or the version that stands already; and the HTTP status that tells which.

    `warned`: by number, what a tenant wants told of a change that it takes.
    """

    drafts: list[Draft | None] = []
    standing: list[Version] = []
    status: list[int] = []
    warned: dict[int, tuple[Issue, ...]] = {}


# Changes times versions appended since they were prepared, up to which all are looked at again in one go
MOST_PAIRS = 2000
NOT_KEEPER = "not permitted: this is one of the house's own books, which only who works its doors writes"
NOTHING = Version(0, "", "", 0, "create", 0, None)


class Plan:
    """Decides the changes of one transaction; prepared bodies are kept when the decision has to be taken again."""

    def __init__(
        self, index: Index, caller: Caller, gate: Gate, new_id: Callable[[], str], rules: Rules | None = None
    ) -> None:
        self._index = index
        self._caller = caller
        self._gate = gate
        self._new_id = new_id
        self._definitions = rules or Rules()
        self._rules = rules if rules is not None and rules.judging else None
        self._integrity = rules.integrity if rules is not None else "off"
        self._bonds: Bonds | None = None
        self._sight = gate.sight(caller)
        self._ids: dict[int, str] = {}
        self._made: dict[int, tuple[str, Admitted | Invalid]] = {}
        self._links: dict[str, str] = {}
        self._targets: list[Target] = []
        self._as_of = 0
        self._conditions = 0
        self._seen = (self._sight, self._sight)
        self._names: set[tuple[str, str]] = set()
        self.hidden: set[int] = set()

    def decide(self, changes: Sequence[Change], t: int) -> Decided:
        """Raise Invalid (400, 404, 409, 412, 422) when the changes cannot be made at `t`; all problems of bodies at once."""
        sight = self._gate.sight(self._caller, "s")
        self._sight = self._gate.sight(self._caller)
        targets = [*self._still(changes, t, sight)]
        _refuse_twice(changes, targets)
        _refuse_stale(changes, targets)
        self._names = {(change.type, target.id) for change, target in zip(changes, targets, strict=True) if change.body}
        if self._integrity != "off":
            gone = {(c.type, target.id) for c, target in zip(changes, targets, strict=True) if c.op == "delete"}
            self._bonds = Bonds(self._integrity, self._index, self._sight, t, self._names, gone)
        links = _links(changes, targets)
        if links != self._links:
            self._made.clear()
        decided = Decided([], [], [], {})
        problems: list[Issue] = []
        for number, (change, target) in enumerate(zip(changes, targets, strict=True)):
            try:
                self._one(decided, (number, t), change, target, links)
            except Invalid as error:
                if len(changes) == 1:
                    raise
                problems += [_within(issue, number) for issue in error.issues]
        if problems:
            raise Invalid(problems, 422)
        return decided

    def prepare(self, changes: Sequence[Change], t: int) -> Generator[Errand | None, Result | None, None]:
        """Do the costly part of `decide` beforehand, yielding after each change; stops where `decide` will refuse.

        Called again it does again only what was touched since.
        """
        sight = self._gate.sight(self._caller, "s")
        self._sight = self._gate.sight(self._caller)
        targets: list[Target] = []
        try:
            for target in self._still(changes, t, sight):
                targets.append(target)
                yield None
        except Invalid:
            return
        finally:
            self._targets, self._as_of, self._seen = targets, t, (sight, self._sight)
        links = _links(changes, targets)
        if links != self._links:
            self._made.clear()
        self._links = links
        self._conditions = sum(1 for change in changes if change.if_none_exist or change.condition)
        for number, (change, target) in enumerate(zip(changes, targets, strict=True)):
            if change.body and not (target.done or change.ready) and self._made.get(number, ("",))[0] != target.id:
                try:
                    made = yield from carried(_admission(change, links))
                    made.spots = made.spots or verbatim.spots(made.body)
                    self._judge(change.type, made)
                    self._made[number] = (target.id, made)
                except Invalid as error:
                    self._made[number] = (target.id, error)
            yield None

    def fresh(self, t: int) -> bool:
        """Whether so little was appended since `prepare` that deciding at `t` takes no time worth a thought."""
        return (t - self._as_of) * max(2, self._conditions) <= MOST_PAIRS

    def _still(self, changes: Sequence[Change], t: int, sight: Sight) -> Iterator[Target]:
        """The target of each change at `t`: the one that was prepared, unless something touched it since."""
        known = self._targets if self._seen == (sight, self._sight) else []
        if self._sight.hiding:
            self._index.reach(t)
        since = Since(self._index, self._as_of, t, self._sight.hiding) if known else None
        if not known and len(changes) > 1:
            named = [(one.type, one.id) for one in changes if one.id and one.op != "create" and one.condition is None]
            self._index.expect(named)
        for number, change in enumerate(changes):
            if since is not None and number < len(known) and not since.touches(change, known[number]):
                yield known[number]
            else:
                self.hidden.discard(number)
                yield self._target(number, change, t, sight)

    def _ready(self, number: int, change: Change, target: Target, links: dict[str, str]) -> Admitted:
        """What came ready or was prepared for this target; prepared now otherwise."""
        known = self._made.get(number)
        if known is not None and known[0] == target.id:
            made = known[1]
        else:
            made = change.ready or _admission(change, links).done()
            self._judge(change.type, made)
        if isinstance(made, Invalid):
            raise made
        if change.op == "update" and made.id != target.id and (made.id or change.condition is None):
            raise invalid("invalid", "id in the body and of the resource differ or are missing", f"{change.type}.id")
        if change.type == "Patient":
            made.keys.patients = [target.id]
        return made

    def _judge(self, type: str, made: Admitted) -> None:
        """Refuse what the tenant's rules and the gate do not let in; put on the labels that the tenant's codes ask for."""
        refuse_strange(type, made.keys.labels)
        if self._gate.assigned:
            mark(made, self._gate.assigned)
        if type == "Consent":
            refuse_endless(made.body)
        if type == "SearchParameter":
            check_own(made.body)
        if self._rules is not None:
            self._rules.judge(made.body)

    def _target(self, number: int, change: Change, t: int, sight: Sight) -> Target:
        if change.op == "create":
            return self._creation(number, change, t, sight)
        if change.condition is not None:
            found = self._only(change.condition, t, sight)
            if found is not None:
                return Target(found.id, found)
            return self._unmatched(number, change, t)
        current = self._index.latest(change.type, change.id, t)
        if current is not None and not self._covers(current):
            self.hidden.add(number)
            current = None
        if current is None and change.op == "update" and not (change.make and self._sight.whole):
            raise invalid("not-found", "no such resource", status=404)
        return Target(change.id, current)

    def _covers(self, current: Version) -> bool:
        """Whether a version that is there, of whatever type, exists for the caller."""
        return self._sight.admits(current, self._index.compartments(current), self._index.keys)

    def _unmatched(self, number: int, change: Change, t: int) -> Target:
        """An update whose condition matches nothing makes the resource; under the id it brings, if that is free."""
        if change.op != "update":
            return Target("", None)
        if not change.make or (change.id and not self._sight.whole):
            raise invalid("not-found", "nothing matches the condition", status=404)
        if change.id and self._index.latest(change.type, change.id, t) is not None:
            raise invalid("conflict", "the condition matches nothing, and the id in the body is taken", status=409)
        return Target(self._fresh(number, change), None)

    def _creation(self, number: int, change: Change, t: int, sight: Sight) -> Target:
        if change.if_none_exist is not None:
            found = self._only(change.if_none_exist, t, sight)
            if found is not None:
                return Target(found.id, found, done=True)
        return Target(self._fresh(number, change), None)

    def _fresh(self, number: int, change: Change) -> str:
        if change.id:
            return change.id
        if number not in self._ids:
            self._ids[number] = self._new_id()
        return self._ids[number]

    def _only(self, query: Query, t: int, sight: Sight) -> Version | None:
        check(query, t)
        query = widened(query, self._index, t, sight, lambda: self._definitions.terms)
        found = self._index.find(msgspec.structs.replace(query, count=2, total="none"), t, 0, 0, sight).versions
        if len(found) > 1:
            raise invalid("multiple-matches", "the condition matches more than one resource", status=412)
        return found[0] if found else None

    def _one(
        self, decided: Decided, where: tuple[int, int], change: Change, target: Target, links: dict[str, str]
    ) -> None:
        number, t = where
        if target.done and target.current is not None:
            _add(decided, None, target.current, 200)
            return
        _precondition(change, target.current)
        if target.current is not None and change.op != "erase":
            self._keep(change.type, target.current)
        if change.op in ("delete", "erase"):
            self._removal(decided, change, target)
            if self._bonds is not None and change.op == "delete" and decided.drafts[-1] is not None:
                self._warn(decided, number, self._bonds.deleted(change.type, target.id))
            return
        admitted = self._ready(number, change, target, links)
        keys, current = admitted.keys, target.current
        if not may_keep(self._caller, change.type, keys):
            raise invalid("forbidden", NOT_KEEPER, status=403)
        self._permit(change.type, target, admitted, t)
        if self._bonds is not None:
            self._warn(decided, number, self._bonds.written(admitted.body, current))
        version = current.version + 1 if current else 1
        op: Op = "update" if current else "create"
        made = current is None or current.body is None
        _add(decided, self._draft(op, change, target.id, version, admitted), NOTHING, 201 if made else 200)

    def _warn(self, decided: Decided, number: int, issues: Sequence[Issue]) -> None:
        if issues:
            decided.warned[number] = tuple(issues)

    def _permit(self, type: str, target: Target, made: Admitted, t: int) -> None:
        """Refuse who may not write this body where it belongs, or not with lower labels than stand there."""
        keys, current = made.keys, target.current
        draft = Version(0, type, target.id, 0, "create", 0, made.body)
        covered = self._sight.admits(draft, Compartments(keys.patients), lambda _: keys)
        if not covered or not self._knows(keys.heir_of, current, t):
            raise invalid("forbidden", "not permitted: patient", status=403)
        if self._gate.labels.any and current is not None and self._lowers(current, keys.labels):
            raise invalid("forbidden", "not permitted: the security labels may not be lowered", "meta.security", 403)

    def _keep(self, type: str, current: Version) -> None:
        """Refuse who would write over one of the house's books."""
        if type in TYPES and current.body is not None and not may_keep(self._caller, type, self._index.keys(current)):
            raise invalid("forbidden", NOT_KEEPER, status=403)

    def _knows(self, names: Sequence[tuple[str, str]], current: Version | None, t: int) -> bool:
        """Whether the caller sees everything that a resource inherits from; what is hidden and what is not there are one.

        Only those are asked from whom a patient is hidden: nobody else could tell the two apart. What a version that the
        caller sees refers to already is not hidden, or that would be hidden too.
        """
        if not names or not self._sight.hiding:
            return True
        self._index.reach(t)
        unseen = [name for name in names if name not in self._names and not self._sees(*name, t)]
        if not unseen or current is None or current.body is None:
            return not unseen
        return set(unseen) <= set(self._index.keys(current).heir_of)

    def _sees(self, type: str, id: str, t: int) -> bool:
        if (type, id) == MANY:
            return True
        if type == "Patient":
            return id not in self._sight.denied
        found = self._index.latest(type, id, t)
        return found is not None and self._sight.shows(found, self._index.compartments(found), self._index.keys)

    def _lowers(self, current: Version, labels: Sequence[Coding]) -> bool:
        """Whether the caller takes labels off that it may not take off; those of a resource that was deleted count."""
        before = self._index.compartments(current).labels
        return bool(before) and lowered(before, labels) and not self._gate.labels.may_lower(self._caller)

    def _removal(self, decided: Decided, change: Change, target: Target) -> None:
        current = target.current
        if current is None or (current.body is None and change.op == "delete"):
            _add(decided, None, current or NOTHING, 204 if current or change.condition is not None else 404)
            return
        draft = self._draft(change.op, change, target.id, current.version + 1, None)
        if change.op == "erase":
            taken = self._index.positions(change.type, target.id, current.t)
            draft = msgspec.structs.replace(draft, erases=tuple(taken))
        _add(decided, draft, NOTHING, 204)

    def _draft(self, op: Op, change: Change, id: str, version: int, made: Admitted | None) -> Draft:
        caller = self._caller
        body, keys, spots = (made.body, made.keys, made.spots) if made is not None else (None, None, None)
        return Draft(
            op,
            change.type,
            id,
            version,
            body,
            caller.user,
            caller.purpose,
            caller.request,
            keys,
            spots,
        )


def _links(changes: Sequence[Change], targets: Sequence[Target]) -> dict[str, str]:
    """What the names of the changes stand for: `Type/id`."""
    return {
        change.name: f"{change.type}/{target.id}"
        for change, target in zip(changes, targets, strict=True)
        if change.name and target.id
    }


def _add(decided: Decided, draft: Draft | None, standing: Version, status: int) -> None:
    decided.drafts.append(draft)
    decided.standing.append(standing)
    decided.status.append(status)


def _precondition(change: Change, current: Version | None) -> None:
    if change.if_match is not None and (current is None or current.version != change.if_match):
        raise invalid("conflict", "the resource is not at the version given in If-Match", status=412)
    if change.absent and current is not None and current.body is not None:
        raise invalid("conflict", "the resource is there, and If-None-Match asks that it is not", status=412)


def _admission(change: Change, links: dict[str, str]) -> Admit:
    """The errand of checking a change's body."""
    known: Mapping[str, str] = links or change.links
    if links and change.links:
        known = ChainMap(links, change.links)  # type: ignore[arg-type]  # only read
        if len(change.body) > HEAVY:
            known = dict(known)  # it may be sent away
    return Admit(change.type, change.body, change.compacted, known)


def _refuse_twice(changes: Sequence[Change], targets: Sequence[Target]) -> None:
    seen: set[tuple[str, str]] = set()
    for change, target in zip(changes, targets, strict=True):
        name = (change.type, target.id)
        if target.id and not target.done and name in seen:
            raise invalid("duplicate", "two entries of one transaction change the same resource", change.type)
        seen.add(name)


def _refuse_stale(changes: Sequence[Change], targets: Sequence[Target]) -> None:
    """Bodies that came ready call each creation by the id it was to get: none may turn out to be another resource."""
    for change, target in zip(changes, targets, strict=True):
        if target.done and change.id not in ("", target.id) and any(one.ready is not None for one in changes):
            raise invalid("conflict", "what was to be made exists under another id", change.type, 409)


def _within(issue: Issue, number: int) -> Issue:
    path = f"Bundle.entry[{number}].resource"
    return Issue(issue.code, issue.text, f"{path} {issue.expression}".strip(), issue.severity)
