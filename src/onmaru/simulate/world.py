"""The simulated clock and what all patients share. Time moves only by the steps waiting in the queue."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count as counter
from random import Random

import msgspec

from onmaru.simulate.places import Board
from onmaru.simulate.segments import stamp
from onmaru.simulate.settings import Settings
from onmaru.simulate.staff import Roster
from onmaru.simulate.truth import Truth, count

KOREA = datetime.timezone(datetime.timedelta(hours=9))
MINUTE = 60_000_000
WARDS_NEEDED = frozenset({"71W", "62W", "81W", "MICU", "ER"})
Steps = Iterator[float]
"""Something that happens step by step; each step gives the minutes until the next."""


class Message(msgspec.Struct):
    """One message before faults. `orderly`: it must not be overtaken nor overtake (admissions, corrected results)."""

    at_us: int
    channel: str
    sender: str
    payload: bytes
    orderly: bool


class World:
    """Settings, staff, beds, ledger and the queue of steps."""

    def __init__(self, seed: int, settings: Settings) -> None:
        self.seed = seed
        self.settings = settings
        missing = WARDS_NEEDED - {ward.code for ward in settings.wards}
        if missing:
            raise ValueError(f"the courses of illness need these wards too: {', '.join(sorted(missing))}")
        self.truth = Truth()
        self.board = Board(settings.wards, settings.beds)
        self.roster = Roster(seed, settings.wards)
        self.now_us = int(datetime.datetime.fromisoformat(settings.start).timestamp()) * 1_000_000
        self._clock = (-1, datetime.datetime.fromtimestamp(0, KOREA))
        self._queue: list[tuple[int, int, Steps]] = []
        self._order = counter()
        self._numbers = counter(1)
        self._out: list[Message] = []

    @property
    def now(self) -> datetime.datetime:
        """Local time in Korea."""
        if self._clock[0] != self.now_us:
            self._clock = (self.now_us, datetime.datetime.fromtimestamp(self.now_us // 1_000_000, KOREA))
        return self._clock[1]

    def spawn(self, steps: Steps, minutes: float = 0.0) -> None:
        """Let something begin in so many minutes."""
        heappush(self._queue, (self.now_us + int(minutes * MINUTE), next(self._order), steps))

    def number(self, prefix: str) -> str:
        """A number nobody else has, such as `V00000012`."""
        return f"{prefix}{next(self._numbers):08d}"

    def rng(self, purpose: str) -> Random:
        """Chance of its own for a purpose, the same for the same seed."""
        return Random(f"{self.seed}/{purpose}")

    def send(self, sender: str, kind: str, segments: list[str], *, orderly: bool = False) -> None:
        """Send an HL7 v2.5.1 message of `kind`, such as `ADT^A01^ADT_A01`, in the sender's character set."""
        settings = self.settings
        korean = sender in settings.euc_kr
        charset = "KS X 1001" if korean else "UNICODE UTF-8"
        head = (
            f"MSH|^~\\&|{sender}|{settings.facility}|{settings.receiver}|{settings.facility}|{stamp(self.now)}||{kind}"
            f"|{self.number(sender)}|P|2.5.1|||AL|NE|KOR|{charset}|ko^Korean^ISO639"
        )
        payload = "\r".join((head, *segments, "")).encode("euc_kr" if korean else "utf-8")
        count(self.truth.sent, kind)
        self._out.append(Message(self.now_us, "hl7v2", sender, payload, orderly))

    def send_json(self, channel: str, sender: str, kind: str, content: object, *, orderly: bool = False) -> None:
        """Send JSON on the `fhir` or `vitals` channel."""
        count(self.truth.sent, kind)
        self._out.append(Message(self.now_us, channel, sender, msgspec.json.encode(content), orderly))

    def run(self, until_us: int) -> Iterator[Message]:
        """Messages in order of time, until the end or until nothing more happens."""
        while self._queue and self._queue[0][0] <= until_us:
            self.now_us, _, steps = heappop(self._queue)
            minutes = next(steps, None)
            yield from self._out
            self._out.clear()
            if minutes is not None:
                self.spawn(steps, minutes)
