"""Pure: versions in log order, and time that passed, to conditions raised, worse, again and ended.

Its one law: following a history in any pieces gives what the whole history gives; a step has the time at which it fell due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Literal

import msgspec

from onmaru.kernel.log import Version
from onmaru.rooms.monitor.alerts import signals
from onmaru.rooms.monitor.alerts.alert import Alert
from onmaru.rooms.monitor.alerts.facts import Facts, facts
from onmaru.rooms.monitor.alerts.rules import SECOND, Rule, rank
from onmaru.rooms.monitor.limits import in_force
from onmaru.rooms.monitor.score_table import score_tables
from onmaru.rooms.monitor.scoring import Scored

# A procedure that nobody ended holds nothing back for longer
LONGEST_PROCEDURE = 4 * 3600 * SECOND
NEVER = 2**62
Kind = Literal["raised", "worse", "again", "ended"]


class Transition(msgspec.Struct, frozen=True):
    """`at` µs; `raised` is when the alert's condition began, which with patient and family names the alert."""

    at: int
    patient: str
    family: str
    kind: Kind
    rule: Rule
    raised: int
    scored: tuple[Scored, ...] = ()


class Condition(msgspec.Struct):
    """Of one patient and family: the newest alert. `acknowledged` and `closed` are None until somebody did."""

    raised: int
    rule: Rule
    active: bool = True
    parts: frozenset[str] = frozenset()
    calm: int | None = None
    acknowledged: int | None = None
    closed: int | None = None


class Person:
    """What is known of one patient."""

    def __init__(self) -> None:
        self.sources: dict[str, Facts] = {}
        self.busy: dict[str, int] = {}
        self.since: dict[str, int] = {}
        self.conditions: dict[str, Condition] = {}
        self.next = NEVER


class Watch:
    """Every patient of one tenant. `fresh` in µs: how long a reading counts."""

    def __init__(self, rules: Sequence[Rule], fresh: int) -> None:
        self._families: dict[str, list[Rule]] = {}
        for rule in sorted(rules, key=lambda one: rank(one.urgency)):
            self._families.setdefault(rule.family, []).append(rule)
        self._fresh = fresh
        self._longest = max((one.within for rule in rules for one in rule.when), default=0)
        scores = {one.score for rule in rules for one in rule.when}
        # Whether the newest value of each measure is all that any rule asks for
        self._newest = not self._longest and all(score_tables()[name].take == "latest" for name in scores)
        self._whose: dict[str, str] = {}
        self._persons: dict[str, Person] = {}
        # No patient has anything due before this
        self._due = NEVER
        self.now = 0

    def seed(self, alerts: Iterable[Alert], ended: dict[str, int], now: int) -> None:
        """Begin at `now` with the alerts that stood then; `ended`: when their conditions did, by id."""
        known = {rule.name: rule for rules in self._families.values() for rule in rules}
        self.now = now
        for alert in sorted(alerts, key=lambda one: one.raised):
            if alert.rule in known and alert.raised <= now:
                going = ended.get(alert.id, NEVER) > now
                found = Condition(alert.raised, known[alert.rule], going, frozenset(alert.parts))
                _heard(found, alert, now)
                self._person(alert.patient).conditions[alert.family] = found

    def learn(self, version: Version) -> None:
        """Take a version's facts without judging: what was known before the watch began."""
        self._take(version.name, facts(version), version.at)

    def take(self, version: Version) -> Sequence[Transition]:
        """What falls due by the time of a version, then what the version itself makes."""
        return self.follow(version.name, facts(version), version.at)

    def follow(self, name: str, said: Facts, at: int) -> Sequence[Transition]:
        """The same of facts from anywhere, under the name of their source; they replace what it said before."""
        at = max(at, self.now)
        found = list(self.advance(at))
        for patient in self._take(name, said, at):
            found += self._judge(patient, at)
        return found

    def advance(self, to: int) -> Sequence[Transition]:
        """What falls due up to and at `to`, in order."""
        found: list[Transition] = []
        if self._due <= to:
            for patient, person in self._persons.items():
                while person.next <= to:
                    found += self._judge(patient, person.next)
            self._due = min((one.next for one in self._persons.values()), default=NEVER)
        self.now = max(self.now, to)
        return sorted(found, key=lambda one: (one.at, one.patient, one.family))

    def _person(self, patient: str) -> Person:
        return self._persons.setdefault(patient, Person())

    def _take(self, name: str, said: Facts, at: int) -> Sequence[str]:
        """The patients whose facts changed: the one whose it was, and the one whose it is."""
        before = self._whose.pop(name, "")
        if before:
            person = self._persons[before]
            person.sources.pop(name, None)
            person.busy.pop(name, None)
        if not said.patient or self._old(said, at):
            return (before,) if before else ()
        person = self._person(said.patient)
        if said.alert is not None:
            self._alert(person, said.alert, at)
            return (said.patient,)
        self._whose[name] = said.patient
        person.sources[name] = said
        if said.minute and self._newest:
            self._supersede(person, name, said)
        if said.busy:
            person.busy[name] = at
        return tuple(dict.fromkeys(one for one in (before, said.patient) if one))

    def _supersede(self, person: Person, name: str, said: Facts) -> None:
        """Let go of a stream's earlier minutes: a thousand beds would otherwise hold twelve hours of them."""
        measures, since = {one.measure for one in said.readings}, min(one.at for one in said.readings)
        for other, known in [*person.sources.items()]:
            if (
                known.minute
                and other != name
                and all(one.at < since and one.measure in measures for one in known.readings)
            ):
                del person.sources[other]
                self._whose.pop(other, None)

    def _alert(self, person: Person, alert: Alert, at: int) -> None:
        """What the record says of an alert; one raised elsewhere, or from what is not on the log, is one too."""
        condition = person.conditions.get(alert.family)
        rule = next((one for one in self._families.get(alert.family, ()) if one.name == alert.rule), None)
        if rule is not None and (condition is None or condition.raised < alert.raised <= at):
            condition = person.conditions[alert.family] = Condition(alert.raised, rule, parts=frozenset(alert.parts))
        if condition is not None and condition.raised == alert.raised:
            _heard(condition, alert, at)

    def _judge(self, patient: str, at: int) -> list[Transition]:
        person = self._persons[patient]
        self._forget(person, at)
        readings = [one for said in person.sources.values() for one in said.readings]
        limits = [said.limit for said in person.sources.values() if said.limit]
        seen = signals.Seen(readings, in_force(limits, at), self._fresh)
        scored = cache(seen.scored)
        found: list[Transition] = []
        for family, rules in self._families.items():
            made = self._family(person, rules, (seen, at, scored))
            if made is not None:
                kind, rule, condition = made
                told = tuple(scored(name, at) for name in dict.fromkeys(one.score for one in rule.when))
                if kind != "ended":
                    condition.parts = frozenset().union(*(signals.made(one) for one in told))
                found.append(Transition(at, patient, family, kind, rule, condition.raised, told))
        person.next = min((due for due in self._dues(person) if due > at), default=NEVER)
        self._due = min(self._due, person.next)
        return found

    def _family(
        self, person: Person, rules: Sequence[Rule], how: tuple[signals.Seen, int, signals.Score]
    ) -> tuple[Kind, Rule, Condition] | None:
        """The one step, if any, that a family takes now."""
        seen, at, scored = how
        ripe = [rule for rule in rules if self._ripe(person, rule, signals.holds(rule, seen, at, scored), at)]
        condition = person.conditions.get(rules[0].family)
        if condition is not None and condition.active:
            return self._active(condition, ripe, how)
        if not ripe or _busy(person, at):
            return None
        rule = ripe[0]
        if condition is not None:
            worse = rank(rule.urgency) < rank(condition.rule.urgency)
            if at < _quiet(condition) and not worse:
                return None
            if condition.closed is None:
                # Somebody has yet to say what came of the last one: it is that alert once more
                condition.active, condition.calm, condition.rule = True, None, rule if worse else condition.rule
                condition.acknowledged = None
                return "worse" if worse else "again", condition.rule, condition
        made = Condition(at, rule)
        person.conditions[rule.family] = made
        return "raised", rule, made

    def _active(
        self, condition: Condition, ripe: Sequence[Rule], how: tuple[signals.Seen, int, signals.Score]
    ) -> tuple[Kind, Rule, Condition] | None:
        seen, at, scored = how
        if ripe and rank(ripe[0].urgency) < rank(condition.rule.urgency):
            condition.rule, condition.calm, condition.acknowledged = ripe[0], None, None
            return ("worse", condition.rule, condition) if condition.closed is None else self._anew(condition, at)
        family = self._families[condition.rule.family]
        over = all(
            signals.holds(signals.eased(rule), seen, at, scored, condition.parts) is False
            for rule in family
            if rank(rule.urgency) >= rank(condition.rule.urgency)
        )
        if not over:
            condition.calm = None
            return None
        condition.calm = at if condition.calm is None else condition.calm
        if at < condition.calm + condition.rule.hold * SECOND:
            return None
        condition.active = False
        return "ended", condition.rule, condition

    def _anew(self, condition: Condition, at: int) -> tuple[Kind, Rule, Condition]:
        """It got worse after somebody had closed it: another alert."""
        condition.raised, condition.closed = at, None
        return "raised", condition.rule, condition

    def _ripe(self, person: Person, rule: Rule, found: bool | None, at: int) -> bool:
        """Whether a rule holds and has for its delay. While it is not known, what was true before stays so."""
        if found is False:
            person.since.pop(rule.name, None)
        elif found:
            person.since.setdefault(rule.name, at)
        return bool(found) and at >= person.since[rule.name] + rule.delay * SECOND

    def _dues(self, person: Person) -> Iterator[int]:
        """Every time at which something could change without anything being written."""
        for said in person.sources.values():
            if said.limit is not None:
                yield said.limit.start
                yield said.limit.end
            yield from (one.at for one in said.readings)
        yield from (began + LONGEST_PROCEDURE for began in person.busy.values())
        for rules in self._families.values():
            yield from (person.since[one.name] + one.delay * SECOND for one in rules if one.name in person.since)
        for condition in person.conditions.values():
            if condition.active and condition.calm is not None:
                yield condition.calm + condition.rule.hold * SECOND
            elif not condition.active:
                yield _quiet(condition)

    def _forget(self, person: Person, at: int) -> None:
        """Readings too old to count in any score or rise, and limits that have ended."""
        for name in [name for name, said in person.sources.items() if self._old(said, at)]:
            del person.sources[name]
            self._whose.pop(name, None)

    def _old(self, said: Facts, at: int) -> bool:
        horizon = at - self._fresh - self._longest * SECOND
        if said.readings:
            return all(one.at <= horizon for one in said.readings)
        return said.limit is not None and said.limit.end <= at


def _heard(condition: Condition, alert: Alert, at: int) -> None:
    """What people did with the alert by `at`."""
    told, closed = alert.acknowledged, alert.closed
    condition.acknowledged = told if told is not None and told <= at else condition.acknowledged
    condition.closed = closed if closed is not None and closed <= at else condition.closed


def _quiet(condition: Condition) -> int:
    """Until when it is not raised again."""
    heard = max(condition.acknowledged or 0, condition.closed or 0)
    return max(condition.raised, heard) + condition.rule.quiet * SECOND


def _busy(person: Person, at: int) -> bool:
    return any(at < began + LONGEST_PROCEDURE for began in person.busy.values())
