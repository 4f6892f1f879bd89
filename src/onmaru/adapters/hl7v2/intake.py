"""One v2 message into the record: read, map, find, merge, write as one transaction; the same bytes twice change nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from onmaru.adapters.hl7v2 import ack, er7, evidence, mapping, moments, snapshot
from onmaru.adapters.hl7v2.context import Contexts, Stale, Standing, bare
from onmaru.adapters.hl7v2.emit import Draft, Emitter
from onmaru.adapters.hl7v2.er7 import Message
from onmaru.adapters.hl7v2.finding import Finder, Number, Recent
from onmaru.adapters.hl7v2.heard import Heard
from onmaru.adapters.hl7v2.heeding import Apart, Heeding
from onmaru.adapters.hl7v2.mapping import Mapped
from onmaru.adapters.hl7v2.refused import DATA_TYPE, INTERNAL, MESSAGE_TYPE, Refused
from onmaru.adapters.hl7v2.writing import ENCODER, Item, Writing, later, relinked
from onmaru.adapters.receipt import Receipt, Source
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.log import Moved, Version
from onmaru.kernel.record import Change, Written
from onmaru.kernel.room import Hall

ATTEMPTS = 5
Json = dict[str, Any]


class Read:
    """A message as it was read: what it became, and the drafts of that."""

    def __init__(self, mapped: Mapped, emitter: Emitter, drafts: Sequence[Draft]) -> None:
        self.mapped = mapped
        self.emitter = emitter
        self.drafts = drafts

    def learn(self, contexts: Contexts, writing: Writing) -> None:
        """Remember the head of the message when it said again what stands and changed nothing."""
        learning = self.mapped.learning
        if learning is None or not learning.fit or not learning.made:
            return
        runs = [self.emitter.runs[id(node)] for _, _, node in learning.made]
        start, end = min(run[0] for run in runs), max(run[1] for run in runs)
        standing: dict[int, Standing] = {}
        for node, draft in zip(self.emitter.order[start:end], self.drafts[start:end], strict=True):
            item = writing.items[draft.name]
            if item.repeated and item.name == draft.name and item.data is None and item.version is not None:
                standing[id(node)] = Standing(bare(node), draft.numbers, item.version)
        remembered = learning.remembered(self.emitter.order[start:end], standing)
        if remembered is not None:
            contexts.keep(learning.key, remembered)


def _read_whole(message: Message, zone: str, digest: str) -> Read:
    mapped = mapping.resources(message, zone)
    emitter = Emitter([*mapped.nodes, mapped.provenance], digest)
    return Read(mapped, emitter, emitter.drafts())


class Intake:
    """Takes the v2 messages of one tenant, one after the other. `clock` gives µs since 1970 UTC."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.recent = Recent()

    def take(self, hall: Hall, data: bytes, source: Source, heard: Heard | None = None) -> Receipt:
        """Write one message. Refusals come back as AE or AR in the receipt; nothing of such a message is written.

        `heard`: what `Hearing.hear` said of it, where it was asked.
        """
        receipt = self._heeded(hall, heard, source) if heard is not None else None
        if receipt is not None:
            return receipt
        digest = hashlib.sha256(data.strip(b"\x0b\x1c\r\n")).hexdigest()
        stamp = self._stamp(source.zone)
        try:
            receipt = self._attempts(hall, data, digest, source)
        except Refused as error:
            receipt = Receipt(ack=error.ack, rejected=1, reason=error.text, code=error.code, location=error.location)
        head = er7.header(data)
        receipt.control = head.c(10) if head else ""
        refusal = (receipt.code, receipt.reason, receipt.location)
        receipt.reply = ack.acknowledge(data, receipt.ack, stamp, refusal, receipt.warnings)
        return receipt

    def _heeded(self, hall: Hall, heard: Heard, source: Source) -> Receipt | None:
        """Write a message as it was heard; None, and nothing is written, where it has to be read on the spot."""
        try:
            receipt = self._once_heard(hall, heard)
        except (Apart, Refused):  # read on the spot, it is refused with its own words
            return None
        except (Moved, Invalid):
            self.recent.forget()  # somebody else wrote: look again once all of it can be seen
            source.settle()
            return None
        receipt.control = heard.control
        receipt.reply = self._stamp(source.zone).encode().join(heard.reply)
        return receipt

    def _once_heard(self, hall: Hall, heard: Heard) -> Receipt:
        finder = Finder(hall.record, self.recent)
        mine = (evidence.MESSAGE, heard.digest, "")
        known, same_control = finder.all("DocumentReference", [[mine], [heard.number]])
        if known:
            return Receipt(accepted=1, duplicate=True, position=max(v.t for v in known), warnings=list(heard.places))
        if same_control:
            raise Apart
        heeding = Heeding(finder, heard)
        changes = heeding.changes(heeding.items_of())
        written = hall.record.write([change for change, _ in changes])
        self._remember(changes, written, [mine, heard.number])
        receipt = self._receipt(hall, changes, written)
        receipt.warnings = list(heard.places)
        return receipt

    def _remember(
        self, changes: Sequence[tuple[Change, Item | None]], written: Sequence[Written], numbers: Sequence[Number]
    ) -> None:
        """The message's own document, under the numbers that tell it from others."""
        for (change, _), done in zip(changes, written, strict=True):
            if change.name == evidence.DOCUMENT:
                self.recent.keep(done.version, numbers)

    def _stamp(self, zone: str) -> str:
        hours, minutes = int(zone[:3]), int(zone[4:6] or 0) * (-1 if zone.startswith("-") else 1)
        now = datetime.fromtimestamp(self.clock() / 1e6, UTC).astimezone(
            timezone(timedelta(hours=hours, minutes=minutes))
        )
        return now.strftime("%Y%m%d%H%M%S") + zone.replace(":", "")

    def _attempts(self, hall: Hall, data: bytes, digest: str, source: Source) -> Receipt:
        message = er7.parse(data)
        if message.type in mapping.NO_DATA:
            raise Refused("AR", MESSAGE_TYPE, "messages of this type bring no data", "MSH^1^9")
        read = self._read(message, source.zone, digest)
        for attempt in range(ATTEMPTS):
            try:
                return self._once(hall, data, digest, message, read)
            except Moved:
                pass
            except Invalid as error:
                if error.status not in (409, 412) or attempt == ATTEMPTS - 1:
                    raise _refused(error) from error
            self.recent.forget()  # somebody else wrote: look again once all of it can be seen
            source.settle()
            read = _read_whole(message, source.zone, digest)
        raise Refused("AE", INTERNAL, "the record moved on too often")

    def _read(self, message: Message, zone: str, digest: str) -> Read:
        """Map and emit the message, by what is remembered of its head where that holds."""
        contexts = self.recent.contexts
        try:
            mapped = mapping.resources(message, zone, contexts)
            emitter = Emitter([*mapped.nodes, mapped.provenance], digest)
            return Read(mapped, emitter, emitter.drafts())
        except Stale:
            read = _read_whole(message, zone, digest)
            contexts.unlearn(message, read.mapped)
            return read

    def _once(self, hall: Hall, data: bytes, digest: str, message: Message, read: Read) -> Receipt:
        mapped, drafts = read.mapped, read.drafts
        finder = Finder(hall.record, self.recent)
        control = evidence.control_number(message, mapped.sender.facility)
        mine = (evidence.MESSAGE, digest, "")
        known, same_control = finder.all("DocumentReference", [[mine], [control]])
        places = [field.location for field in mapped.doubtful]
        if known:
            return Receipt(accepted=1, duplicate=True, position=max(v.t for v in known), warnings=places)
        notes = [*message.notes, *(f"{place}: {ack.NO_TIME}" for place in places)]
        if same_control:
            notes.append("the sender used this control id before, for other bytes")
        stamp = moments.instant(message.msh.c(7), mapped.sender.zone) or ""
        at = stamp or moments.instant(message.segment_text("EVN", 2), mapped.sender.zone) or ""
        writing = Writing(finder, message, mapped.sender, at)
        items = writing.plan([draft for draft in drafts if draft.type != "Provenance"])
        read.learn(self.recent.contexts, writing)
        blob = hall.blobs.put([data]) if len(data) > evidence.INLINE else ""
        body = evidence.attachment(data, blob, message.codec)
        document = evidence.document(message, mapped, digest, body, stamp, notes)
        patient = next((item for item in items if item.type == "Patient"), None)
        if patient is not None:
            document["subject"] = {"reference": patient.reference}
        changes = self._changes(items, message, document, writing, read)
        written = hall.record.write([change for change, _ in changes])
        self._remember(changes, written, [mine, control])
        receipt = self._receipt(hall, changes, written)
        receipt.warnings = places
        return receipt

    def _changes(
        self, items: Sequence[Item], message: Message, document: Json, writing: Writing, read: Read
    ) -> list[tuple[Change, Item | None]]:
        made: list[tuple[Change, Item | None]] = [
            (change, item) for item in items if (change := item.change(writing.finder)) is not None
        ]
        body = ENCODER.encode(document)
        made.append((Change("create", "DocumentReference", body=body, name=evidence.DOCUMENT, compacted=True), None))
        rendered = next((d.data for d in read.drafts if d.type == "Provenance"), {"resourceType": "Provenance"})
        links = {item.name: item.reference for item in items}
        targets = list(dict.fromkeys([*(links[item.name] for item in items), evidence.DOCUMENT]))
        recorded = writing.at or moments.instant(self._stamp("+00:00"), "Z") or ""
        whole = evidence.provenance(relinked(rendered, links), message, read.mapped, targets, recorded)
        made.append((Change("create", "Provenance", body=ENCODER.encode(whole), compacted=True), None))
        return made

    def _receipt(
        self, hall: Hall, changes: Sequence[tuple[Change, Item | None]], written: Sequence[Written]
    ) -> Receipt:
        receipt = Receipt(accepted=1)
        for (change, item), done in zip(changes, written, strict=True):
            version = done.version
            if change.op == "create" and done.status == 200 and item is not None and item.statement is not None:
                version = self._catch(hall, item, done) or version
            receipt.position = max(receipt.position, version.t)
            if item is not None:
                self.recent.keep(version, item.found_by)
            if change.type in ("Provenance",):
                continue
            names = receipt.created if done.status == 201 else receipt.updated
            names.append(version.name)
            receipt.by_type[version.type] = receipt.by_type.get(version.type, 0) + 1
        return receipt

    def _catch(self, hall: Hall, item: Item, done: Written) -> Version | None:
        """Somebody made this resource in the meantime: merge our statement into it now."""
        item.version = done.version
        item.data = None
        assert item.statement is not None
        merged = snapshot.merged(item.stored, item.statement, later)
        if merged is None:
            return None
        item.data = merged
        change = item.change(Finder(hall.record, self.recent))
        return hall.record.write([change])[0].version if change else None


def _refused(error: Invalid) -> Refused:
    issue = error.issues[0]
    text = f"{issue.expression}: {issue.text}" if issue.expression else issue.text
    return Refused("AE", DATA_TYPE, text)
