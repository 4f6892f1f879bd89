"""How often a second `onmaru --help` answers, beside bare Python starting and importing click."""

from __future__ import annotations

import subprocess
import sys
import time

from onmaru.app.bench import Result, result

OURS = "from onmaru.app.cli import run; run(['--help'])"
FLOOR = "import click"


def _seconds(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def run(quick: bool) -> Result:
    """Turn about, so that a machine that drifts drifts for both."""
    pairs = [(_seconds(OURS), _seconds(FLOOR)) for _ in range(5 if quick else 40)]
    ours, floor = ([pair[side] for pair in pairs] for side in (0, 1))
    return result("startup", ours, len(ours) / sum(ours), len(floor) / sum(floor))
