"""What of a tenant's streams enters the record: minutes, raw messages by patient, and dead letters many to one.

Its law: a segment of the journal is dropped only when all that it holds is durable in the record.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import zstandard

from onmaru.adapters.letters import bury
from onmaru.adapters.receipt import Receipt, Source
from onmaru.app.streams.intake import NOBODYS, Intake, Kept, Made
from onmaru.engines.spill import Spill, Spilt
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall
from onmaru.rooms.monitor.live import SECOND
from onmaru.rooms.monitor.stream.summary import MINUTE, SYSTEM, Minutes, document, instant, observation

# Messages of one patient that are packed together, and Observations written together
PACK, TOGETHER = 64, 20
# Seconds over which the minutes of a whole house are written: all at once they would hold up everybody's next numbers
SPREAD = 30
# A letter is closed with so many messages or bytes, or when its first one is so old
LETTER_MOST, LETTER_BYTES, LETTER_AGE = 5_000, 4 << 20, 10 * SECOND


class Raw:
    """One patient's messages since the last segment began: packed and out of memory but for the last few."""

    def __init__(self) -> None:
        self.packed: list[Spilt | bytes] = []
        self.loose: list[tuple[int, bytes]] = []
        self.low, self.high = 2**62, 0

    def add(self, one: Kept, pack: zstandard.ZstdCompressor, spill: Spill) -> None:
        """Append a message."""
        self.loose.append((one.received, one.payload))
        self.low, self.high = min(self.low, one.received), max(self.high, one.received)
        if len(self.loose) == PACK:
            self.close(pack, spill)

    def close(self, pack: zstandard.ZstdCompressor, spill: Spill) -> None:
        """Pack what is loose."""
        if not self.loose:
            return
        packed = pack.compress(msgspec.msgpack.encode(self.loose))
        self.loose = []
        try:
            self.packed.append(spill.put(packed))
        except OSError:
            # What was acknowledged is not lost for want of room on the disk
            self.packed.append(packed)

    def parts(self, spill: Spill) -> Iterable[bytes]:
        """All that is packed, in the order in which it came."""
        for one in self.packed:
            yield one if isinstance(one, bytes) else spill.get(one)


class Charting:
    """Fed by an Intake. `hall` gives the house's own doors; `durable` waits for a position."""

    def __init__(
        self,
        hall: Callable[[], Hall],
        durable: Callable[[int], Awaitable[None]],
        clock: Callable[[], int],
        folder: Path,
    ) -> None:
        self._hall, self._durable, self._clock, self._folder = hall, durable, clock, folder
        self._spill = Spill(folder)
        self.minutes = Minutes()
        self.late = 0
        self.gone: set[str] = set()
        self._raw: dict[str, Raw] = {}
        # What is being sealed
        self._whole: dict[str, Raw] = {}
        self._due: list[tuple[str, int, Mapping[str, Sequence[str]]]] = []
        # How many of them are written each second
        self._share = 0
        # One at a time each: what somebody else is still writing is not yet in the record
        self._charting, self._burying, self._sealing = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self._letters: dict[tuple[str, str], list[Kept]] = {}
        self._pack = zstandard.ZstdCompressor(level=3)

    def take(self, made: Sequence[Made]) -> None:
        """What is on the disk now, in its order."""
        for one in made:
            if one.kept is None or one.kept.patient in self.gone:
                continue
            if one.kept.reason:
                self._letters.setdefault((one.kept.feed, one.kept.reason), []).append(one.kept)
                continue
            self._raw.setdefault(one.kept.patient, Raw()).add(one.kept, self._pack, self._spill)
            self.late += self.minutes.add(one.readings)

    @property
    def people(self) -> set[str]:
        """Whose messages are held: of waveforms and unknown codes alone there is nothing on the board."""
        return {*self._raw, *self._whole, *(patient for patient, _, _ in self._due)}

    def forget(self, patient: str) -> None:
        """Hold nothing of a patient who was erased, and take nothing of theirs any more."""
        self.gone.add(patient)
        self.minutes.forget(patient)
        self._raw.pop(patient, None)

    async def write_minutes(self, *, every: bool = False) -> None:
        """Write the minutes that are over, each once whatever happens in between: a share of them, or `every` one."""
        async with self._charting:
            await self._write_due(every)

    async def _write_due(self, every: bool) -> None:
        self._due += self.minutes.due(self._clock())
        self._share = max(self._share, TOGETHER, len(self._due) // SPREAD) if self._due else 0
        left = 0 if every else max(0, len(self._due) - self._share)
        while len(self._due) > left:
            some = self._due[:TOGETHER]
            made = [observation(*one) for one in some if one[0] not in self.gone]
            await self._write([_once("Observation", name, body) for name, body in made])
            del self._due[: len(some)]

    async def write_letters(self, *, every: bool = False) -> None:
        """Bury what is due, or everything."""
        async with self._burying:
            await self._bury_due(every)

    async def _bury_due(self, every: bool) -> None:
        now, buried = self._clock(), 0
        for key, held in tuple(self._letters.items()):
            size = sum(len(one.payload) for one in held)
            if every or len(held) >= LETTER_MOST or size >= LETTER_BYTES or held[0].received < now - LETTER_AGE:
                del self._letters[key]
                try:
                    for part in _parts(held):
                        buried = self._bury(key, part)
                        await asyncio.sleep(0)
                except BaseException:
                    # Not all of it is buried: it is tried again, and the same bytes are one letter
                    self._letters[key] = [*held, *self._letters.get(key, [])]
                    raise
        if buried:
            await self._durable(buried)

    async def finish(self, intake: Intake) -> None:
        """Bring everything into the record at once, the minute that is not over too: nothing more comes here."""
        self._due += self.minutes.due(self._clock() + 2 * MINUTE)
        await self.write_minutes(every=True)
        await self.seal(intake)

    async def seal(self, intake: Intake) -> None:
        """Bring everything of the journal's segments so far into the record, then drop them."""
        async with self._sealing:
            await self._sealed(intake)

    async def _sealed(self, intake: Intake) -> None:
        async with intake.writing:
            whole = await asyncio.to_thread(intake.journal.roll)
            self._whole, self._raw = self._raw, {}
            spill, self._spill = self._spill, Spill(self._folder)
        last = self._clock() // MINUTE
        await self.write_letters(every=True)
        for patient, one in self._whole.items():
            if patient not in self.gone:
                await self._document(patient, one, spill, f"{patient}/{whole}-{one.low}")
        self._whole = {}
        spill.close()
        while self.minutes.until <= last:
            await asyncio.sleep(1)
            await self.write_minutes()
        await self.write_minutes(every=True)
        await self._durable(0)
        for number in [*intake.journal.left, whole]:
            await asyncio.to_thread(intake.journal.drop, number)
        intake.journal.left.clear()

    def close(self) -> None:
        """Let go of what is held: the journal has all of it."""
        self._spill.close()

    async def _document(self, patient: str, raw: Raw, spill: Spill, name: str) -> None:
        raw.close(self._pack, spill)
        blob = await asyncio.to_thread(self._hall().blobs.put, raw.parts(spill), patient)
        if patient in self.gone:
            self._hall().blobs.drop([blob])
            return
        await self._write([_once("DocumentReference", name, document(patient, name, blob, raw.low, raw.high))])

    async def _write(self, changes: Sequence[Change]) -> None:
        """All of them together, or one by one where one is refused; what is refused is a letter."""
        if not changes:
            return
        try:
            await self._durable(self._hall().record.write(changes)[-1].version.t)
        except Invalid as error:
            if len(changes) > 1:
                for one in changes:
                    await self._write([one])
                return
            source, receipt = Source("stream", "record", "fhir"), Receipt("AE", reason=error.issues[0].text)
            bury(self._hall(), changes[0].body, source, receipt, instant(self._clock()))

    def _bury(self, key: tuple[str, str], held: Sequence[Kept]) -> int:
        feed, reason = key
        receipt = Receipt("AE", rejected=len(held), reason=reason, location=f"messages[{len(held)}]")
        source = Source("stream", feed, "stream")
        return bury(self._hall(), lines(held), source, receipt, instant(self._clock()))[1]


def lines(held: Iterable[Kept]) -> bytes:
    """Messages as lines that a person can read and mend: `{"received", "payload"}`, or `base64` for what is no text.

    Those with `why` are not read again until somebody takes that away.
    """
    return b"\n".join(msgspec.json.encode(_line(one)) for one in held)


def _line(one: Kept) -> dict[str, object]:
    head: dict[str, object] = {"received": one.received, **({"why": one.reason} if one.reason == NOBODYS else {})}
    try:
        return {**head, "payload": one.payload.decode()}
    except UnicodeDecodeError:
        return {**head, "base64": base64.b64encode(one.payload).decode()}


def _parts(held: Sequence[Kept]) -> Iterable[Sequence[Kept]]:
    part: list[Kept] = []
    size = 0
    for one in held:
        part.append(one)
        size += len(one.payload)
        if len(part) == LETTER_MOST or size >= LETTER_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _once(type: str, name: str, body: bytes) -> Change:
    guard = search.parse((type,), [("identifier", f"{SYSTEM}|{name}")])
    return Change("create", type, body=body, if_none_exist=guard)
