"""Physicians by department and nurses by ward, and who is on duty: three shifts a day, as each ward's settings say."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from random import Random

import msgspec

from onmaru.simulate.names import given_name, romanised, surname
from onmaru.simulate.places import DEPARTMENTS
from onmaru.simulate.settings import Shift, Ward

PHYSICIANS_A_DEPARTMENT = 3
NURSES_A_SHIFT = 2


class Member(msgspec.Struct, frozen=True):
    """One of the staff. `licence` starts with SIM, so that it is nobody's; `unit` is a department or a ward."""

    number: str
    licence: str
    family: str
    given: str
    latin: str
    sex: str
    role: str
    unit: str

    @property
    def name(self) -> str:
        return self.family + self.given


def _member(seed: int, number: str, role: str, unit: str) -> Member:
    rng = Random(f"{seed}/staff/{number}")
    sex = rng.choice("MF") if role == "doctor" else rng.choice("FFFFM")
    (family, latin), given = surname(rng), given_name(rng, sex, rng.randint(1965, 2001))
    return Member(number, f"SIM-L-{number}", family, given, f"{romanised(given)} {latin}", sex, role, unit)


def shift_at(ward: Ward, minute: int) -> int:
    """Index of the shift that runs at a minute of the day. The last shift of a day runs past midnight."""
    running = len(ward.shifts) - 1
    for n, shift in enumerate(ward.shifts):
        if minute >= shift.start:
            running = n
    return len(ward.shifts) - 1 if minute < ward.shifts[0].start else running


class Roster:
    """All members of staff, and who is responsible where and when. Nurses rotate by day."""

    def __init__(self, seed: int, wards: Sequence[Ward]) -> None:
        self._wards = {ward.code: ward for ward in wards}
        self.physicians = {
            code: tuple(_member(seed, f"D{code}{n}", "doctor", code) for n in range(1, PHYSICIANS_A_DEPARTMENT + 1))
            for code in DEPARTMENTS
        }
        self.nurses = {
            ward.code: tuple(
                _member(seed, f"N{ward.code}{n}", "nurse", ward.code)
                for n in range(1, NURSES_A_SHIFT * len(ward.shifts) + 1)
            )
            for ward in wards
        }

    def physician(self, department: str, rng: Random) -> Member:
        """A physician of the department."""
        return rng.choice(self.physicians[department])

    def nurse(self, ward: str, at: datetime.datetime) -> Member:
        """The nurse on duty on a ward; a clinic's patients are seen to by the first ward's nurses."""
        unit = self._wards.get(ward) or next(iter(self._wards.values()))
        minute = at.hour * 60 + at.minute
        shift = shift_at(unit, minute)
        started = at.date() - datetime.timedelta(days=1) if minute < unit.shifts[0].start else at.date()
        nurses = self.nurses[unit.code]
        return nurses[(started.toordinal() + shift * NURSES_A_SHIFT) % len(nurses)]

    def shift(self, ward: str, at: datetime.datetime) -> Shift:
        """The shift that runs on a ward."""
        unit = self._wards[ward]
        return unit.shifts[shift_at(unit, at.hour * 60 + at.minute)]

    def everybody(self) -> list[Member]:
        """All members, physicians first."""
        return [m for some in (*self.physicians.values(), *self.nurses.values()) for m in some]
