"""What goes wrong between a hospital's systems and the record: messages repeated, held back, overtaken or broken.

A broken copy always comes just before the sound message, as when a sender repeats what was refused, so that nothing is lost.
Admissions and corrected results keep their order: their senders queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count as counter
from random import Random
from typing import Final, Literal

import msgspec

from onmaru.simulate.settings import Faults
from onmaru.simulate.truth import Truth, count
from onmaru.simulate.world import MINUTE, Message

Channel = Literal["hl7v2", "fhir", "vitals"]
REPEATED_WITHIN = 10 * MINUTE
HELD_BACK = (10 * MINUTE, 360 * MINUTE)


class Event(msgspec.Struct, frozen=True):
    """What arrives at `at_us` (µs since 1970 UTC) through `channel`; never earlier than the event before it."""

    at_us: int
    channel: str
    payload: bytes


def truncated(payload: bytes) -> bytes:
    """Cut inside MSH, before the message type."""
    return b"|".join(payload.split(b"|", 7)[:7])


def header_only(payload: bytes) -> bytes:
    """Cut after MSH: of whom it was about, and what, nothing came. To accept it would lose the message."""
    return payload[: payload.index(b"\r") + 1]


def bad_segment(payload: bytes) -> bytes:
    """A segment name of two characters (HL7 2.5.1, 2.5.1 asks for three)."""
    return payload.replace(b"\rPID|", b"\rPI|", 1)


def wrong_charset(payload: bytes) -> bytes:
    """MSH-18 promises UTF-8, the bytes are EUC-KR. A receiver may refuse it or read it rightly, never store mangled text."""
    for real, said in (("euc_kr", b"|KS X 1001|"), ("utf-8", b"|UNICODE UTF-8|")):
        if said in payload:
            text = payload.decode(real).replace("|KS X 1001|", "|UNICODE UTF-8|", 1)
            return text.encode("euc_kr")
    raise ValueError("no character set in MSH-18")


def no_identifier(payload: bytes) -> bytes:
    """PID-3 empty: the message is about nobody."""
    start = payload.index(b"\rPID|") + 1
    end = payload.index(b"\r", start)
    fields = payload[start:end].split(b"|")
    fields[3] = b""
    return payload[:start] + b"|".join(fields) + payload[end:]


def cut_json(payload: bytes) -> bytes:
    """JSON that ends too early."""
    return payload[: len(payload) * 2 // 3]


BREAKING: Final[dict[str, tuple[Callable[[bytes], bytes], ...]]] = {
    "hl7v2": (truncated, header_only, bad_segment, wrong_charset, no_identifier),
    "fhir": (cut_json,),
    "vitals": (cut_json,),
}


class Line:
    """The line to the record: takes messages in order of time, gives events in order of arrival."""

    def __init__(self, faults: Faults, rng: Random, truth: Truth) -> None:
        self._faults, self._rng, self._truth = faults, rng, truth
        self._waiting: list[tuple[int, int, Event]] = []
        self._held: dict[str, Message] = {}
        self._order = counter()

    def events(self, messages: Iterator[Message]) -> Iterator[Event]:
        """All events, those still held at the end included."""
        for message in messages:
            while self._waiting and self._waiting[0][0] <= message.at_us:
                yield heappop(self._waiting)[2]
            self._take(message)
        last = self._waiting[-1][0] if self._waiting else 0
        for held in self._held.values():
            self._put(held, max(last, held.at_us))
        while self._waiting:
            yield heappop(self._waiting)[2]

    def _put(self, message: Message, at_us: int, payload: bytes | None = None) -> None:
        event = Event(at_us, message.channel, message.payload if payload is None else payload)
        heappush(self._waiting, (at_us, next(self._order), event))

    def _take(self, message: Message) -> None:
        at, faults, rng = message.at_us, self._faults, self._rng
        free = not message.orderly
        if rng.random() < faults.malformed:
            self._break(message)
            free = False
        if free and rng.random() < faults.late:
            at += rng.randint(*HELD_BACK)
            self._truth.held_back += 1
        elif free and message.sender not in self._held and rng.random() < faults.out_of_order:
            self._held[message.sender] = message
            return
        self._put(message, at)
        if rng.random() < faults.duplicate:
            self._put(message, at + rng.randint(1, REPEATED_WITHIN))
            self._truth.repeated += 1
        overtaken = None if message.orderly else self._held.pop(message.sender, None)
        if overtaken is not None:
            self._put(overtaken, at)
            self._truth.overtaken += 1

    def _break(self, message: Message) -> None:
        breaking = self._rng.choice(BREAKING[message.channel])
        if breaking is wrong_charset and message.payload.isascii():
            breaking = truncated
        self._put(message, message.at_us, breaking(message.payload))
        if breaking is wrong_charset:
            self._truth.mislabelled += 1
        else:
            count(self._truth.refused, breaking.__name__)
