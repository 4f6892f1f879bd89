"""What a site may choose about the simulated hospital: size, calendar, wards, shifts, fault rates and encodings."""

from __future__ import annotations

import msgspec


class Shift(msgspec.Struct, frozen=True):
    """One shift: `code` D, E or N and the minute of the day at which it starts."""

    code: str
    ko: str
    start: int


DAY_EVENING_NIGHT = (Shift("D", "데이", 420), Shift("E", "이브닝", 900), Shift("N", "나이트", 1380))
EARLY = (Shift("D", "데이", 390), Shift("E", "이브닝", 870), Shift("N", "나이트", 1350))


class Ward(msgspec.Struct, frozen=True):
    """One ward. `share` is its part of the hospital's beds; `vitals_minutes` the time between two sets of vital signs."""

    code: str
    ko: str
    en: str
    department: str
    share: float
    beds_a_room: int
    vitals_minutes: int = 60
    shifts: tuple[Shift, ...] = DAY_EVENING_NIGHT


WARDS = (
    Ward("71W", "71병동", "Ward 71", "01", 0.34, 4),
    Ward("62W", "62병동 (간호·간병통합서비스)", "Ward 62 (integrated nursing care)", "05", 0.28, 4, shifts=EARLY),
    Ward("81W", "81병동", "Ward 81", "04", 0.18, 2),
    Ward("MICU", "내과계 중환자실", "Medical intensive care unit", "01", 0.10, 1, 30),
    Ward("ER", "응급실", "Emergency room", "24", 0.10, 1),
)


class Faults(msgspec.Struct, frozen=True):
    """Chance of each fault: a message is repeated, held back, overtaken or preceded by a broken copy of itself;
    a result is corrected, a registration made twice, a bed, admission or discharge entered wrongly.
    """

    duplicate: float = 0.01
    late: float = 0.01
    out_of_order: float = 0.01
    malformed: float = 0.005
    correction: float = 0.02
    merge: float = 0.05
    wrong_bed: float = 0.05
    cancelled_admission: float = 0.03
    cancelled_discharge: float = 0.05


NO_FAULTS = Faults(0, 0, 0, 0, 0, 0, 0, 0, 0)


class Settings(msgspec.Struct, frozen=True):
    """`start`: local date and time (ISO 8601, +09:00) at which the run begins. `beds`, `patients`: the whole run's.

    `interval` multiplies the time between two visits of a long course, so that a short demo shows whole courses.
    `namesake_every`: in each so many people two share a name and fall ill alike (0: never). `vitals_seconds`: period of the
    `vitals` channel in intensive care (0: off). `kcd`: name of the diagnosis code system in DG1-3; KCD-9 is in force since
    1 January 2026, and neither HL7 nor KR Core 2.0.0 has a name for it. `euc_kr`: senders that write KS X 1001.
    """

    start: str = "2026-03-02T07:00:00+09:00"
    beds: int = 60
    patients: int = 40
    interval: float = 1.0
    namesake_every: int = 12
    vitals_seconds: int = 0
    kcd: str = "99KCD9"
    euc_kr: frozenset[str] = frozenset({"LIS", "PATH"})
    facility: str = "SIMHOSP"
    receiver: str = "ONMARU"
    wards: tuple[Ward, ...] = WARDS
    faults: Faults = Faults()
    mix: tuple[tuple[str, float], ...] = ()
    """Course name and weight; empty: every course as likely as its own file says."""
