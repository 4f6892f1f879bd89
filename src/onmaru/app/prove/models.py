"""Proof of issue 5's governance of models: each unit of the public stays of 2012 as a site that the model never saw.

What recalibration does there is told before and after, on patients whose own stays did not fit the line that judged them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onmaru.app.checkout import root
from onmaru.app.evidence import Figures, Proof

if TYPE_CHECKING:
    from onmaru.rooms.monitor.risk.stays import Cohort, Stay
    from onmaru.rooms.monitor.risk.training import Recipe

FIGURES = ("brier", "calibration slope", "calibration intercept", "mean predicted", "observed")


def models() -> Figures:
    """For each unit: trained on the others, recalibrated on it where it has events enough, and watched."""
    from onmaru.rooms.monitor.risk.training import RECIPES

    data = Path(os.environ.get("ONMARU_TEST_DATA") or root().parent / "shared" / "data") / "vitals" / "physionet2012"
    assert data.is_dir(), "the public stays of 2012 are not at hand: set ONMARU_TEST_DATA"
    recipe = RECIPES["death-48h"]
    whole = recipe.read(data)
    units = sorted({stay.unit for stay in whole.stays} - {""})
    found: dict[str, Any] = {"stays": len(whole.stays)}
    mended = refused = 0
    for unit in units:
        with tempfile.TemporaryDirectory(prefix="onmaru-models-") as scratch:
            told = _site(recipe, whole, unit, Path(scratch))
        found |= {f"{unit}: {name}": value for name, value in told.items()}
        mended += "after" in told
        refused += "refused" in told
    assert mended, "no unit had events enough to recalibrate on"
    return {**found, "units recalibrated": mended, "units refused for too few events": refused}


def _site(recipe: Recipe, whole: Cohort, unit: str, scratch: Path) -> Mapping[str, Any]:
    from onmaru.rooms.monitor.risk import drift
    from onmaru.rooms.monitor.risk.features import rows
    from onmaru.rooms.monitor.risk.recalibration import recalibrated
    from onmaru.rooms.monitor.risk.stays import Unreadable
    from onmaru.rooms.monitor.risk.training import opened, trained

    site = [stay for stay in whole.stays if stay.unit == unit]
    others = [stay for stay in whole.stays if stay.unit != unit]
    trained(_reading(recipe, whole, others), Path(unit), scratch / "1", lambda text: None)
    model, here = opened(scratch / "1"), whole._replace(stays=site)
    data = rows(here)
    watch = drift.watched(drift.opened(scratch / "1"), here, data, model.probability(data.x))
    (month,) = watch["outcome"]
    told: dict[str, Any] = {
        "stays": len(site), "died": month["observed"], "expected": month["expected"],
        "observed over expected, 95 %": month["interval"], "inputs that drifted": len(watch["drifted"]["features"]),
    }  # fmt: skip
    try:
        found = recalibrated(_reading(recipe, whole, site), scratch / "1", Path(unit), scratch / "2")
    except Unreadable as error:
        return told | {"refused": str(error).partition(": ")[2]}
    before, after = found["before"], found["after"]
    near, far = (abs(one["mean predicted"] - one["observed"]) for one in (after, before))
    assert near <= far + 0.005, f"{unit}: recalibrated risks are further from what happened"
    again = opened(scratch / "2")
    assert (scratch / "1" / "trees.txt").read_bytes() == (scratch / "2" / "trees.txt").read_bytes()
    assert again.kept.parent == "1"
    return told | {
        "before": {name: before[name] for name in FIGURES},
        "after": {name: after[name] for name in FIGURES},
    }


def _reading(recipe: Recipe, whole: Cohort, stays: Sequence[Stay]) -> Recipe:
    return recipe._replace(read=lambda folder: whole._replace(stays=stays))


PROOFS = (
    Proof(
        "5.models",
        "A model brought to a unit it never saw predicts as many deaths there as happen, or is refused for too few events.",
        models,
    ),
)
