"""`onmaru test`: the one definition of clean. Every step runs, whatever fails; pytest runs when the others are done and
speaks last.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import click

from onmaru.app import refusal
from onmaru.app.checkout import root

# Said at every run, so that the suite does not grow beyond its quarter of an hour unseen.
_DEAREST = ("--cpu", "10")
# Many tests wait for a server that they started, so one worker more than there are cores keeps the cores busy.
_WORKERS = str(min(os.cpu_count() or 1, 7) + 1)
# A file's tests share what they set up, so they stay together; folders come in the order of what their files cost
_BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
TESTS = "tests"
# Asserts of a test file are rewritten when it is first read, which takes as long as its import: done once here, and not by
# every worker
COLLECTED = "collection"


class Step(NamedTuple):
    """One check: what it is called, the program and its arguments, and the folder (below the checkout) it runs in."""

    name: str
    argv: tuple[str, ...]
    folder: str = "."


def steps(top: Path, pytest_args: Sequence[str] = ()) -> tuple[Step, ...]:
    """The steps for this checkout, in order. The interface's are there where its packages are installed."""
    bin = Path(sys.executable).parent
    python = sys.executable
    source = tuple(name for name in ("src", "tests", "bench", "tools") if (top / name).is_dir())
    found = [
        Step("lint", (python, "-m", "ruff", "check", "--quiet", *source)),
        Step("format", (python, "-m", "ruff", "format", "--check", "--quiet", *source)),
        Step("types", (python, "-m", "mypy", "--no-error-summary")),
        Step("imports", (str(bin / "lint-imports"), "--no-logo")),
        Step("docs", (python, "-m", "onmaru.app.docs", "build", "--quiet")),
    ]
    if (top / "ui" / "node_modules").is_dir():
        npm = str(bin / "npm")
        found += [
            Step("interface types", (npm, "run", "--silent", "check"), "ui"),
            Step("interface tests", (npm, "test", "--silent"), "ui"),
        ]
    return (
        *found,
        Step(COLLECTED, (python, "-m", "pytest", "--collect-only", "-qq")),
        Step(TESTS, (python, "-m", "pytest", "-n", _WORKERS, *_BY_FILE, *_DEAREST, *pytest_args)),
    )


@click.command("test", context_settings={"ignore_unknown_options": True})
@click.option("--only", metavar="STEP", multiple=True, help="Run only this step; may be given again.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def test(only: tuple[str, ...], pytest_args: tuple[str, ...]) -> int:
    """Run every check: lint, format, types, imports, docs, the interface's, and the tests.

    What follows goes to pytest. Under CI (the variable `CI` set) a skipped test is a failure.
    """
    top = root()
    chosen = [step for step in steps(top, pytest_args) if not only or step.name in only]
    if not chosen:
        names = ", ".join(step.name for step in steps(top))
        raise refusal.Refusal(f"there is no such step; there are: {names}", refusal.USAGE)
    environ = surroundings(os.environ)
    alone = [step for step in chosen if step.name == TESTS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        passed = [*pool.map(lambda step: _told(step, top, environ), (one for one in chosen if one not in alone))]
    # Its closing line has to stay the last, so nothing is printed after it.
    passed += [_run(step, top, environ).returncode == 0 for step in alone]
    return refusal.DONE if all(passed) else refusal.NO


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """What the steps find in their environment.

    Compiled modules are kept, whatever the machine is set to: hundreds of processes would each compile the program anew.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', '')}"
    kept = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PATH": path}


def _told(step: Step, top: Path, environ: Mapping[str, str]) -> bool:
    """Run a step and print one line, after what it said where it failed."""
    started = time.monotonic()
    done = _run(step, top, environ, subprocess.PIPE)
    passed = done.returncode == 0
    said = "" if passed else f"{done.stdout.decode('utf-8', 'replace').rstrip()}\n"
    click.echo(f"{said}{'passed' if passed else 'FAILED'}  {step.name}  {time.monotonic() - started:.1f} s")
    return passed


def _run(
    step: Step, top: Path, environ: Mapping[str, str], out: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    sys.stdout.flush()
    mixed = None if out is None else subprocess.STDOUT
    return subprocess.run(step.argv, cwd=top / step.folder, env=environ, check=False, stdout=out, stderr=mixed)  # noqa: S603 - a program of ours
