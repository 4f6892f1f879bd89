"""A message to its FHIR resources by the mapping tables; every populated field ends up mapped, carried or listed as lost."""

from __future__ import annotations

from typing import Any

import msgspec

from onmaru.adapters.hl7v2 import context, doubts, hooks, links, moments, orders, remarks, required
from onmaru.adapters.hl7v2 import segment as segments
from onmaru.adapters.hl7v2.context import Contexts, Known, Learning, Remembered, Stale
from onmaru.adapters.hl7v2.demands import demand
from onmaru.adapters.hl7v2.er7 import Message, Segment
from onmaru.adapters.hl7v2.node import Node
from onmaru.adapters.hl7v2.refused import REQUIRED, Refused
from onmaru.adapters.hl7v2.remarks import NOTED
from onmaru.adapters.hl7v2.tables import structure, tables, type_of
from onmaru.adapters.hl7v2.values import Sender
from onmaru.adapters.hl7v2.walk import Position, Walk, structure_of

# Fields that steer the message itself; they live on in the message's DocumentReference and Provenance.
_PROTOCOL = {
    "MSH": {1, 2, 7, 9, 10, 12, 13, 14, 15, 16, 18, 20, 21},
    "EVN": {1, 2},
    "OBX": {2},
    "RGS": {2},
    "MRG": {1, 2, 3, 4, 5, 6, 7},
}


# Message types that ask or answer, and bring no data
NO_DATA = frozenset({"ACK", "QRY", "QBP", "RSP", "QCN", "QSB", "QVR"})
# Segments that stand before the PID of the patient they are about (chapters 10.3.1 and 11.3)
_AHEAD = frozenset({"SCH", "RF1"})


class Field(msgspec.Struct, frozen=True):
    """A populated field that no table placed: segment name, its sequence, the field's number."""

    segment: str
    sequence: int
    field: int

    def __str__(self) -> str:
        return f"{self.segment}[{self.sequence}]-{self.field}"

    @property
    def location(self) -> str:
        """ERR-2 form."""
        return f"{self.segment}^{self.sequence}^{self.field}"


class Mapped(msgspec.Struct):
    """What a message became. `carried` fields are extensions of a resource; `lost` ones are only in the raw message;
    `doubtful` ones hold times that are none: kept as they came, in an extension."""

    structure: str
    sender: Sender
    nodes: list[Node]
    provenance: Node
    populated: int
    carried: list[Field]
    lost: list[Field]
    doubtful: list[Field]
    learning: Learning | None


class _Mapper:
    def __init__(self, message: Message, zone: str, contexts: Contexts | None) -> None:
        self.message = message
        self.contexts = contexts
        facility = message.msh.c(4) or message.msh.c(3) or "unnamed"
        stamp = moments.instant(message.msh.c(7), zone)
        self.sender = Sender(stamp[-6:] if stamp and not stamp.endswith("Z") and stamp[-6] in "+-" else zone, facility)
        self.structure = structure(message.msh.c(9, 3), message.type, message.event)
        self.walk = Walk(structure_of(self.structure))
        self.nodes: list[Node] = []
        self.provenance = Node("Provenance")
        self.patient: Node | None = None
        self.encounter: Node | None = None
        self.header: Node | None = None
        self.populated = 0
        self.carried: list[Field] = []
        self.lost: list[Field] = []
        self.doubtful: list[Field] = []
        self.ahead: list[Node] = []
        self.head = context.span(message) if contexts is not None else range(0)
        self.learning: Learning | None = None
        self.known: list[Known] = []

    def run(self) -> Mapped:
        remembered = self._remembered()
        for at, segment in enumerate(self.message.segments):
            position = self.walk.place(segment)
            if remembered is not None and at in self.head:
                self._recall(remembered, at - self.head.start, segment)
                continue
            before = self.populated, len(self.carried), len(self.lost), len(self.doubtful)
            touched, done = self._targets(at, segment, position)
            self._account(segment, touched, done)
            if self.learning is not None and at in self.head:
                self._note(*before)
        required.finish([node for node in self.nodes if type(node) is Node], self.message)
        return Mapped(
            self.structure,
            self.sender,
            self.nodes,
            self.provenance,
            self.populated,
            self.carried,
            self.lost,
            self.doubtful,
            self.learning,
        )

    def _remembered(self) -> Remembered | None:
        """What the head's words meant before; without it, notes are taken for the next message that repeats them."""
        if self.contexts is None or not self.head:
            return None
        key = context.key(self.message, self.structure, self.sender, self.head)
        if self.contexts.unfit(key):
            return None
        found = self.contexts.get(key)
        if found is None:
            self.learning = Learning(key, self.head)
        return found

    def _recall(self, remembered: Remembered, offset: int, segment: Segment) -> None:
        """A segment of the head says what it said before."""
        if not offset:
            self.known = context.recall(remembered)
            self.nodes += self.known
            self.patient = self.known[remembered.patient]
            self._book(self.patient)
            self.populated += remembered.populated
            self.carried += remembered.carried
            self.lost += remembered.lost
            self.doubtful += remembered.doubtful
        for label, node in context.relabel(remembered, self.known, offset, segment):
            self.walk.holder(label).labels[label] = node
        if offset == len(self.head) - 1 and remembered.encounter is not None:
            self.encounter = self.known[remembered.encounter]

    def _note(self, populated: int, carried: int, lost: int, doubtful: int) -> None:
        """How the fields of a segment of the head were counted."""
        assert self.learning is not None
        counts = self.learning.counts
        self.learning.counts = (
            counts[0] + self.populated - populated,
            counts[1] + self.carried[carried:],
            counts[2] + self.lost[lost:],
            counts[3] + self.doubtful[doubtful:],
        )

    def _targets(self, at: int, segment: Segment, position: Position | None) -> tuple[list[Node], set[int]]:
        touched: list[Node] = []
        done: set[int] = set()
        for label, table, references in self._of_order(at, segment, self._chosen_targets(segment, position)):
            node, table = self._target(at, segment, position, label, table)
            if node is None or (segment.name == "NTE" and "ServiceRequest" in table and node.type not in NOTED):
                continue
            if type(node) is Known:
                raise Stale
            touched.append(node)
            done |= segments.write(node, table, segment, self.walk.find, self.sender)
            for reference in references:
                links.by_table(self.walk, reference)
        touched = [node for node in touched if node is not self.provenance]
        if not touched:
            done |= self._untabled(segment, touched)
        for node in touched:
            done |= hooks.hook(node, segment, self.sender)
        if touched:
            done |= links.on_segment(self.walk, segment, touched[0])
        return touched, done

    def _chosen_targets(self, segment: Segment, position: Position | None) -> list[list[Any]]:
        """The message table's targets whose conditions hold; without any, the segment table's own resource."""
        found = [
            [label, table, references]
            for when, label, table, references in (position.targets if position else ())
            if when is None or when(segment, None, self.walk.find)
        ]
        if segment.name == "PID" and not any(t[1] == "PID[Account]" for t in found):
            found.append(["Account[own]", "PID[Account]", []])
        if found or (segment.name == "OBX" and self.message.type == "MDM"):
            return found
        default = tables().defaults.get(segment.name)
        return [[*default, []]] if default else []

    def _of_order(self, at: int, segment: Segment, targets: list[list[Any]]) -> list[list[Any]]:
        """What the order of an ORC, OBR or NTE is about; "$order" is named first, since it may be a drug or a result."""
        if segment.name not in ("ORC", "OBR", "NTE"):
            return targets
        named = [
            [self._chosen(at, label) if label.startswith("$") else label, table, references]
            for label, table, references in targets
        ]
        return orders.meant(named, segment, orders.ahead(self.message.segments, at), self.walk)

    def _untabled(self, segment: Segment, touched: list[Node]) -> set[int]:
        """Segments that code places: document text, timing, software; others go to the nearest resource."""
        document = self.walk.known("DocumentReference") if segment.name == "OBX" else None
        if document is not None and self.message.type == "MDM":
            done = hooks.content(document, segment, self.sender)
            touched.append(document)
            return done
        near = self._remarked(segment) if segment.name == "NTE" else None
        near = near or links.nearest(self.walk, segment, self.patient, self.encounter, self.header)
        if segment.name == "TQ1" and (near is None or near.type not in orders.TIMED):
            near = next((node for node in reversed(self.nodes) if node.type in orders.TIMED), near)
        if near is None:
            return set()
        touched.append(near)
        return remarks.remark(near, segment) if segment.name == "NTE" else set()

    def _remarked(self, segment: Segment) -> Node | None:
        """The result that a comment stands behind."""
        before = next((s.name for s in reversed(self.message.segments[: segment.line - 1]) if s.name != "NTE"), "")
        known: Node | None = self.walk.known("Observation") if before == "OBX" else None
        return known

    def _target(
        self, at: int, segment: Segment, position: Position | None, label: str, table: str
    ) -> tuple[Node | None, str]:
        if label.startswith("Provenance"):
            self._noted(at, label, self.provenance)
            return self.provenance, table
        if label.startswith("$"):
            label = self._chosen(at, label)
        kind = label.split("[")[0]
        if "[$]" in table:
            table = f"{table[:4]}{'ServiceRequest' if table.startswith('NTE') else kind}]"
        if kind not in required.KINDS:
            return None, table
        holder = self.walk.holder(label)
        node = holder.labels.get(label)
        if node is None or _another(node, segment, position):
            if not _makes(segment, kind):
                return None, table
            node = self._made(kind, position.index if position else -2, segment)
            holder.labels[label] = node
            self._noted(at, label, node)
        return node, table

    def _noted(self, at: int, label: str, node: Node) -> None:
        if self.learning is not None:
            self.learning.label(at, label, node)

    def _made(self, kind: str, index: int, segment: Segment) -> Node:
        node = Node(kind, index)
        node.key_line = segment.line
        if kind == "Patient":
            _identified(segment)
            self.patient, self.encounter = node, None
            self._book(node)
        else:
            node.patient, node.encounter = self.patient, self.encounter
        if segment.name in _AHEAD:
            self.ahead.append(node)
        if kind == "Encounter":
            self.encounter = node
        if kind == "MessageHeader":
            self.header = node
        self.nodes.append(node)
        links.on_made(self.walk, node)
        return node

    def _book(self, patient: Node) -> None:
        """What stands before the PID meets its patient late."""
        for node in self.ahead:
            if node.patient is None:
                node.patient = patient

    def _chosen(self, at: int, label: str) -> str:
        """What an ORC or OBR orders in a message without table shows in the segments up to the next ORC."""
        if label == "$drug":
            for kind in ("MedicationDispense", "MedicationAdministration", "MedicationRequest"):
                node = self.walk.known(kind)
                if node is not None:
                    return next(k for k, v in self._labels() if v is node)
            return "MedicationRequest[order]"
        ahead = [segment.name for segment in orders.ahead(self.message.segments, at)]
        for name, chosen in (
            ("RXO", "MedicationRequest[order]"),
            ("RXE", "MedicationRequest[coded]"),
            ("RXD", "MedicationDispense"),
            ("RXG", "MedicationRequest[give]"),
            ("RXA", "MedicationAdministration"),
        ):
            if name in ahead or self.walk.find(name) in self.walk.instance.segments:
                return chosen
        results = "OBX" in ahead and any(s.name == "OBR" and s.field(25) for s in self.message.segments[at : at + 6])
        return "DiagnosticReport" if results or self.message.type in ("OUL", "ORU") else "ServiceRequest"

    def _labels(self) -> list[tuple[str, Node]]:
        found: list[tuple[str, Node]] = []
        instance = self.walk.instance
        while instance is not None:
            found += instance.labels.items()
            instance = instance.above  # type: ignore[assignment]  # None at the top
        return found

    def _repeated(self, segment: Segment, number: int) -> bool:
        """Whether OBR only says again what the order's ORC said."""
        same = _TWICE.get(number) if segment.name == "OBR" else None
        order = self.walk.find("ORC") if same else None
        return order is not None and order.field(same or 0) == segment.field(number)

    def _account(self, segment: Segment, touched: list[Node], done: set[int]) -> None:
        left = []
        wrong = doubts.times(segment, self.sender.zone)
        self.doubtful += [Field(segment.name, segment.sequence, number) for number in wrong]
        done = done.difference(wrong)
        for number in segment.populated():
            if number in _PROTOCOL.get(segment.name, ()) or _set_id(segment, number):
                continue
            self.populated += 1
            if number not in done and not segment.null(number) and not self._repeated(segment, number):
                left.append(number)
        if not left:
            return
        target = touched[0] if touched and not segment.name.startswith("Z") else None
        if target is not None:
            segments.carry(target, segment, left, self.sender)
        where = self.carried if target is not None else self.lost
        where += [Field(segment.name, segment.sequence, number) for number in left]


# Fields of OBR that ORC has too (2.9 chapter 4.5.3): the tables take ORC's
_TWICE = {2: 2, 3: 3, 16: 12}


def _another(node: Node, segment: Segment, position: Position | None) -> bool:
    """Whether a segment of the kind that made `node` comes again: it makes another one."""
    own = segment.name in tables().defaults and segment.name not in ("PD1", "PV2")
    return segment.line != node.key_line and (node.made_at == position.index if position else own)


def _identified(segment: Segment) -> None:
    """A PID without any identifier must never make a patient."""
    if segment.name == "PID" and not any(rep.c(1) for field in (2, 3, 4) for rep in segment.repetitions(field)):
        raise Refused("AE", REQUIRED, "PID has no patient identifier", segment.location(3))


def _makes(segment: Segment, kind: str) -> bool:
    """Whether a segment has enough to make a resource of its own: an empty PV1 is no visit, a PID without 18 no account."""
    if kind == "Patient":
        return segment.name == "PID"
    if kind == "Account":
        return bool(segment.field(18)) and segment.name == "PID"
    if kind == "Encounter":
        return segment.name == "PV1" and bool(segment.populated())
    if kind == "Observation":
        return segment.name == "PD1" or (segment.name == "OBX" and bool(segment.field(3) or segment.field(5)))
    if kind == "CareTeam":
        return segment.name in ("ROL", "PRT")
    if kind == "Specimen" and segment.name == "OBR":
        return any(segment.field(number) for number in (9, 10, 14, 15))
    return True


def _set_id(segment: Segment, number: int) -> bool:
    if number != 1:
        return False
    kind = type_of(segment.name, 1)
    return kind == "SI" or (not kind and segment.field(1).strip().isdigit())


def resources(message: Message, zone: str = "+09:00", contexts: Contexts | None = None) -> Mapped:
    """Map a message. `zone` fills in for times whose sender gives none; `contexts` remembers heads of earlier messages.

    Raises Refused (AE) for a PID without identifier (101), for a segment without which the message says nothing and for
    results or orders of nobody (100); Stale where `contexts` do not hold. Messages of types without data (ACK, queries)
    give no nodes.
    """
    assert tables().messages
    demand(message)
    return _Mapper(message, zone, contexts).run()
