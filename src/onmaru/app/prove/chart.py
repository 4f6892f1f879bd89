"""Proof of the patient journey's bars: the browser tests of the big chart, held to their times."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from onmaru.app.checkout import root
from onmaru.app.evidence import Figures, Proof

TIMED = "within or less_than or reached or live"


def chart() -> Figures:
    """Run the timed browser tests on a chart of 1,000 encounters and 50,000 observations, one after the other."""
    environ = {**os.environ, "ONMARU_PROVE": "1"}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "tests/browser/test_journey.py", "-k", TIMED]
    done = subprocess.run(argv, cwd=root(), env=environ, check=False, capture_output=True, text=True)  # noqa: S603 - a program of ours
    closing = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "pytest said nothing"
    told = re.findall(r"^E\s+(?:AssertionError: )?(.*)$", done.stdout, re.MULTILINE)
    assert done.returncode == 0, f"{closing}: {'; '.join(told[:3])}"
    return {"tests": closing, "encounters": 1000, "observations": 50_000}


PROOFS = (
    Proof("2.chart", "The big chart stands within 1 s; zoom, filter, jump 200 ms; its data 300 ms; all items.", chart),
)
