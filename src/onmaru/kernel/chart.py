"""The Record on a Log and an Index: decides, writes and reads for one Caller. Every engine shares this logic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.fhir.query import Query
from onmaru.fhir.search.cost import check, passes
from onmaru.kernel import cursor as paging
from onmaru.kernel.audit import Action, Trail, access
from onmaru.kernel.caller import Caller
from onmaru.kernel.course import course, positions
from onmaru.kernel.gate import LEARNT, Compartments, Gate, Sight
from onmaru.kernel.include import MOST, included
from onmaru.kernel.index import Found, Index
from onmaru.kernel.log import Draft, Log, Moved, Version
from onmaru.kernel.record import Change, Page, Steps, Written
from onmaru.kernel.rules import DEFINING, Rules
from onmaru.kernel.subscribing import WATCHED, Unwatched, Watch
from onmaru.kernel.widening import widened
from onmaru.kernel.write import Decided, Plan

CUT = Issue("too-costly", f"not all that was to be included is here: at most {MOST} resources are", "", "warning")
ATTEMPTS = 8
# How often a large write is prepared again because others were made meanwhile; then it is decided as it stands
ROUNDS = 5
MAX_HISTORY = 1000
HOUR = 3_600_000_000


class Tenant(msgspec.Struct, frozen=True):
    """What the charts of one tenant stand on. `now` gives µs since 1970 UTC; `new_id` a fresh logical id.

    `horizon`: how long the pages of a search stay open, in µs. `most`: how many versions the log may hold, 0 any number.
    """

    name: str
    log: Log
    index: Index
    trail: Trail
    gate: Gate
    now: Callable[[], int]
    new_id: Callable[[], str]
    horizon: int = 24 * HOUR
    rules: Rules = Rules()
    most: Callable[[], int] = lambda: 0
    watch: Watch = Unwatched()


class Chart:
    """The Record door (kernel/record.py) for one Caller, at the durable head or, after `at(t)`, at t."""

    _looked: tuple[tuple[str, str], Sequence[int]] | None = None

    def __init__(self, tenant: Tenant, caller: Caller, t: int | None = None) -> None:
        self._tenant = tenant
        self._caller = caller
        self._t = t

    def at(self, t: int) -> Chart:
        """The same record as it was at t; data at t, permission now."""
        if not 0 <= t <= self._tenant.log.head():
            raise invalid("value", "no such position", status=404)
        return Chart(self._tenant, self._caller, t)

    def read(self, type: str, id: str, version: int | None = None) -> Version:
        """Read the current or a numbered version: 404 unknown or hidden, 410 deleted or erased."""
        action: Action = "read" if version is None else "vread"
        sight = self._sight("r", type, action, f"{type}/{id}")
        t = self._position()
        index = self._tenant.index
        found = index.latest(type, id, t) if version is None else index.numbered(type, id, version, t)
        whose = index.compartments(found) if found else Compartments()
        patients = whose.named
        # Whose an erased resource was is not known any more: only who sees every patient is told that it was there.
        nameless = found is not None and found.body is None and not patients and not sight.whole
        if found is None or nameless or not sight.shows(found, whose, index.keys):
            self._audit(action, f"{type}/{id}", denied="hidden" if found else "", patients=patients)
            raise invalid("not-found", "no such resource", status=404)
        self._audit(action, f"{type}/{id}", patients=patients)
        if found.body is None:
            raise invalid("deleted", "the resource was deleted", status=410)
        return found

    def history(
        self, type: str = "", id: str = "", *, patient: str = "", since: int = 0, before: int = 0, count: int = 20
    ) -> Page:
        """Versions newest first; 404 for an instance that is unknown or hidden. Of a hidden patient there are none."""
        target = "/".join(part for part in (type, id) if part) or "*"
        sight = self._sight("r", type or "*", "history", target)
        t = self._position()
        index = self._tenant.index
        if id:
            latest = index.latest(type, id, t)
            if latest is None or not sight.shows(latest, index.compartments(latest), index.keys):
                self._audit("history", target, denied="hidden" if latest else "")
                raise invalid("not-found", "no such resource", status=404)
        bounds, most = (t, before, since), min(count, MAX_HISTORY)
        if patient:
            target = f"{target}?patient=Patient/{patient}"
            found = course(index, self._course(patient, type, t, again=before > 0), bounds, most, sight)
        else:
            found = index.history(type, id, bounds, most, sight)
        self._audit("history", target, versions=found.versions)
        last = found.versions[-1].t if found.more and found.versions else 0
        return Page(t, found.versions, (), found.total, paging.write(paging.Cursor(t, last)) if last else "")

    def _course(self, patient: str, type: str, t: int, *, again: bool) -> Sequence[int]:
        """Where the patient's versions stand, looked up once for all pages of one look back: what came since is newer."""
        if not again or self._looked is None or self._looked[0] != (patient, type):
            self._looked = (patient, type), positions(self._tenant.index, patient, type, t)
        return self._looked[1]

    def search(self, query: Query) -> Page:
        """One page; the cursor of the first page pins the position of all that follow, until the horizon: then 410."""
        target = _target(query)
        sight = self._search_sight(query, target)
        at = self._beginning(query.cursor)
        check(query, at.t)
        asked = widened(query, self._tenant.index, at.t, sight, lambda: self._tenant.rules.terms)
        found = self._tenant.index.find(asked, at.t, at.after, at.offset, sight)
        extra, cut = included(self._tenant.index, query, found.versions, at.t, sight)
        self._audit("search", target, versions=(*found.versions, *extra))
        following = ""
        if found.more and found.versions:
            shown = at.offset + len(found.versions)
            following = paging.write(paging.Cursor(at.t, found.versions[-1].t, shown, at.began))
        return Page(at.t, found.versions, extra, found.total, following, at.began, _notes(query, found, cut=cut))

    def marked(self, type: str = "") -> Iterator[Version | None]:
        """Gated and noted as a search of the type; whose they are is told to nobody, only what they are marked with."""
        target = f"{type or '*'}/$meta"
        sight = self._sight("s", type or "*", "search", target)
        self._audit("search", target)
        return self._tenant.index.marked(type, self._position(), sight)

    def _beginning(self, cursor: str) -> paging.Cursor:
        now = self._tenant.now()
        if not cursor:
            return paging.Cursor(self._position(), 0, 0, now)
        found = paging.read(cursor, self._tenant.log.head())
        if now - found.began > self._tenant.horizon:
            raise invalid("expired", "the pages of this search are closed; search again", "_cursor", 410)
        return found

    def write(self, changes: Sequence[Change]) -> Sequence[Written]:
        """Decide at T and append at T+1, or decide again; all or nothing."""
        return self._append(self._plan(changes), changes)

    def steps(self, changes: Sequence[Change]) -> Steps:
        """The same, yielding while it is prepared; only what has moved since is decided again at the append."""
        plan, log = self._plan(changes), self._tenant.log
        t = log.head()
        for _ in range(ROUNDS):
            yield from plan.prepare(changes, t)
            t = log.tip()
            if plan.fresh(t):
                break
        return self._append(plan, changes)

    def _plan(self, changes: Sequence[Change]) -> Plan:
        for change in changes:
            self._permit(change)
        tenant = self._tenant
        return Plan(tenant.index, self._caller, tenant.gate, tenant.new_id, tenant.rules)

    def _append(self, plan: Plan, changes: Sequence[Change]) -> Sequence[Written]:
        for _ in range(ATTEMPTS):
            tip = self._tenant.log.tip()
            decided = self._decided(plan, changes, tip)
            drafts = [draft for draft in decided.drafts if draft is not None]
            self._check_room(changes[0], drafts, tip)
            try:
                appended = self._tenant.log.append(tip, drafts) if drafts else ()
            except Moved:
                continue
            for version, draft in zip(appended, drafts, strict=True):
                labels = draft.keys.labels if draft.keys is not None else ()
                if labels or version.type in LEARNT:
                    self._tenant.gate.learn(version, labels)
                if version.type in DEFINING:
                    self._tenant.rules.forget(version.type)
                elif version.type in WATCHED:
                    self._tenant.watch.took(self._caller, version)
            self._note_unwritten(plan, changes, decided)
            versions = iter(appended)
            return [
                Written(next(versions) if draft is not None else standing, status, decided.warned.get(number, ()))
                for number, (draft, standing, status) in enumerate(
                    zip(decided.drafts, decided.standing, decided.status, strict=True)
                )
            ]
        raise invalid("conflict", "the record moved on too often while this was decided", status=409)

    def _check_room(self, first: Change, drafts: Sequence[Draft], tip: int) -> None:
        """`Invalid` 507 where the log would grow beyond what the tenant may have; taking away is always possible."""
        most = self._tenant.most()
        if most and tip + len(drafts) > most and any(draft.body is not None for draft in drafts):
            self._audit(first.op, f"{first.type}/{first.id}", denied="quota")
            raise invalid("too-costly", f"this tenant may hold {most} versions of resources, and has them", status=507)

    def _note_unwritten(self, plan: Plan, changes: Sequence[Change], decided: Decided) -> None:
        """Audit rows for changes that append nothing: what a condition found, what was not there or is hidden."""
        for number, draft in enumerate(decided.drafts):
            if draft is None:
                change, standing = changes[number], decided.standing[number]
                target = f"{change.type}/{standing.id or change.id}"
                hidden = "hidden" if number in plan.hidden else ""
                self._audit(change.op, target, versions=[standing] if standing.t else (), denied=hidden)

    def _decided(self, plan: Plan, changes: Sequence[Change], tip: int) -> Decided:
        """The plan at `tip`; a refusal leaves an audit row, since it leaves no entry in the log."""
        try:
            decided = plan.decide(changes, tip)
            for draft in decided.drafts:
                if draft is not None and draft.type in WATCHED:
                    self._tenant.watch.judge(self._caller, draft)
            return decided
        except Invalid as error:
            first = changes[0]
            self._audit(first.op, f"{first.type}/{first.id}", denied=error.issues[0].code)
            raise

    def _permit(self, change: Change) -> None:
        verb = {"create": "c", "update": "u", "delete": "d", "erase": "d"}[change.op]
        refusal = self._tenant.gate.refusal(self._caller, verb, change.type)
        if not refusal and (change.if_none_exist is not None or change.condition is not None):
            refusal = self._tenant.gate.refusal(self._caller, "s", change.type)
        if refusal:
            self._audit(change.op, f"{change.type}/{change.id}", denied=refusal)
            raise invalid("forbidden", f"not permitted: {refusal}", status=403)

    def _position(self) -> int:
        return self._tenant.log.head() if self._t is None else self._t

    def _sight(self, verb: str, type: str, action: Action, target: str) -> Sight:
        refusal, sight = self._tenant.gate.judged(self._caller, verb, type)
        if refusal and (type != "*" or refusal == "tenant"):
            self._audit(action, target, denied=refusal)
            raise Invalid(invalid("forbidden", f"not permitted: {refusal}").issues, 403)
        return sight

    def _search_sight(self, query: Query, target: str) -> Sight:
        for type in query.types or ("*",):
            sight = self._sight("s", type, "search", target)
        return sight

    def _audit(
        self,
        action: Action,
        target: str,
        *,
        patients: Sequence[str] = (),
        versions: Sequence[Version] = (),
        denied: str = "",
    ) -> None:
        if versions:
            index = self._tenant.index
            patients = sorted({patient for version in versions for patient in index.compartments(version).named})
        at = self._tenant.now()
        self._tenant.trail.add(access(self._caller, action, target, at, patients=patients, denied=denied))


def _notes(query: Query, found: Found, *, cut: bool) -> Sequence[Issue]:
    """What the answer says of itself; a plan gives counts of what the caller sees, and costs from the query's shape."""
    notes = [CUT] if cut else []
    if query.explain:
        steps = [*found.plan, f"passes over the record in the worst case: {passes(query)}"]
        notes += [Issue("informational", step, severity="information") for step in steps]
    return tuple(notes)


def _target(query: Query) -> str:
    pairs = "&".join(f"{name}={value}" for name, value in query.pairs)
    return f"{','.join(query.types) or '*'}?{pairs}"
