"""Evidence: what one run of one proof found, kept with the commit, the kind of machine and the conditions."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

Figures = Mapping[str, Any]


class Proof(NamedTuple):
    """`claim` is the sentence that holds when `run` returns; `run` raises AssertionError where it does not.

    `takes`: the sizes that it may be given by name, each a number; without them it runs in full.
    """

    name: str
    claim: str
    run: Callable[..., Figures]
    takes: tuple[str, ...] = ()


class Evidence(msgspec.Struct, frozen=True):
    """One run of one proof. `machine` tells the kind of machine, never its name or folders."""

    point: str
    claim: str
    holds: bool
    figures: Figures
    commit: str
    date: str
    seconds: float
    machine: Mapping[str, Any]
    conditions: Mapping[str, Any]


def gather(proof: Proof, at: str, sizes: Mapping[str, Any] | None = None) -> Evidence:
    """Run one proof and tell what came of it; `sizes`, where it is not run in full, are told among the conditions."""
    load = os.getloadavg()[0]
    started = datetime.now(UTC)
    try:
        holds, figures = True, proof.run(**(sizes or {}))
    except AssertionError as error:
        holds, figures = False, {"failed": str(error).splitlines()[0] if str(error) else "an assertion"}
    seconds = (datetime.now(UTC) - started).total_seconds()
    # A folder is of this machine, and nobody else's business
    told = {name: value for name, value in (sizes or {}).items() if not isinstance(value, Path)}
    conditions = {"load average before": round(load, 2), "CI": bool(os.environ.get("CI")), **told}
    date = started.isoformat(timespec="seconds")
    return Evidence(proof.name, proof.claim, holds, figures, at, date, round(seconds, 2), machine(), conditions)


def machine() -> Mapping[str, Any]:
    """The kind of machine: system, processor, cores, memory in GiB, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(memory, 1),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def write(evidence: Evidence, folder: Path) -> None:
    """Write ISSUE.POINT.json, exact, and ISSUE.POINT.md, readable."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = msgspec.json.format(msgspec.json.encode(evidence), indent=2)
    (folder / f"{evidence.point}.json").write_bytes(raw + b"\n")
    (folder / f"{evidence.point}.md").write_text(page(evidence), "utf-8")


def page(evidence: Evidence) -> str:
    """The evidence as a Markdown page."""
    verdict = "holds" if evidence.holds else "DOES NOT HOLD"
    rows = {"commit": evidence.commit, "date": evidence.date, "seconds": evidence.seconds}
    tables = {"Figures": evidence.figures, "Run": rows, "Machine": evidence.machine, "Conditions": evidence.conditions}
    parts = [f"# {evidence.point}: {verdict}", evidence.claim, f"Again: `./onmaru prove {evidence.point}`"]
    for title, values in tables.items():
        lines = [f"## {title}", "", "| what | value |", "|---|---|", *(f"| {k} | {v} |" for k, v in values.items())]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
