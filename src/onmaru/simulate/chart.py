"""One patient's way through the hospital, as the registration system (HIS) reports it: ADT and the visit's PV1."""

from __future__ import annotations

import datetime
from random import Random

import msgspec

from onmaru.simulate import segments as s
from onmaru.simulate.body import Body, body, measured
from onmaru.simulate.codes import VITALS, Diagnosis
from onmaru.simulate.people import Person
from onmaru.simulate.places import Bed, clinic
from onmaru.simulate.staff import Member
from onmaru.simulate.systems import VISIT
from onmaru.simulate.truth import Identity, Stay, count
from onmaru.simulate.world import Steps, World

STRUCTURES = {"A04": "A01", "A08": "A01", "A11": "A09", "A13": "A01"}
"""HL7 2.5.1 table 0354: the structure of an event where it is not its own."""
WITH_DIAGNOSES = frozenset({"A01", "A04", "A08", "A03", "A11", "A13"})
WITH_ALLERGIES = frozenset({"A01", "A04", "A08", "A13"})
HOME, DIED, ADMITTED = "01", "20", "09"
"""HL7 table 0112."""
TYPES = {"I": "R", "E": "E", "O": "C"}
"""Admission type (table 0007) by class (table 0004)."""


class Visit(msgspec.Struct):
    """One visit: `kind` I, E or O of table 0004. `ended` None while it lasts."""

    number: str
    kind: str
    department: str
    bed: Bed
    attending: Member
    started: datetime.datetime
    ended: datetime.datetime | None = None
    disposition: str = ""
    diagnoses: list[str] = []


class Chart:
    """A patient with at most one visit at a time. All methods act at the world's present time."""

    def __init__(self, world: World, person: Person) -> None:
        self.world = world
        self.person = person
        self.mrn = person.second_mrn or person.mrn
        self.rng: Random = world.rng(f"chart/{person.n}")
        self.body: Body = body(self.rng, person.sex)
        self.died: datetime.datetime | None = None
        self.visit: Visit | None = None
        self._known: set[str] = set()
        self._pid: tuple[tuple[str, datetime.datetime | None], str] = (("", None), "")

    @property
    def here(self) -> Visit:
        """The visit that lasts."""
        if self.visit is None:
            raise LookupError("no visit lasts")
        return self.visit

    def pid(self) -> str:
        now = (self.mrn, self.died)
        if self._pid[0] != now:
            self._pid = (now, s.pid(self.person, *now))
        return self._pid[1]

    def pv1(self, visit: Visit, prior: Bed | None = None) -> str:
        """PV1 of a visit; `prior` is the bed that was left."""
        facility = self.world.settings.facility
        values = {
            1: "1",
            2: visit.kind,
            3: s.bed(visit.bed, facility),
            4: TYPES[visit.kind],
            6: s.bed(prior, facility) if prior else "",
            7: s.member(visit.attending),
            10: visit.department,
            19: f"{visit.number}^^^&{VISIT}&ISO^VN",
            36: visit.disposition,
            44: s.stamp(visit.started),
            45: s.stamp(visit.ended) if visit.ended else "",
        }
        return s.fields("PV1", values)

    def start(self, kind: str, department: str, bed: Bed | None = None) -> None:
        """Begin a visit: A01 for an inpatient, A04 otherwise. Without a bed it is in the department's clinic."""
        self._known_here()
        attending = self.world.roster.physician(department, self.rng)
        place = bed or clinic(department)
        self.visit = Visit(self.world.number("V"), kind, department, place, attending, self.world.now)
        self.world.truth.stays[self.visit.number] = Stay(self.mrn, kind, "in-progress", _place(place))
        self.adt("A01" if kind == "I" else "A04")
        if bed is not None:
            self.world.spawn(self._watched(self.visit))

    def move(self, bed: Bed, department: str) -> None:
        """Transfer (A02) to a bed that was taken for this patient; the old one is free again."""
        visit, prior = self.here, self.here.bed
        visit.bed, visit.department = bed, department
        visit.attending = self.world.roster.physician(department, self.rng)
        self.world.board.leave(prior)
        self.world.truth.stays[visit.number].place = _place(bed)
        self.adt("A02", prior)

    def correct_bed(self, bed: Bed) -> None:
        """The bed was entered wrongly: A08 with the right one."""
        visit = self.here
        self.world.board.leave(visit.bed)
        visit.bed = bed
        self.world.truth.stays[visit.number].place = _place(bed)
        self.adt("A08")

    def cancel(self) -> None:
        """The admission was a mistake (A11)."""
        visit = self.here
        self.world.truth.stays[visit.number].status = "cancelled"
        self.adt("A11")
        self.world.board.leave(visit.bed)
        self.visit = None

    def end(self, disposition: str = HOME) -> None:
        """Discharge (A03); the bed is free. After a death PID-29 and 30 say so."""
        visit = self.here
        visit.ended, visit.disposition = self.world.now, disposition
        if disposition == DIED:
            self.died = self.world.now
            self.world.truth.deceased.add(self.mrn)
        self.world.truth.stays[visit.number].status = "finished"
        self.adt("A03")
        self.world.board.leave(visit.bed)
        self.visit = None

    def undo_end(self, visit: Visit) -> bool:
        """The discharge was a mistake (A13). False when a bed of the ward is no longer free: then it stands."""
        bed = self.world.board.take(visit.bed.ward)
        if bed is None:
            return False
        visit.bed, visit.ended, visit.disposition, self.visit = bed, None, "", visit
        self.world.truth.stays[visit.number].status = "in-progress"
        self.world.truth.stays[visit.number].place = _place(bed)
        self.adt("A13")
        self.world.spawn(self._watched(visit))
        return True

    def diagnose(self, *found: Diagnosis) -> None:
        """Enter diagnoses on the visit (A08 with one DG1 each)."""
        visit = self.here
        for one in found:
            id = self.world.number("DX")
            kcd = self.world.settings.kcd
            n = len(visit.diagnoses) + 1
            visit.diagnoses.append(s.diagnosis(n, one, id, visit.attending, self.world.now, kcd))
            count(self.world.truth.conditions, self.mrn)
        self.adt("A08")

    def merge(self) -> None:
        """The second registration is given up for the first number (A40: PID-3 stays, MRG-1 goes)."""
        given_up, self.mrn = self.mrn, self.person.mrn
        self._known_here()
        truth = self.world.truth
        truth.merged[given_up] = self.mrn
        if self.visit is not None:
            truth.stays[self.visit.number].mrn = self.mrn
        if given_up in truth.deceased:
            truth.deceased.add(self.mrn)
        merged = f"MRG|{s.mrn(given_up)}"
        self.world.send("HIS", "ADT^A40^ADT_A39", [self._evn("A40"), self.pid(), merged], orderly=True)

    def adt(self, event: str, prior: Bed | None = None) -> None:
        """Send one ADT message about the visit that lasts."""
        visit = self.here
        lines = [self._evn(event), self.pid(), self.pv1(visit, prior)]
        if event in WITH_ALLERGIES:
            lines += [s.allergy(n, one) for n, one in enumerate(self.person.allergies, 1)]
        if event in WITH_DIAGNOSES:
            lines += visit.diagnoses
        self.world.send("HIS", f"ADT^{event}^ADT_{STRUCTURES.get(event, event)}", lines, orderly=True)

    def vital_signs(self, visit: Visit) -> None:
        """One set of vital signs from the ward's system: ORU^R01, one OBX each."""
        world, now = self.world, self.world.now
        numbers = (world.number("VP"), world.number("VF"))
        nurse = world.roster.nurse(visit.bed.ward, now)
        lines = [self.pid(), self.pv1(visit)]
        lines.append(s.obr(s.panel(VITALS), numbers, now, nurse, {22: s.stamp(now), 25: "F"}))
        values = measured(self.body, self.rng)
        lines += [s.obx(n, what, value, "F", now) for n, (what, value) in enumerate(values, 1)]
        count(world.truth.observations, self.mrn, len(values))
        world.send("CIS", "ORU^R01^ORU_R01", lines)

    def _watched(self, visit: Visit) -> Steps:
        yield self.rng.uniform(3, 12)
        while visit.ended is None and visit is self.visit:
            self.vital_signs(visit)
            yield self.world.board.wards[visit.bed.ward].vitals_minutes

    def _evn(self, event: str) -> str:
        now = s.stamp(self.world.now)
        clerk = self.world.roster.nurse("ER", self.world.now)
        return f"EVN|{event}|{now}|||{s.member(clerk)}|{now}"

    def _known_here(self) -> None:
        if self.mrn in self._known:
            return
        self._known.add(self.mrn)
        who, truth = self.person, self.world.truth
        latin = f"{who.given_latin} {who.family_latin}"
        truth.patients[self.mrn] = Identity(who.name, latin, who.born.isoformat(), who.sex)
        if who.allergies:
            truth.allergies[self.mrn] = len(who.allergies)


def _place(bed: Bed) -> str:
    return "/".join(part for part in (bed.ward, bed.room, bed.number) if part)
