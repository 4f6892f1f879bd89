"""Proof that every case of the SQL on FHIR suite, and every one of our own, passes on DuckDB and on Spark."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from onmaru.app.checkout import root
from onmaru.app.evidence import Figures, Proof
from onmaru.app.refusal import Refusal
from onmaru.app.views.conformance import files, judge
from onmaru.app.views.runners import ENGINES


def folders() -> list[Path]:
    """The published suite and our own cases."""
    data = Path(os.environ.get("ONMARU_TEST_DATA") or root().parent / "shared" / "data") / "sql-on-fhir"
    if not data.is_dir():
        raise Refusal("this proof needs the suite: set ONMARU_TEST_DATA to the folder that holds sql-on-fhir")
    return [data, root() / "tests" / "spec" / "views"]


def views() -> Figures:
    """Each engine on every file. Without Spark or a JVM there is no proof."""
    figures: dict[str, Any] = {}
    for name, engine in ENGINES.items():
        began, runner = time.perf_counter(), engine()
        try:
            cases = [case for folder in folders() for file in files(folder) for case in judge(runner, file)]
        finally:
            runner.close()
        failed = [f"{case.group}: {case.title}" for case in cases if case.reason]
        assert not failed, f"{name}: {len(failed)} of {len(cases)} failed: {failed[:5]}"
        figures[f"{name}: cases passed"] = len(cases)
        figures[f"{name}: seconds"] = round(time.perf_counter() - began, 1)
    return figures


PROOFS = (
    Proof(
        "4.views",
        "Every case of the SQL on FHIR suite and every one of our own passes on DuckDB and on Spark.",
        views,
    ),
)
