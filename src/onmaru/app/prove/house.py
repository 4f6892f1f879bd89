"""Proofs of the project itself: the bare package installs and imports, and the launcher is light."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from onmaru.app.checkout import root
from onmaru.app.evidence import Figures, Proof

# Optional or heavy: the bare package must import without any of them.
_ABSENT = ("pytest", "hypothesis", "mypy", "playwright", "mkdocs", "pyspark", "torch", "boto3", "lightgbm", "numpy")
# What only an extra brings: a module that needs one may miss that and nothing else.
_EXTRAS = ("asyncpg", "lightgbm", "numpy", "opentelemetry", "pyspark")

_IMPORT_ALL = """
import importlib, pkgutil, sys, onmaru
names = [m.name for m in pkgutil.walk_packages(onmaru.__path__, "onmaru.") if not m.name.endswith("__main__")]
extras, seen = set(sys.argv[1].split(",")), 0
for name in names:
    try:
        importlib.import_module(name)
        seen += 1
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in extras:
            raise
print(seen, len(names) - seen, *sorted(set(sys.argv[2:]) & set(sys.modules)))
"""


def _out(argv: Sequence[str], folder: Path) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(argv, cwd=folder, env=environ, check=False, capture_output=True, text=True)  # noqa: S603 - a program of ours
    assert done.returncode == 0, f"{Path(argv[0]).name} {argv[1]} ended with {done.returncode}: {done.stderr[-300:]}"
    return done.stdout


def bare() -> Figures:
    """Install the package without any extra into a new environment, import every module, and run its command."""
    with tempfile.TemporaryDirectory(prefix="onmaru-bare-") as scratch:
        folder = Path(scratch)
        started = time.monotonic()
        _out([sys.executable, "-m", "venv", str(folder / "venv")], folder)
        python = str(folder / "venv" / "bin" / "python")
        _out([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(root())], folder)
        seconds = time.monotonic() - started
        told = _out([python, "-W", "error", "-c", _IMPORT_ALL, ",".join(_EXTRAS), *_ABSENT], folder)
        modules, waiting, *extra = told.split()
        assert not extra, f"importing the bare package imported {' '.join(extra)}"
        version = _out([str(folder / "venv" / "bin" / "onmaru"), "--version"], folder).strip()
    return {
        "modules imported": int(modules),
        "modules of extras": int(waiting),
        "install seconds": round(seconds, 1),
        "command answers": version,
    }


def launcher() -> Figures:
    """Time `./onmaru --version` against the same program without the launcher, turn about, with everything in place."""
    top = root()
    program = top / ".venv" / "bin" / "onmaru"
    assert program.is_file(), "run ./onmaru once first"
    _out([str(top / "onmaru"), "--version"], top)
    pairs = [(_seconds(str(top / "onmaru"), top), _seconds(str(program), top)) for _ in range(15)]
    with_it, without = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    added = with_it - without
    assert added < 100, f"the launcher adds {added:.0f} ms"
    return {"with ms": round(with_it), "without ms": round(without), "added ms": round(added), "bar ms": 100}


def _seconds(program: str, folder: Path) -> float:
    started = time.perf_counter()
    _out([program, "--version"], folder)
    return time.perf_counter() - started


PROOFS = (
    Proof("2.bare", "The package installs without extras into a new environment and every module imports.", bare),
    Proof("2.launcher", "With everything in place ./onmaru adds less than 100 ms.", launcher),
)
