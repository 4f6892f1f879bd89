"""`onmaru prove`: a point of an issue is shown by running it, and its evidence is written."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import click
import msgspec

from onmaru.app import prove as folder
from onmaru.app import refusal
from onmaru.app.checkout import commit, root
from onmaru.app.evidence import Proof, gather, write
from onmaru.app.lines import say


@cache
def known() -> Mapping[str, Proof]:
    """Every proof by name, `ISSUE.POINT`: the tuples `PROOFS` of those modules in `onmaru.app.prove` that have one."""
    modules = [importlib.import_module(f"{folder.__name__}.{m.name}") for m in pkgutil.iter_modules(folder.__path__)]
    return {proof.name: proof for module in modules for proof in getattr(module, "PROOFS", ())}


@click.command("prove")
@click.argument("point", required=False, metavar="ISSUE.POINT")
@click.option("--list", "listing", is_flag=True, help="List the points that can be proved.")
@click.option("--minutes", type=click.FloatRange(0.5), help="For how long it goes on, where that can be chosen.")
@click.option("--seconds", type=click.FloatRange(1), help="The same in seconds, where that can be chosen.")
@click.option("--json", is_flag=True, help="Print the evidence as one JSON line.")
@click.option("--requests", type=click.IntRange(1), help="How much is asked, where that can be chosen.")
@click.option("--resources", type=click.IntRange(1), help="How much is loaded, where that can be chosen.")
@click.option("--patients", type=click.IntRange(1), help="How many people are simulated, where that can be chosen.")
@click.option("--seed", type=int, help="Other dice, where there are any.")
@click.option("--first", type=click.IntRange(0), help="The number of the first request, to go on from there.")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Keep the house here, and go on with it."
)
def prove(point: str | None, listing: bool, json: bool, **sizes: Any) -> int:
    """Show that a point of an issue holds, and write docs/evidence/ISSUE.POINT.json and .md."""
    if listing or point is None:
        for name, proof in sorted(known().items()):
            say({"point": name, "claim": proof.claim} if json else {"text": f"{name:<10} {proof.claim}"}, json=json)
        return refusal.DONE
    if point not in known():
        raise refusal.Refusal(f"there is no proof of {point}; `onmaru prove --list` lists them", refusal.USAGE)
    chosen = {name: value for name, value in sizes.items() if value is not None}
    for name in chosen:
        if name not in known()[point].takes:
            raise refusal.Refusal(f"the proof of {point} takes no --{name}", refusal.USAGE)
    top = root()
    evidence = gather(known()[point], commit(top), chosen)
    write(evidence, top / "docs" / "evidence")
    say(msgspec.to_builtins(evidence), json=json)
    return refusal.DONE if evidence.holds else refusal.NO
