"""The resources of one message as one transaction: found ones are merged, new ones made, merges and moves carried out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from onmaru.adapters.hl7v2 import moments, snapshot, survivors
from onmaru.adapters.hl7v2.emit import Draft
from onmaru.adapters.hl7v2.er7 import Message
from onmaru.adapters.hl7v2.finding import DECODER, Finder, Number, condition
from onmaru.adapters.hl7v2.heard import Heard
from onmaru.adapters.hl7v2.identity import KEY
from onmaru.adapters.hl7v2.refused import UNKNOWN_KEY, Refused
from onmaru.adapters.hl7v2.snapshot import Statement
from onmaru.adapters.hl7v2.values import Sender
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change

ENCODER = msgspec.json.Encoder(decimal_format="number")
_WEAK = {"SS", "NI", "DL", "PPN"}
Json = dict[str, Any]


class Item:
    """One resource of the transaction: `version` is the stored one (None: new); `data` what it shall be, None unchanged."""

    def __init__(
        self, type: str, name: str, version: Version | None, data: Json | None, numbers: Sequence[Number]
    ) -> None:
        self.type = type
        self.name = name
        self.version = version
        self.data = data
        self.numbers = numbers
        self.statement: Statement | None = None
        self.repeated = False
        self.links: dict[str, str] = {}
        self.id = ""  # the one it gets if it is made; "" lets the record choose

    @property
    def found_by(self) -> list[Number]:
        """All numbers that the resource will be found by."""
        return numbers_of(self.data or {}, self.numbers)

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.version.id}" if self.version is not None else self.name

    @property
    def stored(self) -> Json:
        """The resource as it will stand: what is to be written, else what is stored."""
        if self.data is not None:
            return self.data
        return DECODER.decode(self.version.body or b"{}") if self.version is not None else {}

    def change(self, finder: Finder) -> Change | None:
        """The write, None when nothing changes; a creation is guarded by the strongest number against a second one."""
        if self.data is None:
            return None
        body = named(ENCODER.encode(self.data), self.links)
        if self.version is not None:
            return Change("update", self.type, self.version.id, body, if_match=self.version.version, compacted=True)
        free = finder.free(self.type, self.numbers)
        guard = condition(self.type, free) if free else None
        return Change("create", self.type, self.id, body, if_none_exist=guard, name=self.name, compacted=True)


def numbers_of(data: Json, numbers: Sequence[Number]) -> list[Number]:
    """All numbers that a resource will be found by; without any of its own, those it was looked for by."""
    given = data.get("identifier", [])
    if isinstance(given, dict) or not given:
        return list(numbers)
    master = data.get("masterIdentifier")
    return [
        (one.get("system", ""), one["value"], "") for one in [*given, *([master] if master else [])] if "value" in one
    ]


def later(a: str, b: str) -> bool:
    """Whether moment a lies after moment b."""
    return moments.micros(a) > moments.micros(b)


class Writing:
    """Plans the transaction of one message against what is stored now."""

    def __init__(self, finder: Finder, message: Message | Heard, sender: Sender, at: str) -> None:
        self.finder = finder
        self.message = message
        self.sender = sender
        self.at = at
        self.items: dict[str, Item] = {}
        self._known: dict[str, Item] = {}
        self.recent = finder.recent

    def plan(self, drafts: Sequence[Draft]) -> list[Item]:
        found: dict[str, Version | None] = {}
        self._divide(drafts)
        said = [draft for draft in drafts if draft.version is None]
        self._find([draft for draft in said if not draft.holder], found)
        self._find([draft for draft in said if draft.holder], found)
        links = {name: f"{v.type}/{v.id}" for name, v in found.items() if v is not None}
        found.update((draft.name, draft.version) for draft in drafts if draft.version is not None)
        for draft in drafts:
            self._item(draft, found[draft.name], links)
        self._survive()
        return list(self.items.values())

    def _divide(self, drafts: Sequence[Draft]) -> None:
        """A43: the number that moves belongs to two patients; only his other numbers tell who gets it."""
        if isinstance(self.message, Heard):
            return
        if self.message.type != "ADT" or self.message.event not in survivors.NUMBER_MOVES:
            return
        moving = {one[:2] for prior in survivors.priors(self.message, self.sender) for one in prior.moving}
        for draft in drafts:
            if draft.type == "Patient":
                draft.numbers = [one for one in draft.numbers if one[:2] not in moving]
                if not draft.numbers:
                    reason = "no other number tells which patient the moved number goes to"
                    raise Refused("AE", UNKNOWN_KEY, reason, "PID^1^3")

    def _find(self, drafts: Sequence[Draft], found: dict[str, Version | None]) -> None:
        by_type: dict[str, list[Draft]] = {}
        for draft in drafts:
            by_type.setdefault(draft.type, []).append(draft)
        for type, group in by_type.items():
            wanted = [self._wanted(draft, found) for draft in group]
            for draft, versions in zip(group, self.finder.all(type, wanted), strict=True):
                found[draft.name] = self._chosen(draft, versions)

    @staticmethod
    def _wanted(draft: Draft, found: dict[str, Version | None]) -> Sequence[Number]:
        if draft.holder and found.get(draft.holder) is None:
            return []
        return draft.numbers or ([(KEY, draft.key, "")] if draft.key else [])

    def _item(self, draft: Draft, version: Version | None, links: dict[str, str]) -> None:
        item = Item(draft.type, draft.name, version, None, draft.numbers)
        item.links = links
        if draft.version is not None:
            self._known.setdefault(draft.version.name, item)
        elif version is None:
            item.statement = Statement(draft.data, draft.emptied, draft.filled, self.at, self.message.event)
            item.data = snapshot.first(item.statement)
        elif self._changed(draft, item, version, links):
            return
        self.items[draft.name] = item

    def _changed(self, draft: Draft, item: Item, version: Version, links: dict[str, str]) -> bool:
        """Merge what the draft says into the stored version; True when another item of the message holds it already."""
        known = self._known.setdefault(version.name, item)
        data = {**draft.data, "active": True} if self._registers(version) else draft.data
        said = named(ENCODER.encode((data, draft.emptied, sorted(draft.filled), self.message.event)), links)
        if known is item and self.recent.repeats(version, said):
            item.repeated = True
            return False
        statement = Statement(relinked(data, links), draft.emptied, draft.filled, self.at, self.message.event)
        item.statement = statement
        item.data = snapshot.merged(known.data or self.recent.read(version), statement, later)
        if known is not item:
            known.data = item.data or known.data
            self.items[draft.name] = known
            return True
        if item.data is None and not statement.firm and not statement.outdated:
            self.recent.repeated(version, said)
            item.repeated = True
        return False

    def _registers(self, version: Version) -> bool:
        """Whether this message puts a patient on the register again whom an A29 took off."""
        if version.type != "Patient" or self.message.type != "ADT" or self.message.event not in survivors.REGISTERS:
            return False
        return survivors.off_the_register(self.recent.read(version))

    def _chosen(self, draft: Draft, versions: Sequence[Version]) -> Version | None:
        """Of several versions the survivor. A patient's weak number counts only with the same date of birth, and not against
        the hospital: whom it gave two numbers it says to be two, until it merges them itself."""
        candidates: dict[str, Version] = {}
        for version in versions:
            kept = self._survivor(version) if version.type == "Patient" else version
            candidates.setdefault(kept.id, kept)
        if draft.type == "Patient":
            return self._patient(draft, list(candidates.values()))
        return next(iter(candidates.values()), None)

    def _patient(self, draft: Draft, candidates: Sequence[Version]) -> Version | None:
        for number in draft.numbers:
            holding = [v for v in candidates if self._holds(v, number)]
            if number[2] in _WEAK:
                born = draft.data.get("birthDate")
                holding = [v for v in holding if born and self.recent.read(v).get("birthDate") == born]
                holding = [v for v in holding if not _numbered_otherwise(self.recent.read(v), draft.numbers)]
            if len(holding) > 1:
                raise Refused("AE", UNKNOWN_KEY, "the identifier belongs to more than one patient", "PID^1^3")
            if holding:
                return holding[0]
        replaced = [v for v in candidates if not any(self._holds(v, n) for n in draft.numbers)]
        return replaced[0] if len(replaced) == 1 else None

    def _holds(self, version: Version, number: Number) -> bool:
        return _has(self.recent.read(version), number)

    def _survivor(self, version: Version) -> Version:
        """Follow replaced-by links, at most ten."""
        for _ in range(10):
            links = self.recent.read(version).get("link", [])
            to = next((one["other"].get("reference", "") for one in links if one.get("type") == "replaced-by"), "")
            if not to.startswith("Patient/"):
                return version
            version = self.finder.recent_or_read("Patient", to.split("/")[1])
        return version

    def _survive(self) -> None:
        event = self.message.event
        if isinstance(self.message, Heard) or self.message.type not in ("ADT", "BAR"):
            return
        if event in survivors.LINKS:
            self._link_patients(event == "A24")
        for prior in survivors.priors(self.message, self.sender):
            for events, act in self._acts():
                if event in events:
                    act(prior)

    def _acts(self) -> tuple[tuple[set[str], Callable[[survivors.Prior], None]], ...]:
        return (
            (survivors.PATIENT_MERGES, self._merge_patient),
            (survivors.PATIENT_NUMBERS, self._number_patient),
            (survivors.NUMBER_MOVES, self._move_number),
            (survivors.ACCOUNT_MERGES, self._merge_account),
            (survivors.ACCOUNT_NUMBERS, lambda p: self._renumber("Account", p.accounts, p.now_account)),
            (
                survivors.VISIT_MERGES | survivors.VISIT_NUMBERS,
                lambda p: self._renumber("Encounter", p.visits, p.now_visit),
            ),
            (survivors.VISIT_MOVES, lambda p: self._move("Encounter", p.visits or p.now_visit, p)),
            (survivors.ACCOUNT_MOVES, lambda p: self._move("Account", p.accounts or p.now_account, p)),
        )

    def _by_numbers(self, type: str, numbers: Sequence[Number]) -> Item | None:
        """The item of this transaction with one of the numbers, else the stored resource as an item of its own."""
        for item in self.items.values():
            if item.type == type and any(_has(item.stored, number) for number in numbers):
                return item
        for version in self.finder.all(type, [numbers])[0] if numbers else ():
            known = next((i for i in self.items.values() if i.reference == f"{type}/{version.id}"), None)
            item = known or Item(type, f"{type}/{version.id}", version, None, numbers)
            self.items[item.name] = item
            return item
        return None

    def _merge_patient(self, prior: survivors.Prior) -> None:
        survivor = self._by_numbers("Patient", prior.now_patient)
        if survivor is None or not prior.patients:
            return
        old = self._by_numbers("Patient", prior.patients)
        if old is survivor:
            return
        if old is None:
            name = f"urn:uuid:00000000-0000-4000-8001-{len(self.items):012x}"
            old = Item("Patient", name, None, survivors.stub(prior.patients), prior.patients)
            self.items[name] = old
        old.data = survivors.replaced(old.stored, survivor.reference)
        survivor.data = survivors.replacing(survivor.stored, old.reference)

    def _move_number(self, prior: survivors.Prior) -> None:
        """A43: the number leaves one patient for the other. What was filed under it stays where it is, so both are linked
        for a person to see; a patient without any number left is the other one from now on."""
        staying = [one for one in prior.now_patient if one[:2] not in {moved[:2] for moved in prior.moving}]
        target = self._by_numbers("Patient", staying)
        sources = [
            one for one in self.finder.all("Patient", [prior.patients])[0] if target and one is not target.version
        ]
        if target is None or not sources:
            return
        source = next((i for i in self.items.values() if i.reference == sources[0].name), None) or Item(
            "Patient", sources[0].name, sources[0], None, prior.patients
        )
        self.items[source.name] = source
        target.data = survivors.renumbered(target.stored, [], prior.moving)
        source.data = survivors.without(source.stored, prior.moving)
        if "identifier" in source.data:
            source.data = survivors.linked(source.data, target.reference, True)
            target.data = survivors.linked(target.data, source.reference, True)
        else:
            source.data = survivors.replaced(source.data, target.reference)
            target.data = survivors.replacing(target.data, source.reference)

    def _number_patient(self, prior: survivors.Prior) -> None:
        """A47: the patient known under the prior number gets the new one."""
        stored = self._by_numbers("Patient", prior.patients)
        fresh = self._by_numbers("Patient", prior.now_patient)
        if stored is None or stored is fresh:
            return
        if fresh is not None and fresh.version is None and stored.version is not None and fresh.statement is not None:
            fresh.version = stored.version
            fresh.data = snapshot.merged(stored.stored, fresh.statement, later) or stored.stored
            fresh.data = survivors.renumbered(fresh.data, prior.patients, prior.now_patient)
            self._follow(fresh)
            self.items.pop(stored.name, None)
        elif fresh is not None:
            self._merge_patient(prior)

    def _follow(self, item: Item) -> None:
        """References to a resource that turned out to be a stored one."""
        links = {item.name: item.reference}
        for other in self.items.values():
            if other.data is not None:
                other.data = relinked(other.data, links)

    def _renumber(self, type: str, prior: list[Number], now: list[Number]) -> None:
        stored, fresh = self._by_numbers(type, prior), self._by_numbers(type, now)
        if stored is None or stored is fresh or not now:
            return
        stored.data = survivors.renumbered(stored.stored, prior, now)
        if fresh is not None and fresh.version is None:
            self.items.pop(fresh.name, None)
            fresh.version = stored.version
            self._follow(fresh)

    def _merge_account(self, prior: survivors.Prior) -> None:
        old = self._by_numbers("Account", prior.accounts)
        if old is not None and old is not self._by_numbers("Account", prior.now_account):
            old.data = {**old.stored, "status": "inactive"}

    def _move(self, type: str, numbers: list[Number], prior: survivors.Prior) -> None:
        item, patient = self._by_numbers(type, numbers), self._by_numbers("Patient", prior.now_patient)
        if item is not None and patient is not None:
            item.data = survivors.moved(item.stored, "subject", patient.reference)

    def _link_patients(self, on: bool) -> None:
        patients = [item for item in self.items.values() if item.type == "Patient"]
        if len(patients) == 2:
            one, other = patients
            one.data = survivors.linked(one.stored, other.reference, on)
            other.data = survivors.linked(other.stored, one.reference, on)


def _has(resource: Json, number: Number) -> bool:
    return any((one.get("system", ""), one.get("value")) == number[:2] for one in resource.get("identifier", []))


def _numbered_otherwise(stored: Json, numbers: Sequence[Number]) -> bool:
    """Whether a stored patient has another medical record number of the same hospital than these."""
    said = {number[0]: number[1] for number in numbers if number[2] == "MR"}
    kinds = (
        (one, {c.get("code") for c in one.get("type", {}).get("coding", [])}) for one in stored.get("identifier", [])
    )
    return any(
        "MR" in kind and said.get(one.get("system", ""), one.get("value")) != one.get("value") for one, kind in kinds
    )


_PLACEHOLDER = re.compile(rb'"(urn:uuid:00000000-0000-4000-8000-[0-9a-f]{12})"')


def named(body: bytes, links: dict[str, str]) -> bytes:
    """The body of a new resource with the place-holders of found resources replaced by their names."""
    if not links:
        return body
    return _PLACEHOLDER.sub(lambda m: b'"' + links.get(m[1].decode(), m[1].decode()).encode() + b'"', body)


def relinked(value: Any, links: dict[str, str]) -> Any:
    """References to found resources name them; the others keep their place-holders, which the write resolves."""
    if isinstance(value, dict):
        return {
            k: links.get(v, v) if k == "reference" and isinstance(v, str) else relinked(v, links)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [relinked(one, links) for one in value]
    return value
