"""Proof of the HTTP rates and of what must hold after them: every answer audited, the store sound, one winner of a race."""

from __future__ import annotations

from onmaru.app.bench import loaded
from onmaru.app.checkout import root
from onmaru.app.evidence import Figures, Proof


def http() -> Figures:
    """Run the acceptance of bench/_acceptance.py; a bar that is missed fails the proof with all figures told."""
    figures: Figures = loaded(root() / "bench" / "_acceptance.py").run()
    missed = [name for name, value in figures.items() if value == "MISSED"]
    assert not missed, "; ".join(f"{name} {value}" for name, value in figures.items())
    return figures


PROOFS = (
    Proof("2.http", "Create, read and search hold their rates, every answer is audited, a race has one winner.", http),
)
