"""Cohorts proved: every Circe construct beside another hand's Circe, survival beside R's."""

from __future__ import annotations

from onmaru.app.evidence import Figures, Proof
from onmaru.app.prove.tests import passed


def cohorts() -> Figures:
    """Run every made case of Circe, and compare cohorts and survival with their oracles.

    Needs the package index for `ohdsi-circepy`, and Debian's r-cran-survival.
    """
    spec = "tests/spec/test_circe_"
    made = passed(*(f"{spec}{name}.py" for name in ("criteria", "groups", "expression")))
    compared = passed("tests/spec/test_cohort_proof.py")
    sets = "aml, ovarian, veteran, lung, mgus2"
    return {"made cases": made, "beside ohdsi-circepy and R": compared, "R's data sets": sets}


PROOFS = (
    Proof(
        "4.cohort",
        "Every Circe construct lets one made person in and keeps another out, as ohdsi-circepy does; survival equals R's.",
        cohorts,
    ),
)
