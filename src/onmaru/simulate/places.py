"""Departments, rooms and beds of the hospital, and the board that says which bed is free: one patient a bed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from onmaru.simulate.settings import Ward

# HIRA department codes and names (KR Core 2.0.0, hira-medical-department).
DEPARTMENTS: Final = {
    "01": ("내과", "Internal medicine"),
    "04": ("외과", "General surgery"),
    "05": ("정형외과", "Orthopaedic surgery"),
    "16": ("영상의학과", "Radiology"),
    "18": ("병리과", "Pathology"),
    "19": ("진단검사의학과", "Laboratory medicine"),
    "21": ("재활의학과", "Rehabilitation medicine"),
    "23": ("가정의학과", "Family medicine"),
    "24": ("응급의학과", "Emergency medicine"),
}


class Bed(msgspec.Struct, frozen=True):
    """A place for one patient. A clinic has a room and no bed: `number` ""."""

    ward: str
    room: str
    number: str
    ko: str


def clinic(department: str) -> Bed:
    """The outpatient clinic of a department, where any number of patients may be."""
    return Bed(f"OPD{department}", f"C{department}", "", f"{DEPARTMENTS[department][0]} 외래")


def beds_of(ward: Ward, total: int) -> Iterator[Bed]:
    """The beds of a ward in a hospital of `total` beds: its share, at least one, room by room."""
    prefix = "".join(c for c in ward.code if c.isdigit()) or ward.code
    for n in range(max(1, round(total * ward.share))):
        room, number = divmod(n, ward.beds_a_room)
        name = f"{prefix}{room + 1:02d}"
        yield Bed(ward.code, name, str(number + 1), f"{ward.ko} {name}호 {number + 1}번 침상")


class Board:
    """Which beds are free. The bed that has been free longest is given first."""

    def __init__(self, wards: Sequence[Ward], total: int) -> None:
        self.wards = {ward.code: ward for ward in wards}
        self.beds = tuple(bed for ward in wards for bed in beds_of(ward, total))
        self._free: dict[str, deque[Bed]] = {ward.code: deque() for ward in wards}
        for bed in self.beds:
            self._free[bed.ward].append(bed)

    def take(self, ward: str) -> Bed | None:
        """A free bed of the ward, now taken; None when the ward is full."""
        free = self._free[ward]
        return free.popleft() if free else None

    def leave(self, bed: Bed) -> None:
        """The bed is free again. A clinic is always free."""
        if bed.number:
            self._free[bed.ward].append(bed)
