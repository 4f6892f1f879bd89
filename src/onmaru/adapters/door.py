"""The one way for a file or message into the record: tell what it is, take it, and bury what cannot be taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from onmaru.adapters.ahead import Told
from onmaru.adapters.fhirfile import FhirFiles, Progress
from onmaru.adapters.hl7v2 import er7
from onmaru.adapters.hl7v2.heard import Heard
from onmaru.adapters.hl7v2.intake import Intake
from onmaru.adapters.letters import DeadLetters, bury
from onmaru.adapters.packing import detect, unpacked
from onmaru.adapters.pieces import Piece
from onmaru.adapters.receipt import Receipt, Source
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.room import Hall

SILENT = "no messages of devices are taken here now"
# Problems that a receipt tells besides the first
TOLD = 50


class Door:
    """The door of one tenant; its calls come one after the other. `clock` gives µs since 1970 UTC, `new_id` fresh ids."""

    def __init__(self, clock: Callable[[], int], new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._intake = Intake(clock)
        self._files = FhirFiles(new_id, self._bury_entry)
        self.letters = DeadLetters(self._replay)
        # Where messages of devices go that are replayed, while there is somewhere
        self.streams: Callable[[bytes], Receipt] | None = None

    def known(self, hall: Hall) -> dict[str, str]:
        """Where the urn names lead that files taken before have promised."""
        return self._files.known(hall)

    def hear(self, hall: Hall, data: bytes, source: Source, heard: Heard | None) -> Receipt:
        """Take one v2 message of which `Hearing.hear` told what it could; None: nothing."""
        return self.take(hall, data, source) if heard is None else self._taken(hall, data, source, heard)

    def take(self, hall: Hall, data: bytes, source: Source, told: Told | None = None) -> Receipt:
        """Take a file or message. What cannot be taken is buried; the receipt counts and the first reason is told.

        `told`: what `ahead.tell` said of the file, where it was asked.
        """
        if told is not None:
            return self._files.take(hall, data, source.settle, told)
        try:
            plain = unpacked(data)
        except Invalid as error:
            return self._buried(hall, data, source, _receipt(error))
        kind = source.format or detect(plain)
        if kind == "hl7v2" or source.door == "mllp":
            return self._messages(hall, plain, source)
        try:
            return self._files.take(hall, plain, source.settle)
        except Invalid as error:
            return self._buried(hall, plain, source, _receipt(error))

    def stretch(self, hall: Hall, found: Sequence[Piece], progress: Progress, came: Mapping[str, bytes]) -> Receipt:
        """Take some lines of a file that is too long to be taken at once; `came`: the lines by place."""
        return self._files.stretch(hall, found, progress, came)

    def done(self, hall: Hall, digest: str) -> int:
        """How many lines of such a file are in already."""
        newest = next(self._files.marks(hall, digest), None)
        return newest.done if newest is not None else 0

    def forget(self) -> None:
        """Forget what was written last: a version that was erased must not be remembered either."""
        self._intake.recent.forget()

    def _messages(self, hall: Hall, data: bytes, source: Source) -> Receipt:
        total = Receipt()
        pieces = er7.split(data) or [data]
        for piece in pieces:
            receipt = self._taken(hall, piece, source)
            total.add(receipt)
            total.control = receipt.control
            total.duplicate = receipt.duplicate
        claimed = er7.batch_count(data)
        if claimed is not None and claimed != len(pieces) and not total.reason:
            total.reason, total.location = f"the batch says {claimed} messages and holds {len(pieces)}", "BTS^1^1"
        return total

    def _taken(self, hall: Hall, data: bytes, source: Source, heard: Heard | None = None) -> Receipt:
        """One message."""
        receipt = self._intake.take(hall, data, source, heard)
        if receipt.ack != "AA" and source.door != "replay":
            self._buried(hall, data, source, receipt)
        return receipt

    def _buried(self, hall: Hall, data: bytes, source: Source, receipt: Receipt) -> Receipt:
        kind = source.format or detect(data)
        kept = Source(source.door, source.name, kind, source.zone)
        id, position = bury(hall, data, kept, receipt, self._now())
        receipt.dead += 1
        receipt.letters.append(id)
        receipt.position = max(receipt.position, position)
        return receipt

    def _bury_entry(self, hall: Hall, piece: Piece, promised: str, error: Invalid) -> str:
        receipt = _receipt(error)
        receipt.location = piece.place
        return bury(hall, piece.body, Source("file", piece.place, "fhir", promised=promised), receipt, self._now())[0]

    def _replay(self, hall: Hall, data: bytes, source: Source) -> Receipt:
        """A replay that is refused again stays the letter it is."""
        if source.format == "stream":
            return Receipt("AE", rejected=1, reason=SILENT) if self.streams is None else self.streams(data)
        if (source.format or detect(data)) == "hl7v2":
            return self._messages(hall, data, source)
        try:
            return self._files.take(hall, data, source.settle, promised=source.promised)
        except Invalid as error:
            return _receipt(error)

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock() / 1e6, UTC).isoformat(timespec="milliseconds")


def _receipt(error: Invalid) -> Receipt:
    """The first problem with its place, then the others with theirs, so that a sender can mend all at once."""
    first, *more = error.issues
    told = [f"{issue.expression}: {issue.text}" if issue.expression else issue.text for issue in more[:TOLD]]
    told += [f"{len(more) - TOLD} more"] if len(more) > TOLD else []
    return Receipt(ack="AE", rejected=1, reason="; ".join([first.text, *told]), location=first.expression)
