"""`onmaru rooms`: the rooms of this house and what each one offers."""

from __future__ import annotations

import click

from onmaru.app.lines import say
from onmaru.app.rooms import all_rooms


@click.command("rooms")
@click.option("--json", is_flag=True, help="Print one JSON object a room.")
def listing(json: bool) -> None:
    """List the rooms and what each one offers, needs and provides."""
    for room in all_rooms():
        offers = {"projections": len(room.projections), "routes": len(room.routes), "commands": len(room.commands)}
        contracts = {"needs": " ".join(room.needs), "provides": " ".join(room.provides)}
        say({"room": room.name, **offers, **{name: text for name, text in contracts.items() if text}}, json=json)
