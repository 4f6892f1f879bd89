"""Under CI a skipped test fails the run; only shared data that is not there may be missed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TESTS = {
    "any": "import pytest\ndef test_one() -> None:\n    pytest.skip('no time')\n",
    "data": "def test_one(shared_data) -> None:\n    shared_data('hl7v2')\n",
}


@pytest.mark.parametrize(
    ("kind", "ci", "workers", "status"),
    [("any", "1", "2", 1), ("any", "", "0", 0), ("data", "1", "0", 0)],
    ids=["skip under CI, with workers", "skip at home", "no data under CI"],
)
def test_a_skip_fails_the_run_only_under_ci(kind: str, ci: str, workers: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    for name in ("conftest.py", "cluster.py", "costs.py", "light.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    (tmp_path / "tests" / "test_it.py").write_text(TESTS[kind] + "def test_two() -> None:\n    assert True\n", "utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ONMARU_"))}
    argv = [sys.executable, "-m", "pytest", "-n", workers, "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(argv, cwd=tmp_path, env={**environ, "CI": ci}, capture_output=True, text=True)
    assert done.returncode == status, done.stdout
    assert ("FAILED under CI because skipped: tests/test_it.py::test_one" in done.stdout) == bool(status)
    assert done.stdout.rstrip().splitlines()[-1].startswith("====")
