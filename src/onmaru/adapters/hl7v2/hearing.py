"""A v2 message made ready before its turn: read, mapped, emitted, its resources checked as if all were new. Pure.

What it cannot foresee it leaves to the door: merges, messages without a time, long ones and those that are refused.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from onmaru.adapters.hl7v2 import ack, er7, evidence, mapping, moments, snapshot, survivors
from onmaru.adapters.hl7v2.emit import Draft
from onmaru.adapters.hl7v2.er7 import Message
from onmaru.adapters.hl7v2.finding import Number
from onmaru.adapters.hl7v2.heads import Heads, words_of
from onmaru.adapters.hl7v2.heard import Heard, Resource, packed
from onmaru.adapters.hl7v2.mapping import Mapped
from onmaru.adapters.hl7v2.refused import Refused
from onmaru.adapters.hl7v2.snapshot import Statement
from onmaru.adapters.hl7v2.writing import ENCODER, numbers_of, relinked
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.errand import Admit, Admitted

# Resources whose making was seen lately: said again they are found, not made
SEEN = 20_000
_OURS = b"urn:uuid:00000000-0000-4000-800"
_REFERENCE = re.compile(rb'("reference":")(' + _OURS + rb'[02]-[0-9a-f]{12})(?=")')
_SURVIVORS = frozenset().union(
    survivors.PATIENT_MERGES,
    survivors.ACCOUNT_MERGES,
    survivors.PATIENT_NUMBERS,
    survivors.ACCOUNT_NUMBERS,
    survivors.VISIT_MERGES,
    survivors.VISIT_NUMBERS,
    survivors.VISIT_MOVES,
    survivors.ACCOUNT_MOVES,
    survivors.LINKS,
    survivors.NUMBER_MOVES,
)


class Hearing:
    """Hears the messages of all tenants. `new_id` gives fresh ids; what is remembered changes what is made ready only."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._seen: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._heads = Heads()

    def hear(self, data: bytes, zone: str) -> Heard | None:
        """What can be said of one message; None of one that the door has to look at itself."""
        if len(data) > evidence.INLINE or er7.split(data) != [data]:
            return None
        try:
            message = er7.parse(data)
            merges = message.event in _SURVIVORS and message.type in ("ADT", "BAR")
            if merges or message.type in mapping.NO_DATA:
                return None
            return self._heard(data, message, zone)
        except (Refused, Invalid):
            return None

    def _heard(self, data: bytes, message: Message, zone: str) -> Heard | None:
        digest = hashlib.sha256(data.strip(b"\x0b\x1c\r\n")).hexdigest()
        mapped, drafts = self._heads.read(message, zone, digest)
        stamp = moments.instant(message.msh.c(7), mapped.sender.zone) or ""
        at = stamp or moments.instant(message.segment_text("EVN", 2), mapped.sender.zone) or ""
        if not at:
            return None
        said = [draft for draft in drafts if draft.type != "Provenance"]
        links = {draft.name: f"{draft.type}/{self._new_id()}" for draft in said}
        document = self._new_id()
        links[evidence.DOCUMENT] = f"DocumentReference/{document}"
        bodies: list[Admitted] = []
        resources = [self._resource(draft, links, at, message.event, bodies) for draft in said]
        places = [field.location for field in mapped.doubtful]
        own = self._document(data, message, mapped, digest, (stamp, places))
        patient = next((draft for draft in said if draft.type == "Patient"), None)
        if patient is not None:
            own["subject"] = {"reference": links[patient.name]}
        bodies.append(_admitted("DocumentReference", own, links))
        bodies.append(_admitted("Provenance", _provenance(drafts, message, mapped, links, at), links))
        return Heard(
            message.type,
            message.event,
            digest,
            message.control,
            evidence.control_number(message, mapped.sender.facility),
            at,
            places,
            self._reply(data, places),
            resources,
            document,
            packed(bodies),
        )

    def _resource(self, draft: Draft, links: dict[str, str], at: str, event: str, bodies: list[Admitted]) -> Resource:
        found_by: list[Number] = draft.numbers
        ready = draft.heard is None and self._fresh(draft)
        if ready:
            statement = Statement(draft.data, draft.emptied, draft.filled, at, event)
            first = snapshot.first(statement)
            found_by = numbers_of(first, draft.numbers)
            bodies.append(_admitted(draft.type, first, links))
        words = draft.heard or words_of(draft, event)
        return Resource(
            draft.name,
            draft.type,
            links[draft.name].partition("/")[2],
            draft.numbers,
            words.key,
            words.holder,
            words.born,
            words.said,
            found_by,
            ready,
        )

    def _fresh(self, draft: Draft) -> bool:
        """Whether it is probably new: not spoken of lately."""
        system, value = draft.numbers[0][:2] if draft.numbers else ("", draft.key)
        if not value:
            return True
        name = (draft.type, system, value)
        if name in self._seen:
            self._seen.move_to_end(name)
            return False
        self._seen[name] = None
        if len(self._seen) > SEEN:
            self._seen.popitem(last=False)
        return True

    @staticmethod
    def _document(
        data: bytes, message: Message, mapped: Mapped, digest: str, notes: tuple[str, Sequence[str]]
    ) -> dict[str, Any]:
        stamp, places = notes
        told = [*message.notes, *(f"{place}: {ack.NO_TIME}" for place in places)]
        return evidence.document(message, mapped, digest, evidence.attachment(data, "", message.codec), stamp, told)

    def _reply(self, data: bytes, places: Sequence[str]) -> tuple[bytes, bytes]:
        mark = self._new_id()
        before, _, after = ack.acknowledge(data, "AA", mark, warnings=places).partition(mark.encode())
        return before, after


def _provenance(
    drafts: Sequence[Draft], message: Message, mapped: Mapped, links: dict[str, str], at: str
) -> dict[str, Any]:
    rendered = next((draft.data for draft in drafts if draft.type == "Provenance"), {"resourceType": "Provenance"})
    targets = list(dict.fromkeys(links.values()))
    return evidence.provenance(relinked(rendered, links), message, mapped, targets, at)


def _admitted(type: str, data: dict[str, Any], links: dict[str, str]) -> Admitted:
    body = _REFERENCE.sub(lambda m: m[1] + links.get(m[2].decode(), m[2].decode()).encode(), ENCODER.encode(data))
    return Admit(type, body, True, links if _OURS in body else {}).done()
