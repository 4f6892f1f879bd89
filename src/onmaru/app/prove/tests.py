"""Tests run as proofs: with `ONMARU_PROVE` set they are held to their bars and go to their full size, one by one."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from onmaru.app.checkout import root
from onmaru.app.evidence import Figures, Proof


def passed(*tests: str) -> str:
    """pytest's closing line over these tests; AssertionError with what was said first when one fails."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *tests]
    environ = {**os.environ, "ONMARU_PROVE": "1"}
    done = subprocess.run(argv, cwd=root(), env=environ, check=False, capture_output=True, text=True)  # noqa: S603 - a program of ours
    closing = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "pytest said nothing"
    told = re.findall(r"^E\s+(?:AssertionError: )?(.*)$", done.stdout, re.MULTILINE)
    assert done.returncode == 0, f"{closing}: {'; '.join(told[:3])}"
    return closing


def chart() -> Figures:
    """Run the timed browser tests on a chart of 1,000 encounters and 50,000 observations."""
    closing = passed("tests/browser/test_journey.py", "-k", "within or less_than or reached or live")
    return {"tests": closing, "encounters": 1000, "observations": 50_000}


def mutants() -> Figures:
    """Break real resources in 10,000 ways, and take in every one that is whole."""
    return {"tests": passed("tests/generative/test_structure.py", "-k", "mutants or real_resource"), "mutants": 10_000}


def omop() -> Figures:
    """Make the tables of the whole Synthea load, whose figures the test compares."""
    return {"tests": passed("tests/journeys/test_omop_figures.py"), "observations": 13_875}


PROOFS = (
    Proof("2.chart", "The big chart stands within 1 s; zoom, filter, jump 200 ms; its data 300 ms; all items.", chart),
    Proof(
        "2.mutants",
        "Real resources keep their tokens; 10,000 mutants are refused at their paths, all problems at once.",
        mutants,
    ),
    Proof(
        "2.omop", "The Synthea load gives the OMOP rows that the vocabulary's own codes say, and none uncounted.", omop
    ),
)
