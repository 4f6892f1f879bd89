"""The town in parts of some thousand people: how many resources a part is, and the resources themselves, in order."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from functools import cache
from random import Random

from onmaru.simulate.codes import HEIGHT, WEIGHT, Analyte
from onmaru.simulate.people import Wanted, person
from onmaru.simulate.town import forms
from onmaru.simulate.town.lives import EMERGENCY, INPATIENT, Life, Visit, life

PART = 8_000
START = datetime.date(2016, 1, 4)
SPREAD = 1400
"""Days after START within which somebody is seen first."""
SIZES = {HEIGHT: (165.0, 8.0), WEIGHT: (64.0, 10.0)}
MEDICAL_AID = 0.03
Made = tuple[str, str, bytes]
"""Type, id, compact JSON with the id in it."""


class Town:
    """`patients` people of one seed; `part`: how many of them one part has."""

    def __init__(self, seed: int, patients: int, part: int = PART) -> None:
        self.seed = seed
        self.patients = patients
        self.part = part

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return -(-self.patients // self.part)

    def people(self, part: int) -> range:
        """The numbers of a part's people, from 1."""
        return range(part * self.part + 1, min((part + 1) * self.part, self.patients) + 1)

    def size(self, part: int) -> int:
        """How many resources a part is; none of them is made."""
        first = len(forms.organizations()) if part == 0 else 0
        return first + sum(life(self.seed, n).resources for n in self.people(part))

    def resources(self, part: int) -> Iterator[Made]:
        """The resources of a part: the departments before anybody, then each person's whole."""
        if part == 0:
            yield from forms.organizations()
        for n in self.people(part):
            yield from _Told(self.seed, n).resources()


class _Told:
    """One person's resources. Ids count within the person, so that nobody else changes them."""

    def __init__(self, seed: int, n: int) -> None:
        self.id = f"sim-{n:08d}"
        self.life: Life = life(seed, n)
        self._seed = seed
        self._n = n
        self._rng = Random(f"{seed}/town/{n}")
        self._count = 0

    def _next(self) -> str:
        self._count += 1
        return f"{self.id}-{self._count:03d}"

    def resources(self) -> Iterator[Made]:
        rng, of = self._rng, self.life
        day = START + datetime.timedelta(rng.randrange(SPREAD))
        days = [day]
        for visit in of.visits[1:]:
            days.append(days[-1] + datetime.timedelta(visit.after + (rng.randrange(-6, 7) if visit.after > 12 else 0)))
        dead = rng.randrange(100) < of.fatal
        end = days[-1] + datetime.timedelta(of.visits[-1].rounds)
        kind = "MA" if rng.random() < MEDICAL_AID else "NHI"
        who = person(self._seed, self._n, Wanted(*of.born, of.sex))
        yield "Patient", self.id, forms.patient(who, self.id, f"{end}T04:30:00+09:00" if dead else "")
        covered = self._next()
        text = forms.coverage(covered, self.id, kind, str(START), str(max(end, datetime.date(2025, 12, 31))))
        yield "Coverage", covered, text.encode()
        for visit, first in zip(of.visits, days, strict=True):
            yield from self._visit(visit, first)

    def _visit(self, visit: Visit, day: datetime.date) -> Iterator[Made]:
        rng, id, me = self._rng, self._next(), self.id
        # Who is admitted from the emergency room was there in the morning
        hours = (8, 12) if visit.kind == EMERGENCY else (14, 18) if visit.after == 0 else (8, 17)
        hour, minute = rng.randrange(*hours), rng.randrange(60)
        begun = f"{day}T{hour:02d}:{minute:02d}:00+09:00"
        last = day + datetime.timedelta(visit.rounds) if visit.kind == INPATIENT else day
        ended = f"{last}T{hour + 2:02d}:{minute:02d}:00+09:00"
        head, middle = forms.encounter(visit.kind, visit.department)
        yield (
            "Encounter",
            id,
            f'{{"resourceType":"Encounter","id":"{id}{head}{me}{middle}{begun}","end":"{ended}"}}}}'.encode(),
        )
        of = f'{me}"}},"encounter":{{"reference":"Encounter/{id}"}}'
        for found in visit.found:
            one = self._next()
            text = f'{{"resourceType":"Condition","id":"{one}{forms.condition(found)}{of},"recordedDate":"{begun}"}}'
            yield "Condition", one, text.encode()
        for round in range(visit.rounds):
            at = f"{day + datetime.timedelta(round)}T{hour:02d}:{(minute + 20) % 60:02d}:00+09:00" if round else begun
            for panel in visit.panels:
                for analyte in panel.analytes:
                    yield self._measured(analyte, of, at)
        for drug in visit.drugs:
            one, (head, rest) = self._next(), forms.medication(drug)
            text = f'{{"resourceType":"MedicationRequest","id":"{one}{head}{of},"authoredOn":"{begun}"{rest}'
            yield "MedicationRequest", one, text.encode()
        if visit.procedure is not None:
            one = self._next()
            head = forms.procedure(visit.procedure)
            text = f'{{"resourceType":"Procedure","id":"{one}{head}{of},"performedDateTime":"{begun}"}}'
            yield "Procedure", one, text.encode()

    def _measured(self, analyte: Analyte, of: str, at: str) -> Made:
        id = self._next()
        mean, spread = self.life.usual.get(analyte) or _usual(analyte)
        value = round(max(self._rng.gauss(mean, spread), mean * 0.2), analyte.digits)
        low, high = analyte.low, analyte.high
        flag = "L" if low is not None and value < low else "H" if high is not None and value > high else "N"
        head, ends = forms.observation(analyte)
        number = f"{value:.{analyte.digits}f}"
        return (
            "Observation",
            id,
            f'{{"resourceType":"Observation","id":"{id}{head}{of},"effectiveDateTime":"{at}",'
            f'"valueQuantity":{{"value":{number}{ends[flag]}'.encode(),
        )


@cache
def _usual(analyte: Analyte) -> tuple[float, float]:
    """Mean and spread in healthy people: within the limits nearly always."""
    low, high = analyte.low, analyte.high
    if analyte in SIZES:
        return SIZES[analyte]
    if low is not None and high is not None:
        return (low + high) / 2, (high - low) / 5
    if high is not None:
        return high * 0.7, high * 0.15
    return (low or 1.0) * 1.35, (low or 1.0) * 0.2
