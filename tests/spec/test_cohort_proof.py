"""What `onmaru prove 4.cohort` runs: Circe by another hand on every case, R on five data sets of its own.

Else nothing of it is collected.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from tests import circe_oracle, circe_world
from tests.spec import test_circe_expression as around
from tests.survival_figures import differing, figures, ours, read

from onmaru.rooms.cohort import grammar

# Where ohdsi-circepy 0.3.0 is not what circe-be's own builders say, and duckcdm and we are (read there, by name)
ORACLES_FAULTS = {
    "DeviceExposure.DateAdjustment",  # it moves the end in place of the start
    "DeviceExposure.First",  # it passes it over
    "DrugEra.GapDays",  # it passes it over
    "DrugExposure.OccurrenceEndDate",  # circe-be compares the day on which the drug was begun
}
OWN = ("aml", "ovarian", "veteran", "lung", "mgus2")
SCRIPT = Path(__file__).parent / "survival.R"


def criteria_alone(case: circe_world.Case) -> dict[str, Any]:
    """The criteria of a case as the entry of a cohort."""
    primary = {"CriteriaList": [{case.criteria: dict(case.asked)}], "ObservationWindow": {}}
    told = {"ConceptSets": circe_world.SETS, "PrimaryCriteria": primary, **around.ALL}
    return grammar.checked(told | {"CollapseSettings": {"CollapseType": "ERA", "EraPad": 0}})


def differences(pairs: list[tuple[str, dict[str, Any], Any]], folder: Path) -> tuple[list[str], list[str]]:
    """Which cohorts differ, and which the other hand cannot run."""
    texts = circe_oracle.said([expression for _, expression, _ in pairs], folder)
    wrong, silent = [], []
    for (name, expression, tables), text in zip(pairs, texts, strict=True):
        mine = circe_world.run(expression, tables)["cohort"].to_pylist()
        try:
            theirs = circe_oracle.rows(text, tables)
        except Exception:  # noqa: BLE001  it is the oracle's own
            silent.append(name)
            continue
        if sorted((row["subject_id"], row["cohort_start_date"], row["cohort_end_date"]) for row in mine) != theirs:
            wrong.append(name)
    return wrong, silent


if os.environ.get("ONMARU_PROVE"):

    def test_every_case_gives_the_cohort_that_another_hand_gives(tmp_path: Path) -> None:
        folder = circe_oracle.installed(tmp_path / "oracle")
        cases, tables = circe_world.cases()
        pairs = [(case.name, criteria_alone(case), tables) for case in cases]
        for case in around.CASES:
            told = {"ConceptSets": circe_world.SETS, "PrimaryCriteria": around.entered(), **around.ALL, **case.asked}
            pairs.append((case.name, grammar.checked(told), around.world(case).tables()))
        wrong, silent = differences(pairs, folder)
        assert set(wrong) <= ORACLES_FAULTS
        # What it makes no SQL of that runs; a handful of members
        assert len(silent) < len(pairs) / 10, silent

    def test_survival_equals_r_on_five_data_sets_of_its_own(tmp_path: Path) -> None:
        for name in OWN:
            data = tmp_path / f"{name}.csv"
            subprocess.run(["Rscript", str(SCRIPT), "--own", name, str(data)], check=True)
            told = subprocess.run(
                ["Rscript", str(SCRIPT), str(data)], check=True, capture_output=True, text=True
            ).stdout
            assert differing(ours(read(data)), figures(told)) == [], name
