"""Heads (patient and visit) that were said before, word for word: what they say is taken as it was heard then. Pure.

A head is remembered only when the message from which it was learnt says the same with it as without it.
"""

from __future__ import annotations

from typing import Any

from onmaru.adapters.hl7v2 import mapping
from onmaru.adapters.hl7v2.context import CONTEXTS, Contexts, Key, Stale, Standing, bare
from onmaru.adapters.hl7v2.emit import Draft, Emitter
from onmaru.adapters.hl7v2.er7 import Message
from onmaru.adapters.hl7v2.heard import Words
from onmaru.adapters.hl7v2.mapping import Mapped
from onmaru.adapters.hl7v2.writing import ENCODER
from onmaru.kernel.log import Version

_NOBODY_LOOKED = Version(0, "", "", 0, "create", 0, None)
Read = tuple[Mapped, list[Draft]]


class Heads:
    """Reads messages; a head that is said a second time is learnt."""

    def __init__(self) -> None:
        self._contexts = Contexts(lambda type, id: _NOBODY_LOOKED)
        self._met: dict[Key, None] = {}

    def read(self, message: Message, zone: str, digest: str) -> Read:
        """Map and emit a message. Raises Refused."""
        try:
            mapped, emitter = _mapped(message, zone, digest, self._contexts)
            drafts = _placed(emitter.drafts())
        except Stale:
            mapped, emitter = _mapped(message, zone, digest, None)
            self._contexts.unlearn(message, mapped)
            return mapped, emitter.drafts()
        learning = mapped.learning
        if learning is not None and learning.fit and learning.made:
            if learning.key in self._met:
                self._learn((message, zone, digest), mapped, emitter, drafts)
            else:
                self._meet(learning.key)
        return mapped, drafts

    def _meet(self, key: Key) -> None:
        if len(self._met) >= CONTEXTS:
            self._met.clear()
        self._met[key] = None

    def _learn(self, asked: tuple[Message, str, str], mapped: Mapped, emitter: Emitter, drafts: list[Draft]) -> None:
        learning, message = mapped.learning, asked[0]
        assert learning is not None
        runs = [emitter.runs[id(node)] for _, _, node in learning.made]
        start, end = min(run[0] for run in runs), max(run[1] for run in runs)
        order = emitter.order[start:end]
        standing = {
            id(node): Standing(bare(node), draft.numbers, _named(node.type), words_of(draft, message.event))
            for node, draft in zip(order, drafts[start:end], strict=True)
        }
        remembered = learning.remembered(order, standing)
        self._contexts.keep(learning.key, remembered)
        if remembered is None:
            return
        try:
            again, once_more = _mapped(*asked, self._contexts)
            same = _said(mapped, drafts, message) == _said(again, _placed(once_more.drafts()), message)
        except Stale:
            same = False
        if not same:
            self._contexts.keep(learning.key, None)


def words_of(draft: Draft, event: str) -> Words:
    """What a message says of a resource."""
    said = ENCODER.encode((draft.data, draft.emptied, sorted(draft.filled), event))
    return Words(draft.name, draft.key, draft.holder, str(draft.data.get("birthDate", "")), said)


def _mapped(message: Message, zone: str, digest: str, contexts: Contexts | None) -> tuple[Mapped, Emitter]:
    mapped = mapping.resources(message, zone, contexts)
    return mapped, Emitter([*mapped.nodes, mapped.provenance], digest)


def _placed(drafts: list[Draft]) -> list[Draft]:
    """The drafts, where the remembered ones have the names that they had: what they say refers to others by these."""
    if any(draft.heard is not None and draft.heard.name != draft.name for draft in drafts):
        raise Stale
    return drafts


def _named(type: str) -> Version:
    return Version(0, type, "", 0, "create", 0, None)


def _said(mapped: Mapped, drafts: list[Draft], message: Message) -> list[Any]:
    """All that comes of a message."""
    words = [
        (draft.type, draft.numbers, ENCODER.encode(draft.data))
        if draft.type == "Provenance"
        else (draft.type, draft.numbers, draft.heard or words_of(draft, message.event))
        for draft in drafts
    ]
    return [words, mapped.populated, mapped.carried, mapped.lost, mapped.doubtful]
