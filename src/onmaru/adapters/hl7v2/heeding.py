"""The transaction of a message that was heard beforehand: what is found is looked at, what is new comes ready.

Whatever did not come as foreseen raises Apart, before anything is written, and the message is read on the spot.
"""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.adapters.hl7v2 import evidence
from onmaru.adapters.hl7v2.emit import Draft
from onmaru.adapters.hl7v2.finding import DECODER, Finder, Number, condition
from onmaru.adapters.hl7v2.heard import Heard, Resource, unpacked
from onmaru.adapters.hl7v2.values import Sender
from onmaru.adapters.hl7v2.writing import Item, Writing, named
from onmaru.kernel.errand import Admitted
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change


class Apart(Exception):
    """The message is not what it was taken for."""


class Fresh(Item):
    """A resource that is new, and ready."""

    def __init__(self, said: Resource) -> None:
        super().__init__(said.type, said.name, None, None, said.numbers)
        self._said = said
        self.admitted: Admitted | None = None

    @property
    def found_by(self) -> list[Number]:
        """As it was heard."""
        return self._said.found_by

    def change(self, finder: Finder) -> Change:
        """A creation under the id that the others call it by."""
        assert self.admitted is not None
        free = finder.free(self.type, self.numbers)
        guard = condition(self.type, free) if free else None
        body = self.admitted.body
        return Change(
            "create", self.type, self._said.id, body, if_none_exist=guard, name=self.name, ready=self.admitted
        )


class Heeding(Writing):
    """Plans the transaction of a heard message against what is stored now."""

    def __init__(self, finder: Finder, heard: Heard) -> None:
        super().__init__(finder, heard, Sender("", ""), heard.at)
        self._heard = heard
        self._said = {said.name: said for said in heard.resources}
        self._found: dict[str, str] = {}

    def items_of(self) -> list[Item]:
        """One item a resource, in their order."""
        return self.plan([_bare(said) for said in self._heard.resources])

    def _item(self, draft: Draft, version: Version | None, links: dict[str, str]) -> None:
        said = self._said[draft.name]
        if version is None:
            if said.ready:
                self.items[draft.name] = Fresh(said)
                return
            self._whole(draft, said)
            super()._item(draft, None, links)
            self.items[draft.name].id = said.id
            return
        if version.name in self._known or self._registers(version):
            raise Apart
        self._found[said.id] = version.id
        if self.recent.repeats(version, named(said.said, links)):
            item = self._known[version.name] = Item(draft.type, draft.name, version, None, draft.numbers)
            item.links, item.repeated = links, True
            self.items[draft.name] = item
            return
        self._whole(draft, said)
        super()._item(draft, version, links)

    @staticmethod
    def _whole(draft: Draft, said: Resource) -> None:
        draft.data, draft.emptied, filled, _ = DECODER.decode(said.said)
        draft.filled = set(filled)

    def changes(self, items: Sequence[Item]) -> list[tuple[Change, Item | None]]:
        """What is to be written: the resources, the message's own document and its Provenance."""
        bodies = unpacked(self._heard.bodies, self._found)
        if bodies is None:
            raise Apart
        *ready, document, provenance = bodies
        for said, admitted in zip([said for said in self._heard.resources if said.ready], ready, strict=True):
            item = self.items[said.name]
            if isinstance(item, Fresh):
                item.admitted = admitted
        made: list[tuple[Change, Item | None]] = [
            (change, item) for item in items if (change := item.change(self.finder)) is not None
        ]
        own = Change(
            "create",
            "DocumentReference",
            self._heard.document,
            document.body,
            name=evidence.DOCUMENT,
            ready=document,
        )
        return [*made, (own, None), (Change("create", "Provenance", body=provenance.body, ready=provenance), None)]


def _bare(said: Resource) -> Draft:
    """What it takes to find it."""
    data = {"birthDate": said.born} if said.born else {}
    return Draft(said.name, said.type, data, said.numbers, said.key, [], set(), said.holder)
