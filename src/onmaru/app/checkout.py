"""The source checkout this program runs from: tests, benchmarks, proofs and docs work there and nowhere else."""

from __future__ import annotations

import subprocess
from pathlib import Path

from onmaru.app.refusal import Refusal


def root() -> Path:
    """The checkout's top folder; refuses where the package was installed without its source."""
    top = Path(__file__).resolve().parents[3]
    if not (top / "pyproject.toml").is_file():
        raise Refusal("this command works only in a source checkout: git clone, then ./onmaru")
    return top


def commit(top: Path) -> str:
    """The commit checked out, with `+changes` where tracked files differ from it; `unknown` without git."""
    try:
        name = _git(top, "rev-parse", "HEAD")
        return f"{name}+changes" if _git(top, "status", "--porcelain", "--untracked-files=no") else name
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(top: Path, *args: str) -> str:
    # git is named by PATH on purpose: it is the checkout's owner's own git.
    done = subprocess.run(["git", "-C", str(top), *args], check=True, capture_output=True, text=True)  # noqa: S603, S607
    return done.stdout.strip()
