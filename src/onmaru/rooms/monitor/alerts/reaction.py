"""What the house does about alerts: writes each into the record, tells the ladder, and tells of what reached nobody.

Its one law: every step has an id of its own cause, so a step done twice is done once and one lost is done after the restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Version
from onmaru.kernel.outbound import Letter, Push
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts import ladder
from onmaru.rooms.monitor.alerts.alert import (
    HOUSE,
    SYSTEM,
    UNREACHED,
    Alert,
    Step,
    flag,
    flag_id,
    named,
    person,
    read,
    stepped,
    written,
)
from onmaru.rooms.monitor.alerts.engine import Transition, Watch
from onmaru.rooms.monitor.alerts.facts import NONE, TYPES, Facts
from onmaru.rooms.monitor.alerts.ladder import Shift, Telling
from onmaru.rooms.monitor.alerts.push import Outbox
from onmaru.rooms.monitor.alerts.rules import SECOND, rank, standing
from onmaru.rooms.monitor.alerts.tables import told
from onmaru.rooms.monitor.board import Board
from onmaru.rooms.monitor.live import Change as Moved
from onmaru.rooms.monitor.live import Live
from onmaru.rooms.monitor.reading import Reading

HOUR = 3600 * SECOND
# What is followed anew after a restart; a house that stood still for longer judges from then on
LOOK_BACK = 24 * HOUR
MOST = 100_000
# What is there already
DONE = frozenset({409, 412})
ATTEMPTS = 10


class Reactor:
    """Of one tenant. `take` sees every version in log order, `act` does what is due; both on the home thread."""

    def __init__(self, hall: Hall, now: int) -> None:
        settings = hall.settings
        self._fresh = int(settings["fresh_minutes"]) * 60 * SECOND
        self._watch = Watch(standing(str(settings["rules_on"])), self._fresh)
        self._url = str(settings["webhook"])
        self._alerts: dict[str, Alert] = {}
        self._told: dict[str, dict[str, int | None]] = {}
        self._unheard: set[str] = set()
        self._outbox = Outbox()
        self._board: Board | None = None
        self._heard: list[tuple[str, tuple[Reading, ...], int]] = []
        self._due: list[tuple[Transition, int]] = []
        self.since = now - LOOK_BACK
        self._begin(hall)

    @property
    def learns(self) -> int:
        """Versions recorded from here up to `since` are learnt, not judged; µs."""
        return self.since - self._fresh

    def _begin(self, hall: Hall) -> None:
        rows = hall.lake.query(views.ALERTS, {"ward": "", "after": self.since - 7 * 24 * HOUR, "most": MOST}).table
        alerts: list[Alert] = []
        ended: dict[str, int] = {}
        for row in rows.to_pylist():
            alert = read(msgspec.json.decode(row["task"]))
            if alert is None:
                continue
            alerts.append(alert)
            ended |= {alert.id: row["ended"]} if row["ended"] is not None else {}
            if row["standing"]:
                self._alerts[alert.id] = alert
        for row in hall.lake.query(views.TOLD, {"ward": ""}).table.to_pylist():
            self._told.setdefault(row["alert"], {})[row["source"].partition("/")[2]] = row["reached"]
        self._watch.seed(alerts, ended, self.since)

    def take(self, versions: Sequence[Version]) -> None:
        """Judge what was written."""
        for version in versions:
            if version.type == "Communication":
                self._reached(version)
            if version.type not in TYPES:
                continue
            if version.at <= self.since:
                self._watch.learn(version)
                continue
            self._due += [(one, 0) for one in self._watch.take(version)]
            if version.type == "Task":
                self._stands(version)

    def act(self, hall: Hall, now: int) -> Sequence[Letter | Push]:
        """Write what fell due by `now`; the letters to send once that is durable."""
        self._listen(hall)
        self._outbox.settle(hall)
        for patient, readings, at in self._heard:
            said = Facts(patient, readings) if readings else NONE
            self._due += [(one, 0) for one in self._watch.follow(f"live/{patient}", said, at)]
        self._heard.clear()
        self._due += [(one, 0) for one in self._watch.advance(now - SECOND)]
        self._due = _merged(self._due)
        later: list[tuple[Transition, int]] = []
        touched: set[str] = set()
        while self._due:
            one, tried = self._due[0]
            id = named(one.patient, one.family, one.raised)
            # What was written just now is read once it is durable: of one alert one step at a time, in order
            if id in touched:
                later.append((one, tried))
            elif not self._done(hall, one, id) and tried < ATTEMPTS:
                later.append((one, tried + 1))
            touched.add(id)
            del self._due[0]
        self._due = later
        return self._tell(hall, now)

    def _listen(self, hall: Hall) -> None:
        """Hear of what devices send as well, as soon as this house has streams."""
        board: Board | None = hall.memory.get("board")
        if board is not None and board is not self._board:
            self._board = board
            board.listeners.append(self._live)

    def _live(self, state: Live, changes: Sequence[Moved]) -> None:
        """A patient's score of this second changed: what devices say that is fresh, in place of what they said before."""
        if self._board is None or not any(one.kind == "score" for one in changes):
            return
        fresh = state.now - self._board.fresh.streamed
        devices = (one for one in state.usable.values() if one.interval and one.at > fresh)
        readings = tuple(Reading(one.measure, one.value, one.unit, one.at, one.device) for one in devices)
        self._heard.append((state.patient, readings, state.now))

    def _done(self, hall: Hall, one: Transition, id: str) -> bool:
        if one.kind != "raised":
            return _next(hall, one, id)
        # It is told once it comes back along the log: one that was raised and closed long ago only comes by again here
        alert, evidence, encounter = self._new(hall, one)
        if any(other.patient == one.patient and other.family == one.family for other in self._alerts.values()):
            # Raised by what a device sent, it comes by once more from the record
            return True
        return _made(
            hall,
            [
                Change("update", "Flag", flag_id(id), _json(flag(alert)), absent=True),
                Change("update", "Task", id, _json(written(alert, evidence, encounter)), absent=True),
            ],
        )

    def _tell(self, hall: Hall, now: int) -> Sequence[Letter | Push]:
        """What the ladder asks for by `now`."""
        letters: list[Letter | Push] = []
        roster: Sequence[Shift] | None = None
        for alert in [*self._alerts.values()]:
            mine = self._told.setdefault(alert.id, {})
            for telling in ladder.tellings(alert, now):
                if (id := telling.id(alert.id)) in mine:
                    continue
                roster = shifts(hall, now) if roster is None else roster
                users = _users(alert, telling, roster)
                if _made(hall, [_communication(alert, telling, users)]):
                    mine[id] = None
                    letters += self._letters(alert, telling)
                    letters += self._outbox.pushes(hall, alert, users)
            if self._nobody(alert, now) and _made(hall, [_unreached(alert)]):
                self._unheard.add(_about(alert).id)
        return letters

    def _stands(self, version: Version) -> None:
        """Keep the alert as it stands now, or forget it once it is over."""
        alert = read(msgspec.json.decode(version.body)) if version.body else None
        if alert is None or alert.closed is not None or alert.status in ("cancelled", "entered-in-error"):
            self._alerts.pop(version.id, None)
            self._told.pop(version.id, None)
        else:
            self._alerts[alert.id] = alert

    def _reached(self, version: Version) -> None:
        row = told(msgspec.json.decode(version.body)) if version.body else None
        if row is not None and row[0] in self._alerts:
            self._told.setdefault(row[0], {})[version.id] = row[4]

    def _nobody(self, alert: Alert, now: int) -> bool:
        """Whether an alert that nobody acknowledged was not shown to anybody by its deadline."""
        if alert.rule == UNREACHED or alert.acknowledged is not None or now < ladder.deadline(alert):
            return False
        if any(reached is not None for reached in self._told.get(alert.id, {}).values()):
            return False
        return _about(alert).id not in self._unheard

    def _new(self, hall: Hall, one: Transition) -> tuple[Alert, Sequence[tuple[str, str]], str]:
        """The alert, what made it and the stay that it is in."""
        here = hall.lake.query(views.PLACES, {"one": one.patient, "ward": ""}).table.to_pylist()
        place = here[-1] if here else {"ward": "", "encounter": ""}
        alert = Alert(
            named(one.patient, one.family, one.raised), one.patient, one.rule.name, one.family, one.rule.urgency,
            place["ward"] or "", one.raised, "requested", "", _text(one), (),
        )  # fmt: skip
        return alert, tuple(evidence(one)), str(place["encounter"])

    def _letters(self, alert: Alert, telling: Telling) -> Iterator[Letter]:
        """One letter a telling, to the site's own receiver: no name, no value, only which alert and how urgent."""
        if self._url:
            said = {"alert": alert.id, "urgency": alert.urgency, "rung": telling.rung, "ward": alert.ward}
            yield Letter(self._url, _json({**said, "at": instant(telling.at)}), "application/json")


def shifts(hall: Hall, now: int) -> Sequence[Shift]:
    """The roster from `now` on."""
    rows = hall.lake.query(views.SHIFTS, {"now": now - HOUR}).table.to_pylist()
    return [Shift(row["person"], row["rung"], row["ward"], row["low"], row["high"]) for row in rows]


def evidence(one: Transition) -> Iterator[tuple[str, str]]:
    """Each score that the rule turns on, and each of its parts that had points."""
    for scored in one.scored:
        total = str(scored.total) if scored.total is not None else f"{scored.least}–{scored.most}"
        yield scored.name, total
        yield from (
            (f"{scored.name} {part.name}", f"{part.value} {part.unit}".strip()) for part in scored.parts if part.least
        )


def _text(one: Transition) -> str:
    return ", ".join(f"{name.upper()} {value}" for name, value in evidence(one) if " " not in name) or one.rule.name


def _next(hall: Hall, one: Transition, id: str) -> bool:
    """A step of the house on an alert that stands: whether it has it now. Somebody else's step is seen next time."""
    try:
        version = hall.record.read("Task", id)
    except Invalid:
        return False
    body: dict[str, Any] = msgspec.json.decode(version.body or b"{}")
    alert = read(body)
    if alert is None or _has(alert, one):
        return True
    status = "" if one.kind == "ended" or alert.closed is not None else "requested"
    changed = stepped(body, Step(one.kind, one.at, HOUSE, _text(one)), status)
    if one.kind == "worse":
        changed |= {"priority": one.rule.urgency}
        changed["reasonCode"] = written(_as(alert, one))["reasonCode"]
    told = flag(_as(alert, one), one.at if one.kind == "ended" else None)
    task = Change("update", "Task", id, _json(changed), if_match=version.version)
    try:
        hall.record.write([task, Change("update", "Flag", flag_id(id), _json(told))])
    except Invalid:
        return False
    return True


def _has(alert: Alert, one: Transition) -> bool:
    if one.kind == "worse" and rank(alert.urgency) <= rank(one.rule.urgency):
        return True
    return any(step.code == one.kind and step.at == one.at for step in alert.steps)


def _merged(due: Sequence[tuple[Transition, int]]) -> list[tuple[Transition, int]]:
    """What got worse before it was written is written as it is by then: one alert, told once."""
    found: list[tuple[Transition, int]] = []
    raised: dict[tuple[str, str, int], int] = {}
    for one, tried in due:
        key = (one.patient, one.family, one.raised)
        if one.kind == "worse" and key in raised:
            first = found[raised[key]][0]
            found[raised[key]] = (msgspec.structs.replace(first, rule=one.rule, scored=one.scored), tried)
            continue
        if one.kind == "raised":
            raised[key] = len(found)
        found.append((one, tried))
    return found


def _as(alert: Alert, one: Transition) -> Alert:
    if one.kind != "worse":
        return alert
    return msgspec.structs.replace(alert, rule=one.rule.name, urgency=one.rule.urgency, text=_text(one))


def _users(alert: Alert, telling: Telling, roster: Sequence[Shift]) -> Sequence[str]:
    """Whom a telling is for: whoever has the alert already, else whoever is on duty."""
    owner = (alert.owner,) if alert.owner and telling.rung == "nurse" else ()
    return owner or ladder.on_duty(roster, alert.ward, telling.rung, telling.at)


def _communication(alert: Alert, telling: Telling, users: Sequence[str]) -> Change:
    """One telling; a rung without anybody is said to be so."""
    body: dict[str, Any] = {
        "resourceType": "Communication",
        "id": telling.id(alert.id),
        "basedOn": [{"reference": f"Task/{alert.id}"}],
        "status": "in-progress" if users else "not-done",
        "category": [{"coding": [{"system": SYSTEM, "code": telling.rung}]}],
        "priority": alert.urgency,
        "subject": {"reference": f"Patient/{alert.patient}"},
        "sent": instant(telling.at),
    }
    body |= {"recipient": [person(one) for one in users]} if users else {"statusReason": {"text": "nobody on duty"}}
    return Change("update", "Communication", body["id"], _json(body), absent=True)


def _about(alert: Alert) -> Alert:
    """The alert about one that reached nobody; of each round its own."""
    at = ladder.deadline(alert)
    id = named(alert.patient, f"{UNREACHED} {alert.id}", at)
    return Alert(
        id, alert.patient, UNREACHED, UNREACHED, "stat", alert.ward, at, "requested", "", alert.text, (), alert.id
    )


def _unreached(alert: Alert) -> Change:
    found = _about(alert)
    return Change("update", "Task", found.id, _json(written(found)), absent=True)


def _made(hall: Hall, changes: Sequence[Change]) -> bool:
    """Whether they are there, made by us, before or by another worker."""
    try:
        hall.record.write(changes)
    except Invalid as error:
        return error.status in DONE
    return True


def _json(body: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(body)
