"""`onmaru bench`: one figure of ours beside the floor that the same machine reaches in the same run without us."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import click
import msgspec

from onmaru.app import refusal
from onmaru.app.checkout import root
from onmaru.app.lines import say

# Where a benchmark finds the address of the database it is to be run on
STORE = "ONMARU_BENCH_STORE"


class Ours(msgspec.Struct, frozen=True, omit_defaults=True):
    """`rate` a second; the latencies in ms; `cpu_ms` of each process for one operation, where that was looked at."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: Mapping[str, float] = {}


class Floor(msgspec.Struct, frozen=True):
    rate: float


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last line of a benchmark. `ratio` is ours over floor. `parts`: what it was measured in, where that was several."""

    bench: str
    ours: Ours
    floor: Floor
    ratio: float
    parts: Sequence[Result] = ()


def result(
    name: str, seconds: Sequence[float], rate: float, floor_rate: float, cpu: Mapping[str, float] | None = None
) -> Result:
    """Put figures together: the seconds each operation took, the rate reached, the floor's rate, CPU ms by process."""
    ranked = sorted(seconds)
    p50, p99 = (ranked[min(len(ranked) - 1, int(len(ranked) * part))] * 1000 for part in (0.50, 0.99))
    ours = Ours(round(rate, 1), round(p50, 3), round(p99, 3), cpu or {})
    return Result(name, ours, Floor(round(floor_rate, 1)), round(rate / floor_rate, 3))


def scripts(top: Path) -> dict[str, Path]:
    """Benchmark name → its file `bench/NAME.py`, which has a function `run(quick) -> Result` (`_` begins a shared part)."""
    return {file.stem: file for file in sorted((top / "bench").glob("[a-z]*.py"))}


def loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"onmaru_bench_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise refusal.Refusal(f"bench/{file.name} cannot be loaded")
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))  # so that a benchmark finds the parts it shares
    module = importlib.util.module_from_spec(spec)
    # A Struct that names another of its module looks for it there
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@click.command("bench")
@click.argument("name", required=False)
@click.option("--quick", is_flag=True, help="A short run, to see that it works; its figures are not to be quoted.")
@click.option("--json", is_flag=True, help="Print the result as JSON on the last line.")
@click.option(
    "--store", default="", help="Measure on this empty PostgreSQL, postgresql://user@host/database, beside a bare one."
)
def bench(name: str | None, quick: bool, json: bool, store: str) -> int:
    """Measure a figure beside its floor. Without a name, list what can be measured."""
    found = scripts(root())
    if name is None:
        for file in found.values():
            line = (loaded(file).__doc__ or "").strip().splitlines()[0]
            say({"bench": file.stem, "what": line} if json else {"text": f"{file.stem:<10} {line}"}, json=json)
        return refusal.DONE
    if name not in found:
        raise refusal.Refusal(f"there is no benchmark {name}; there are: {', '.join(found)}", refusal.USAGE)
    if store:
        os.environ[STORE] = store
    measured: Result = loaded(found[name]).run(quick)
    say(msgspec.to_builtins(measured), json=json)
    return refusal.DONE
