"""Pages of 20 by patient and code over HTTP on full charts, each audited durably, beside a bare server."""

from __future__ import annotations

import random
from typing import Any

from _http import Bench, fetched, measure
from onmaru.app.bench import Result


def run(quick: bool) -> Result:
    """Patients with at least 500 observations; the pairs asked for have at least 16 hits on average."""
    return measure("search", full=True, quick=quick, check=right)


def right(bench: Bench, address: str) -> None:
    """Ask for a thousand of the pairs once: each answer is what counting the corpus by hand says."""
    pairs = bench.corpus.pairs
    mean = sum(min(hits, 20) for _, _, hits in pairs) / len(pairs)
    assert mean >= 16, f"only {mean:.1f} hits on a page"
    for patient, code, hits in random.Random(5).sample(pairs, min(1000, len(pairs))):
        page: Any = fetched(bench, f"{address}/Observation?patient={patient}&code=http://loinc.org%7C{code}")
        assert page["total"] == hits and len(page["entry"]) == min(hits, 20), (page["total"], hits)
        for entry in page["entry"]:
            one = entry["resource"]
            assert one["subject"]["reference"] == f"Patient/{patient}"
            assert any(coding["code"] == code for coding in one["code"]["coding"])
