"""Every patient of a tenant who has something live, in the memory of the process that serves it.

Its law: it holds nothing that the log or the journal does not, so that losing it loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.rooms.monitor.limits import Limit, scale
from onmaru.rooms.monitor.live import SECOND, Change, Fresh, Live, Streamed, advance
from onmaru.rooms.monitor.stream.message import MOST_WAVES, Wave
from onmaru.rooms.monitor.traces import Traces

# Who had nothing live for so long is no longer looked at each second
IDLE = 3600 * SECOND
MOST_SENDERS = 20_000
# Who was looked at so lately need not be looked at for the passing of time
RECENT = 900_000
Listener = Callable[[Live, Sequence[Change]], None]


class Feed(msgspec.Struct):
    """One source and what came of it: received = stored + duplicates + dead. `last` is µs since 1970 UTC, 0: nothing yet."""

    name: str
    kind: str
    state: str = "live"
    last: int = 0
    received: int = 0
    stored: int = 0
    duplicates: int = 0
    dead: int = 0


class Sender(msgspec.Struct):
    """What is known of a device: whose it last was, and what is the matter with it ("" nothing). `meant`: at whose beds it
    is told that something is; `known`: whether the chart has a device of that name.
    """

    id: str
    patient: str
    last: int
    interval: int
    matter: str = ""
    meant: frozenset[str] = frozenset()
    known: bool = False


class Waved(msgspec.Struct):
    """The newest piece of one waveform."""

    wave: Wave
    at: int


class Board:
    """`listeners` are told of each patient's new state and changes, and must return at once. On one loop alone."""

    def __init__(self, fresh: Fresh) -> None:
        self.fresh = fresh
        self.states: dict[str, Live] = {}
        self.feeds: dict[str, Feed] = {}
        self.senders: dict[str, Sender] = {}
        self.waves: dict[str, dict[str, Waved]] = {}
        self.traces = Traces()
        self.listeners: list[Listener] = []
        # Limits of their own that orders give patients, by the order's name
        self.limits: dict[str, dict[str, Limit]] = {}
        # Grows with each change; pages were woken for those up to `_told`
        self.seq = 0
        self._told = 0
        # What of a bed was drawn last, for everybody who looks at it
        self.drawn: dict[str, tuple[Any, msgspec.Raw]] = {}
        # Whether the house stops: pages then come again, to whoever serves next
        self.ended = False
        self._changed: dict[str, int] = {}
        self._awake: set[str] = set()
        self._moved = asyncio.Event()

    def take(self, readings: Iterable[Streamed], now: int) -> None:
        """Readings of any patients, in the order in which they came."""
        mine: dict[str, list[Streamed]] = {}
        for one in readings:
            mine.setdefault(one.patient, []).append(one)
        for patient, some in mine.items():
            self._advance(patient, some, now)
            if any(one.interval for one in some):
                self._awake.add(patient)

    def tick(self, now: int) -> Iterable[None]:
        """What the passing of time does to everybody; in slices, between which others run."""
        for n, patient in enumerate(tuple(self._awake)):
            state = self.states[patient]
            if state.now < now - RECENT:
                state = self._advance(patient, (), now)
            last = max((one.received for one in state.newest.values() if one.interval), default=0)
            if last < now - IDLE:
                self._awake.discard(patient)
            if n % 50 == 49:
                yield

    def pulse(self) -> None:
        """Wake the pages, where anything changed since they last were."""
        if self.seq > self._told:
            self._told = self.seq
            self._wake()

    def end(self) -> None:
        """Let go of every page that listens."""
        self.ended = True
        self._wake()

    def sent(self, sender: Sender) -> None:
        """Take note of a device; of more than anybody has, those that were never anybody's are let go."""
        before = self.senders.get(sender.id)
        self.senders[sender.id] = sender
        if before is None or (before.matter, before.meant) != (sender.matter, sender.meant):
            for patient in sender.meant | (before.meant if before else frozenset()):
                self._mark(patient)
        if len(self.senders) > MOST_SENDERS:
            self.senders = {id: one for id, one in self.senders.items() if one.patient}

    def prune(self, now: int) -> None:
        """Let go of devices that are silent and of patients of whom nothing may still be scored."""
        self.senders = {id: one for id, one in self.senders.items() if one.last > now - IDLE}
        for patient, state in tuple(self.states.items()):
            if all(one.at < now - self.fresh.charted for one in state.newest.values()):
                self._drop(patient)

    def wave(self, patient: str, wave: Wave, at: int) -> None:
        """The newest piece of a waveform; pieces that came late are not shown."""
        mine = self.waves.setdefault(patient, {})
        held = mine.get(wave.code)
        if held is None or held.at < at:
            if held is None and len(mine) >= MOST_WAVES:
                oldest = min(mine, key=lambda code: mine[code].at)
                del mine[oldest]
                self.traces.drop(patient, oldest)
            mine[wave.code] = Waved(wave, at)
            self.traces.take(patient, wave, at)
            self._mark(patient)

    def forget(self, patient: str) -> None:
        """Hold nothing of a patient."""
        self.limits.pop(patient, None)
        self._drop(patient)

    def _drop(self, patient: str) -> None:
        self.states.pop(patient, None)
        self.waves.pop(patient, None)
        self.traces.drop(patient)
        self._changed.pop(patient, None)
        self.drawn.pop(patient, None)
        self._awake.discard(patient)
        for sender in self.senders.values():
            sender.patient = "" if sender.patient == patient else sender.patient
            sender.meant -= {patient}

    def withdraw(self, source: str) -> Sequence[str]:
        """Take back what one source charted; the patients whose numbers it were."""
        found = [one for one in self.states.values() if any(n.device == source for n in one.newest.values())]
        for state in found:
            newest, usable = (
                {measure: one for measure, one in held.items() if one.device != source}
                for held in (state.newest, state.usable)
            )
            self.states[state.patient] = msgspec.structs.replace(state, newest=newest, usable=usable)
        return [state.patient for state in found]

    def ordered(self, name: str, patient: str, limit: Limit | None, now: int) -> None:
        """What an order says of a patient's own limits; None: nothing any more."""
        for whose in [one for one, mine in self.limits.items() if name in mine]:
            del self.limits[whose][name]
            if not self.limits[whose]:
                del self.limits[whose]
            self._again(whose, now)
        if limit is not None:
            self.limits.setdefault(patient, {})[name] = limit
            self._again(patient, now)

    def _again(self, patient: str, now: int) -> None:
        if patient in self.states:
            self._advance(patient, (), now)

    def _scale(self, patient: str, now: int) -> str:
        mine = self.limits.get(patient)
        return scale([*mine.values()], now) if mine else "1"

    def changed(self, after: int) -> Sequence[str]:
        """The patients who changed since `seq` was `after`, those who did last first."""
        found = []
        for patient in reversed(self._changed):
            if self._changed[patient] <= after:
                break
            found.append(patient)
        return found

    def changed_at(self, patient: str) -> int:
        """`seq` when a patient changed last."""
        return self._changed.get(patient, 0)

    async def moved(self, after: int) -> None:
        """Return at the first pulse for which `seq` is beyond `after`, or when the house stops."""
        while self._told <= after and not self.ended:
            await self._moved.wait()

    def senders_of(self) -> Mapping[str, Sequence[Sender]]:
        """Devices by patient: whose they are, or at whose bed it is told what is the matter with them; "" nobody's."""
        found: dict[str, list[Sender]] = {}
        for one in self.senders.values():
            for patient in one.meant or (one.patient,):
                found.setdefault(patient, []).append(one)
        return found

    def _mark(self, patient: str) -> None:
        """The last one to have changed."""
        self.seq += 1
        self._changed.pop(patient, None)
        self._changed[patient] = self.seq

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def _advance(self, patient: str, readings: Sequence[Streamed], now: int) -> Live:
        known = self.states.get(patient) or Live(patient)
        if (now_on := self._scale(patient, now)) != known.scale:
            known = msgspec.structs.replace(known, scale=now_on)
        state, changes = advance(known, readings, now, self.fresh)
        self.states[patient] = state
        if changes:
            self._mark(patient)
            for listener in self.listeners:
                listener(state, changes)
        return state
