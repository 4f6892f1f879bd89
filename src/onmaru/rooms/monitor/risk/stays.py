"""Reads stays in the two public forms: PhysioNet/CinC 2019 (hourly `.psv`) and 2012 (48 h `.txt` with an outcomes file).

Its law: nothing is left out silently; a file that cannot be read stops the reading by its name, line and reason.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.intp]
HOURS = 48
# Beyond any stay that was ever published: what is longer is no stay
LONGEST = 24 * 400
NAMES_2019 = (
    "HR", "O2Sat", "Temp", "SBP", "MAP", "DBP", "Resp", "EtCO2", "BaseExcess", "HCO3", "FiO2", "pH", "PaCO2", "SaO2", "AST",
    "BUN", "Alkalinephos", "Calcium", "Chloride", "Creatinine", "Bilirubin_direct", "Glucose", "Lactate", "Magnesium",
    "Phosphate", "Potassium", "Bilirubin_total", "TroponinI", "Hct", "Hgb", "PTT", "WBC", "Fibrinogen", "Platelets",
)  # fmt: skip
STATIC_2019 = ("Age", "Gender", "Unit1", "Unit2", "HospAdmTime")
NAMES_2012 = (
    "HR", "MAP", "DiasABP", "SysABP", "NISysABP", "NIDiasABP", "NIMAP", "Temp", "GCS", "RespRate", "MechVent", "FiO2", "pH",
    "PaO2", "PaCO2", "SaO2", "Urine", "Weight", "HCT", "K", "Platelets", "Creatinine", "BUN", "Mg", "HCO3", "Na", "Glucose",
    "WBC", "Lactate", "AST", "ALT", "ALP", "Bilirubin", "Albumin", "TroponinT", "TroponinI", "Cholesterol",
)  # fmt: skip
VITALS_2019 = ("HR", "O2Sat", "Temp", "SBP", "MAP", "DBP", "Resp", "FiO2")
VITALS_2012 = ("HR", "Temp", "GCS", "RespRate", "FiO2", "Urine", "NISysABP", "SysABP", "MAP", "NIMAP")
STATIC_2012 = ("Age", "Gender", "Height", "ICUType", "Weight")


class Unreadable(Exception):
    """A file of the folder is not what its form says; the text names file, line and reason, no value."""


class Stay(NamedTuple):
    """One stay. `values`: hours × measures, NaN where nothing was measured. `labels`: one a row of `values`, or one in all.

    `unit` is where the patient lay, "" where that is not told; `scores` are those that the data bring, such as SAPS-I.
    `admitted`: the day as YYYY-MM-DD, or as much of it as is known.
    """

    id: str
    unit: str
    static: Mapping[str, float]
    values: Array
    labels: NDArray[np.int8]
    scores: Mapping[str, float]
    admitted: str = ""


class Cohort(NamedTuple):
    """Stays of one form: `hourly`, one judgement an hour, or one a stay. `vitals`: measures taken often.

    `unlabelled`: ids that have a series and no outcome, so that nobody can judge them.
    """

    hourly: bool
    names: Sequence[str]
    vitals: Sequence[str]
    stays: Sequence[Stay]
    unlabelled: Sequence[str]


def hourly(folder: Path) -> Cohort:
    """Every `.psv` below the folder; `SepsisLabel` of each hour is the label."""
    files = sorted(folder.rglob("*.psv"))
    if not files:
        raise Unreadable(f"{folder}: no .psv file here")
    return Cohort(True, NAMES_2019, VITALS_2019, [_psv(file) for file in files], ())


def _psv(file: Path) -> Stay:
    rows = _rows(file, "|")
    head = [name.strip() for name in next(rows, [])]
    missing = [name for name in (*NAMES_2019, *STATIC_2019, "SepsisLabel") if name not in head]
    if missing:
        raise Unreadable(f"{file.name}, line 1: column {missing[0]} is missing")
    wanted = [head.index(name) for name in NAMES_2019]
    fixed = {name: head.index(name) for name in STATIC_2019}
    values, labels, static = [], [], dict.fromkeys(STATIC_2019, np.nan)
    for number, row in enumerate(rows, 2):
        if len(row) != len(head):
            raise Unreadable(f"{file.name}, line {number}: {len(row)} fields, the first line has {len(head)}")
        values.append([_number(row[at], file, number) for at in wanted])
        labels.append(_label(row[head.index("SepsisLabel")], file, number))
        static = {name: _number(row[at], file, number) for name, at in fixed.items()}
        if number > LONGEST:
            raise Unreadable(f"{file.name}: longer than {LONGEST} hours")
    if not values:
        raise Unreadable(f"{file.name}: no hour")
    unit = "MICU" if static["Unit1"] == 1 else "SICU" if static["Unit2"] == 1 else ""
    return Stay(file.stem, unit, static, np.array(values), np.array(labels, np.int8), {})


def judged(folder: Path) -> Cohort:
    """Every stay's `.txt` below the folder with the `Outcomes*.txt` beside or above it; the label is in-hospital death."""
    outcomes: dict[str, dict[str, float]] = {}
    places = sorted({*folder.rglob("Outcomes*.txt"), *folder.parent.glob("Outcomes*.txt")})
    for file in places:
        outcomes |= _outcomes(file)
    files = [file for file in sorted(folder.rglob("*.txt")) if not file.name.startswith("Outcomes")]
    if not files or not outcomes:
        raise Unreadable(f"{folder}: no {'series' if outcomes else 'Outcomes*.txt'} here")
    known = [file for file in files if file.stem in outcomes]
    stays = [_series(file, outcomes[file.stem]) for file in known]
    return Cohort(False, NAMES_2012, VITALS_2012, stays, [file.stem for file in files if file.stem not in outcomes])


ADMITTED = "admitted.csv"
_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])(-\d\d)?")


def dated(cohort: Cohort, folder: Path) -> Cohort:
    """The cohort with the days of admission in `admitted.csv` (`id,admitted`, YYYY-MM or YYYY-MM-DD), if that is there."""
    file = folder / ADMITTED
    if not file.is_file():
        return cohort
    days: dict[str, str] = {}
    lines = _rows(file, ",")
    if [name.strip() for name in next(lines, [])] != ["id", "admitted"]:
        raise Unreadable(f"{file.name}, line 1: not id,admitted")
    for number, row in enumerate(lines, 2):
        if len(row) != 2 or not _DAY.fullmatch(row[1].strip()):
            raise Unreadable(f"{file.name}, line {number}: not an id and a month or day")
        days[row[0].strip()] = row[1].strip()
    stays = [stay._replace(admitted=days.get(stay.id, stay.admitted)) for stay in cohort.stays]
    return cohort._replace(stays=stays)


def _outcomes(file: Path) -> dict[str, dict[str, float]]:
    rows = _rows(file, ",")
    head = [name.strip() for name in next(rows, [])]
    if "RecordID" not in head or "In-hospital_death" not in head:
        raise Unreadable(f"{file.name}, line 1: column RecordID or In-hospital_death is missing")
    found = {}
    for number, row in enumerate(rows, 2):
        if len(row) != len(head):
            raise Unreadable(f"{file.name}, line {number}: {len(row)} fields, the first line has {len(head)}")
        told = {name: _number(text, file, number) for name, text in zip(head, row, strict=True)}
        found[str(int(told["RecordID"]))] = told
    return found


def _series(file: Path, outcome: Mapping[str, float]) -> Stay:
    at = {name: place for place, name in enumerate(NAMES_2012)}
    values = np.full((HOURS, len(NAMES_2012)), np.nan)
    static = dict.fromkeys(STATIC_2012, np.nan)
    rows = _rows(file, ",")
    if [name.strip() for name in next(rows, [])] != ["Time", "Parameter", "Value"]:
        raise Unreadable(f"{file.name}, line 1: not Time,Parameter,Value")
    for number, row in enumerate(rows, 2):
        if len(row) != 3:
            raise Unreadable(f"{file.name}, line {number}: {len(row)} fields, not 3")
        clock, name = row[0].strip(), row[1].strip()
        value, hour = _number(row[2], file, number), _hour(clock, file, number)
        # -1 says that it is not known (PhysioNet/CinC 2012, "General descriptors")
        known = not np.isnan(value) and value != -1
        if name in static and clock == "00:00" and np.isnan(static[name]):
            static[name] = value if known else np.nan
        if name in at and known:
            values[min(hour, HOURS - 1), at[name]] = value
    unit = static["ICUType"]
    death = outcome["In-hospital_death"]
    if death not in (0, 1):
        raise Unreadable(f"{file.name}: its In-hospital_death is neither 0 nor 1")
    scores = {name: outcome[name] for name in ("SAPS-I", "SOFA") if outcome.get(name, -1) >= 0}
    label = np.array([death], np.int8)
    return Stay(file.stem, "" if np.isnan(unit) else f"ICU{int(unit)}", static, values, label, scores)


def _rows(file: Path, delimiter: str) -> Iterator[list[str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            yield from (row for row in csv.reader(text, delimiter=delimiter) if row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"{file.name}: not delimited text ({type(error).__name__})") from None


def _number(text: str, file: Path, line: int) -> float:
    bare = text.strip()
    if not bare:
        return float("nan")
    try:
        found = float(bare)
    except ValueError:
        raise Unreadable(f"{file.name}, line {line}: a value is no number") from None
    return found if abs(found) != float("inf") else float("nan")


def _label(text: str, file: Path, line: int) -> int:
    if text.strip() not in ("0", "1", "0.0", "1.0"):
        raise Unreadable(f"{file.name}, line {line}: SepsisLabel is neither 0 nor 1")
    return int(float(text))


def _hour(text: str, file: Path, line: int) -> int:
    hours, colon, minutes = text.partition(":")
    if not colon or not hours.isdecimal() or not minutes.isdecimal() or len(hours) > 3:
        raise Unreadable(f"{file.name}, line {line}: a time is not HH:MM")
    return int(hours)
