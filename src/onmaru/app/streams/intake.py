"""Messages of devices into one tenant. Its law: each is stored or a letter, on the disk before its sender hears of it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import msgspec
import zstandard

from onmaru.app.refusal import verdict
from onmaru.engines.journal import Journal
from onmaru.rooms.monitor.board import Board, Feed, Sender
from onmaru.rooms.monitor.live import SECOND, Streamed
from onmaru.rooms.monitor.stream.binding import Bindings
from onmaru.rooms.monitor.stream.message import Message, Refused, read
from onmaru.rooms.monitor.stream.order import Seen

log = logging.getLogger("onmaru.streams")
# A clock may be ahead by so much; senders keep what they could not send for ten minutes, and it may be so old when it comes
AHEAD, BEHIND = 60 * SECOND, 660 * SECOND
# Messages between which others are answered, and so many at most that wait for one round of the disk
SLICE, ROUND = 64, 1024
Fate = Literal["stored", "duplicate", "dead"]
CLOCK = "the clock of the device is wrong by more than can be taken"
UNBOUND = "nobody is known to be at this device at that time"
AMBIGUOUS = "more than one patient could be meant"
REASONS = {"": "", "unbound": UNBOUND, "ambiguous": AMBIGUOUS}
# What a message without values and waves is remembered by
ALONE = frozenset({""})
# Of a message that must not be read here, whatever it says: it stays so when its letter is taken again
NOBODYS = "the topic names no tenant of this house"
MATTERS = {CLOCK: "clock", UNBOUND: "unbound", AMBIGUOUS: "ambiguous"}


class Kept(msgspec.Struct, array_like=True, frozen=True):
    """One message as the journal holds it; with a `reason` it is a dead letter. `received` is µs since 1970 UTC."""

    received: int
    feed: str
    payload: bytes
    patient: str
    reason: str


class Made(NamedTuple):
    """What one message comes to before it is kept; `kept` is None for one that came before. `meant`: whom the chart would
    have it be of, where it is nobody's: not its values, but that something is wrong, is shown there.
    """

    kept: Kept | None
    message: Message | None
    readings: Sequence[Streamed]
    meant: frozenset[str] = frozenset()

    @property
    def fate(self) -> Fate:
        return "duplicate" if self.kept is None else "dead" if self.kept.reason else "stored"


class Waiting(NamedTuple):
    """One message whose sender waits."""

    payload: bytes
    feed: Feed
    done: Callable[[Fate | None], object]
    why: str


class Intake:
    """`taken` is told of what is on the disk, in its order; `clock` gives µs since 1970 UTC. On one loop alone."""

    def __init__(
        self,
        journal: Journal,
        board: Board,
        bindings: Bindings,
        clock: Callable[[], int],
        taken: Callable[[Sequence[Made]], None],
    ) -> None:
        self.journal, self.board, self.bindings = journal, board, bindings
        self._clock, self._taken = clock, taken
        self._seen = Seen()
        self._queue: deque[Waiting] = deque()
        self._wake = asyncio.Event()
        self._pack, self._unpack = zstandard.ZstdCompressor(level=1), zstandard.ZstdDecompressor()
        # Held while frames are written, so that a segment ends between two of them
        self.writing = asyncio.Lock()
        self._task = asyncio.create_task(self._run())

    def offer(self, payload: bytes, feed: Feed, done: Callable[[Fate | None], object], why: str = "") -> None:
        """Take a message; `done` is told what became of it once that is on the disk, None where it could not be kept.
        With a reason `why` it is not read, but a dead letter.
        """
        self._queue.append(Waiting(payload, feed, done, why))
        self._wake.set()

    async def offered(self, payload: bytes, feed: Feed) -> Fate | None:
        """The same, waited for."""
        answer: asyncio.Future[Fate | None] = asyncio.get_running_loop().create_future()
        self.offer(payload, feed, lambda fate: None if answer.done() else answer.set_result(fate))
        return await answer

    def prune(self, now: int) -> None:
        """Forget the times of devices that are silent for longer than any message of theirs would be taken."""
        self._seen.forget(now - 2 * BEHIND)

    @property
    def waiting(self) -> int:
        """How many messages wait for their round."""
        return len(self._queue)

    def again(self, frame: bytes, erased: Callable[[str], bool]) -> Sequence[Made]:
        """A frame of an earlier run: as it was decided then, but for patients who were `erased` since."""
        found = msgspec.msgpack.decode(self._unpack.decompress(frame, 1 << 28), type=list[Kept])
        made = [self._recalled(one) for one in found if not erased(one.patient)]
        self._settle(made)
        return made

    async def close(self) -> None:
        """Take no more. Who waits is not answered and sends again."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                async with self.writing:
                    await self._round()

    async def _round(self) -> None:
        waiting: list[Waiting] = []
        made: list[Made] = []
        while self._queue and len(made) < ROUND:
            for _ in range(min(SLICE, len(self._queue))):
                one = self._queue.popleft()
                waiting.append(one)
                made.append(self._made(one.payload, one.feed, self._clock(), one.why))
            await asyncio.sleep(0)
        kept = [one.kept for one in made if one.kept is not None]
        fates: list[Fate | None] = [one.fate for one in made]
        if kept and not await self._written(kept):
            fates = [None] * len(made)
            # What was not kept must not be taken for known when it comes again
            self._seen.unsee([(one.message.device, one.message.at) for one in made if one.message and one.kept])
        else:
            self._count(waiting, made)
        for one, fate in zip(waiting, fates, strict=True):
            one.done(fate)
        for start in range(0, len(made) if fates[0] is not None else 0, SLICE):
            self._settle(made[start : start + SLICE])
            await asyncio.sleep(0)

    async def _written(self, kept: Sequence[Kept]) -> bool:
        frame = self._pack.compress(msgspec.msgpack.encode(kept))
        try:
            await asyncio.to_thread(self.journal.append, frame)
        except OSError as error:
            log.error("messages of devices could not be kept: %s", verdict(error)[0])
            await asyncio.sleep(1)
            with_room = asyncio.to_thread(self.journal.roll)
            try:
                await with_room
            except OSError as full:
                log.error("no new journal could be begun: %s", verdict(full)[0])
            return False
        return True

    def _count(self, waiting: Sequence[Waiting], made: Sequence[Made]) -> None:
        now = self._clock()
        for one, found in zip(waiting, made, strict=True):
            feed, fate = one.feed, found.fate
            feed.last = now
            feed.received += 1
            feed.stored += fate == "stored"
            feed.duplicates += fate == "duplicate"
            feed.dead += fate == "dead"

    def _settle(self, made: Sequence[Made]) -> None:
        now = self._clock()
        self.board.take((one for found in made for one in found.readings), now)
        for found in made:
            if found.kept is not None and found.message is not None:
                self._noted(found.kept, found.message, found.meant)
        self._taken(made)

    def _noted(self, kept: Kept, message: Message, meant: frozenset[str]) -> None:
        matter = MATTERS.get(kept.reason, "")
        # A name that the chart has not may be a patient's number, and is nobody else's business
        known = bool(matter) and bool(self.bindings.device(message.device))
        self.board.sent(Sender(message.device, kept.patient, kept.received, message.interval, matter, meant, known))
        for wave in message.waves if kept.patient else ():
            self.board.wave(kept.patient, wave, message.at)

    def once_more(self, told: Sequence[tuple[int, bytes, str]], feed: Feed) -> Sequence[Made]:
        """Take messages of a dead letter as of when they were received: those that are now sound are on the disk."""
        made = [self._made(payload, feed, received, why) for received, payload, why in told]
        kept = [one.kept for one in made if one.kept is not None and not one.kept.reason]
        if kept:
            self.journal.append(self._pack.compress(msgspec.msgpack.encode(kept)))
        sound = [one for one in made if one.fate == "stored"]
        self._settle(sound)
        feed.stored += len(sound)
        feed.received += len(sound)
        return made

    def _made(self, payload: bytes, feed: Feed, received: int, why: str = "") -> Made:
        if why:
            return Made(Kept(received, feed.name, payload, "", why), None, ())
        try:
            said = read(payload)
        except Refused as refused:
            return Made(Kept(received, feed.name, payload, "", str(refused)), None, ())
        wrong = not received - BEHIND <= said.at <= received + AHEAD
        # A clock that is wrong says nothing of whose it was; whose it is now is whom it is missing to
        bound = self.bindings.whose(said.device, received if wrong else said.at, said.bed, said.patient)
        reason = CLOCK if wrong else REASONS[bound.reason]
        if reason:
            return Made(Kept(received, feed.name, payload, "", reason), said, (), bound.meant)
        return self._first(Kept(received, feed.name, payload, bound.patient, ""), said)

    def _first(self, kept: Kept, said: Message) -> Made:
        """Of a message what was not said before."""
        told = frozenset([one.measure for one in said.values] + [f"wave {one.code}" for one in said.waves])
        fresh = self._seen.new(said.device, said.at, told or ALONE)
        if not fresh:
            return Made(None, said, ())
        values, waves = said.values, said.waves
        if len(fresh) < len(told):
            values = tuple(one for one in values if one.measure in fresh)
            waves = tuple(one for one in waves if f"wave {one.code}" in fresh)
        whose, at, received, device, every = kept.patient, said.at, kept.received, said.device, said.interval
        readings = [Streamed(whose, o.measure, o.value, o.unit, at, received, device, every, o.flag) for o in values]
        return Made(kept, said if waves is said.waves else said._replace(waves=waves), readings)

    def _recalled(self, kept: Kept) -> Made:
        try:
            said = read(kept.payload)
        except Refused:
            return Made(kept, None, ())
        return Made(kept, said, ()) if kept.reason else self._first(kept, said)
