"""`onmaru settings`: every setting with its value and where that came from."""

from __future__ import annotations

import click

from onmaru.app.lines import say
from onmaru.app.settings import load


@click.command("settings")
@click.option("--json", is_flag=True, help="Print one JSON object.")
def listing(json: bool) -> None:
    """List every setting, its value and where that came from (default, file or environment)."""
    chosen = load()
    if json:
        say({name: {"value": value, "origin": origin} for name, (value, origin) in chosen.items()}, json=True)
        return
    for name, (value, origin) in chosen.items():
        say({"text": f"{name:<22}{value!s:<50} {origin}"}, json=False)
