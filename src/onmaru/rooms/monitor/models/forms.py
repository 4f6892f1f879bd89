"""What each recipe that the chart can feed is made of: its columns, and which measure of the chart each column is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from onmaru.rooms.monitor.risk.stays import NAMES_2019, STATIC_2019, VITALS_2019

# Column of 2019 → measure of data/measures.toml and what its unit there is multiplied by for the column's: the challenge
# gives temperatures in °C, FiO2 as a share, bilirubin and creatinine in mg/dL, cells in 10^3/µL (CinC 2019, "Data")
COLUMNS: Mapping[str, tuple[str, float]] = {
    "HR": ("heart-rate", 1.0),
    "O2Sat": ("oxygen-saturation", 1.0),
    "Temp": ("temperature", 1.0),
    "SBP": ("systolic", 1.0),
    "MAP": ("mean-pressure", 1.0),
    "DBP": ("diastolic", 1.0),
    "Resp": ("respiratory-rate", 1.0),
    "FiO2": ("oxygen-fraction", 0.01),
    "PaCO2": ("carbon-dioxide-pressure", 1.0),
    "Bilirubin_total": ("bilirubin", 1.0),
    "Creatinine": ("creatinine", 1.0),
    "WBC": ("leukocytes", 1.0),
    "Platelets": ("platelets", 1.0),
}


# Of a whole stay
TOLD = ("Age", "Gender", "HospAdmTime")


class Form(NamedTuple):
    """Columns of an hour, those measured often, and of a whole stay. `intensive`: for intensive care, and nobody else."""

    names: Sequence[str]
    vitals: Sequence[str]
    static: Sequence[str]
    intensive: bool


# A recipe of the site's own history knows what the chart tells and no more, so its training misses what its use misses
FORMS: Mapping[str, Form] = {
    "sepsis-6h": Form(NAMES_2019, VITALS_2019, STATIC_2019, intensive=True),
    "deterioration-24h": Form(tuple(COLUMNS), VITALS_2019, ("Age", "Gender"), intensive=False),
}


def untold(form: Form) -> Sequence[str]:
    """Columns of a form that no chart of this house tells yet."""
    return [name for name in (*form.names, *form.static) if name not in COLUMNS and name not in TOLD]
