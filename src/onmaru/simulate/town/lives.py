"""Courses of life, visit by visit: how many resources each one is, is known before any is made.

Illustrative simulation parameters, no clinical rule; codes are those of onmaru.simulate.codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, repeat
from typing import Final
from zlib import crc32

import msgspec

from onmaru.simulate import codes as c
from onmaru.simulate.codes import Analyte, Diagnosis, Drug, Panel

AMBULATORY, INPATIENT, EMERGENCY = "AMB", "IMP", "EMER"
"""v3-ActCode, ActEncounterCode."""
PRESSURE = Panel("SP22", "혈압", "Blood pressure", "", "", (c.SYSTOLIC, c.DIASTOLIC))


class Procedure(msgspec.Struct, frozen=True):
    """A procedure by a code of this simulator's own."""

    code: str
    ko: str
    en: str


HIP_SURGERY = Procedure("SQ01", "고관절 반치환술", "Hemiarthroplasty of hip")
BREAST_SURGERY = Procedure("SQ02", "유방 부분절제술", "Partial mastectomy")
CORONARY = Procedure("SQ03", "경피적 관상동맥 중재술", "Percutaneous coronary intervention")
ENDOSCOPY = Procedure("SQ04", "위내시경 검사", "Upper gastrointestinal endoscopy")


class Visit(msgspec.Struct, frozen=True):
    """One visit, `after` so many days since the one before. `panels` are measured on each of `rounds` days."""

    kind: str
    department: str
    after: int
    rounds: int = 1
    found: tuple[Diagnosis, ...] = ()
    panels: tuple[Panel, ...] = ()
    drugs: tuple[Drug, ...] = ()
    procedure: Procedure | None = None

    @property
    def resources(self) -> int:
        """How many resources it is, its Encounter among them."""
        measured = self.rounds * sum(len(panel.analytes) for panel in self.panels)
        return 1 + len(self.found) + measured + len(self.drugs) + (self.procedure is not None)


class Life(msgspec.Struct, frozen=True):
    """How many of a hundred lead it (`share`), when they were born, and their visits.

    `usual`: mean and spread of what is not as in healthy people. `fatal`: how many of a hundred die with the last visit.
    """

    name: str
    share: int
    born: tuple[int, int]
    visits: tuple[Visit, ...]
    usual: Mapping[Analyte, tuple[float, float]] = {}
    sex: str = ""
    fatal: int = 0

    @property
    def resources(self) -> int:
        """How many resources it is: Patient and Coverage, then the visits."""
        return 2 + sum(visit.resources for visit in self.visits)


_CHECK_UP = Visit(
    AMBULATORY, "23", 730, found=(c.CHECK_UP,), panels=(c.BODY, PRESSURE, c.CBC, c.CHEMISTRY, c.LIPIDS)
)  # fmt: skip
_ENDOSCOPY = msgspec.structs.replace(_CHECK_UP, procedure=ENDOSCOPY)


def _followed(times: int, every: int, panels: tuple[Panel, ...], drugs: tuple[Drug, ...]) -> tuple[Visit, ...]:
    return tuple(repeat(Visit(AMBULATORY, "01", every, panels=panels, drugs=drugs), times))


def _first(found: Diagnosis, panels: tuple[Panel, ...], drugs: tuple[Drug, ...]) -> Visit:
    return Visit(AMBULATORY, "01", 40, found=(found,), panels=panels, drugs=drugs)


_DIABETES = (c.BODY, PRESSURE, c.DIABETES)
_CHEMOTHERAPY = Visit(
    AMBULATORY, "04", 21, panels=(c.CBC_DIFF, PRESSURE), drugs=(c.DOXORUBICIN, c.CYCLOPHOSPHAMIDE, c.ONDANSETRON)
)
LIVES: Final = (
    Life("well", 38, (1950, 2000), (_CHECK_UP, _CHECK_UP, _ENDOSCOPY)),
    Life(
        "hypertension",
        22,
        (1935, 1985),
        (
            _CHECK_UP,
            _first(c.HYPERTENSION, (PRESSURE, c.LIPIDS, c.CHEMISTRY), (c.AMLODIPINE,)),
            *_followed(7, 90, (PRESSURE,), (c.AMLODIPINE,)),
        ),
        {c.SYSTOLIC: (147, 13), c.DIASTOLIC: (91, 8), c.CHOLESTEROL: (205, 30)},
    ),
    Life(
        "diabetes",
        15,
        (1935, 1985),
        (
            _CHECK_UP,
            _first(c.DIABETES_2, (*_DIABETES, c.LIPIDS), (c.METFORMIN, c.ATORVASTATIN)),
            *_followed(5, 90, _DIABETES, (c.METFORMIN,)),
        ),
        {c.HBA1C: (7.9, 1.1), c.GLUCOSE: (165, 35), c.TRIGLYCERIDE: (170, 40)},
    ),
    Life(
        "infarction",
        5,
        (1930, 1975),
        (
            _first(c.HYPERTENSION, (PRESSURE, c.LIPIDS), (c.AMLODIPINE, c.ATORVASTATIN)),
            *_followed(2, 120, (PRESSURE,), (c.AMLODIPINE,)),
            Visit(EMERGENCY, "24", 200, found=(c.CHEST_PAIN,), panels=(c.CARDIAC, c.VITALS), drugs=(c.ASPIRIN,)),
            Visit(
                INPATIENT, "01", 0, 3, (c.INFARCTION,), (c.VITALS, c.CARDIAC), (c.ASPIRIN, c.ENOXAPARIN), CORONARY
            ),
            *_followed(2, 90, (PRESSURE, c.LIPIDS), (c.ASPIRIN, c.ATORVASTATIN)),
        ),
        {c.TROPONIN: (900, 500), c.SYSTOLIC: (142, 16), c.CHOLESTEROL: (225, 35)},
        fatal=12,
    ),
    Life(
        "pneumonia",
        8,
        (1930, 1990),
        (
            _CHECK_UP,
            Visit(EMERGENCY, "24", 300, found=(c.PNEUMONIA,), panels=(c.VITALS, c.CBC, c.INFLAMMATION)),
            Visit(
                INPATIENT, "01", 0, 4, panels=(c.VITALS, c.INFLAMMATION), drugs=(c.CEFTRIAXONE, c.AZITHROMYCIN)
            ),
            Visit(AMBULATORY, "01", 14, panels=(c.INFLAMMATION,)),
        ),
        {c.CRP: (70, 40), c.PCT: (1.8, 1.2), c.WBC: (13.5, 3.5), c.TEMPERATURE: (38.1, 0.6), c.SPO2: (94, 2.5)},
        fatal=6,
    ),
    Life(
        "hip fracture",
        4,
        (1925, 1955),
        (
            _CHECK_UP,
            Visit(
                INPATIENT, "05", 400, 5, (c.HIP_FRACTURE,), (c.VITALS,), (c.CEFAZOLIN, c.TRAMADOL, c.ENOXAPARIN),
                HIP_SURGERY,
            ),
            Visit(AMBULATORY, "21", 30, panels=(PRESSURE, c.CBC), drugs=(c.TRAMADOL,)),
        ),
        {c.HB: (10.9, 1.3)},
        fatal=4,
    ),
    Life(
        "breast cancer",
        4,
        (1940, 1985),
        (
            _CHECK_UP,
            Visit(INPATIENT, "04", 60, 2, (c.BREAST_CANCER,), (c.VITALS,), (c.CEFAZOLIN,), BREAST_SURGERY),
            *repeat(_CHEMOTHERAPY, 4),
        ),
        {c.NEUTROPHILS: (2.6, 1.3), c.WBC: (4.6, 1.8), c.HB: (11.4, 1.2)},
        "F",
        5,
    ),
    Life(
        "diabetes and hypertension",
        4,
        (1935, 1975),
        (
            _CHECK_UP,
            _first(c.HYPERTENSION, (PRESSURE, c.CHEMISTRY), (c.AMLODIPINE,)),
            _first(c.DIABETES_2, (*_DIABETES, c.LIPIDS), (c.METFORMIN, c.ATORVASTATIN)),
            *_followed(5, 90, _DIABETES, (c.METFORMIN, c.AMLODIPINE)),
        ),
        {c.HBA1C: (8.3, 1.3), c.GLUCOSE: (175, 40), c.SYSTOLIC: (151, 14), c.CREATININE: (1.3, 0.4)},
        fatal=2,
    ),
)  # fmt: skip
_OF = tuple(chain.from_iterable(repeat(life, life.share) for life in LIVES))


def life(seed: int, n: int) -> Life:
    """The life of person number `n`."""
    return _OF[crc32(b"%d/life/%d" % (seed, n)) % len(_OF)]
