"""`onmaru test`: the one definition of clean. Every step runs, whatever failed before; pytest speaks last."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from onmaru.app import refusal
from onmaru.app.checkout import root

# Said at every run, so that the suite does not grow beyond its quarter of an hour unseen.
_SLOWEST = ("--durations=10", "--durations-min=5")
# Many tests wait for a server that they started, so one worker more than there are cores keeps the cores busy.
_WORKERS = str(min(os.cpu_count() or 1, 7) + 1)


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
        Step("tests", (python, "-m", "pytest", "-n", _WORKERS, "--dist", "worksteal", *_SLOWEST, *pytest_args)),
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
    passed = [_run(step, top) for step in chosen]
    return refusal.DONE if all(passed) else refusal.NO


def _run(step: Step, top: Path) -> bool:
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    started = time.monotonic()
    if step.name == "tests":
        # Its closing line has to stay the last, so nothing is printed after it.
        sys.stdout.flush()
        return subprocess.run(step.argv, cwd=top / step.folder, env=environ, check=False).returncode == 0  # noqa: S603 - a program of ours
    done = subprocess.run(  # noqa: S603 - the argument vectors above, nothing from outside
        step.argv, cwd=top / step.folder, env=environ, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    passed = done.returncode == 0
    if not passed:
        click.echo(done.stdout.decode("utf-8", "replace").rstrip())
    click.echo(f"{'passed' if passed else 'FAILED'}  {step.name}  {time.monotonic() - started:.1f} s")
    return passed
