"""`onmaru simulate`: make a home of a simulated town's lake, or go on with one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from onmaru.app.house import House, Place
from onmaru.app.lines import say
from onmaru.app.progress import progress
from onmaru.app.refusal import DONE, USAGE, Refusal
from onmaru.app.streams.sending import streams
from onmaru.app.town.filling import Size, fill
from onmaru.engines.keyring import write_new

MARK = "# This home belongs to `onmaru simulate`: everybody in it is invented."


def ground(home: Path) -> Place:
    """Make or take up a home of a town, its keys and witness in it. Refuses a folder with anything else in it."""
    file = home / "onmaru.toml"
    written = file.read_text("utf-8") if file.is_file() else ""
    if not written.startswith(MARK):
        if home.is_dir() and any(one.name != f"{file.name}.new" for one in home.iterdir()):
            raise Refusal(f"{home} holds something that is not a simulated town; name an empty folder")
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_new(file, f"{MARK}\nkeys = '{home / 'keys'}'\nwitness = '{home / 'witness'}'\n".encode())
    return Place(home, home / "keys", home / "witness")


@click.group(invoke_without_command=True)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="A new folder, or one to go on with.",
)
@click.option("--patients", type=click.IntRange(1), default=10_000, show_default=True, help="How many people.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Other people.")
@click.option("--workers", type=click.IntRange(1), default=None, help="Processes; by default one a core.")
@click.option("--bare", is_flag=True, help="Fill the resource tables alone, none of those that rooms keep.")
@click.option("--json", is_flag=True, help="Print JSON.")
@click.pass_context
def simulate(
    ctx: click.Context, /, home: Path | None, patients: int, seed: int, workers: int | None, **how: bool
) -> int | None:
    """Fill the lake of a home with a simulated town, without a log: at least fifty resources a person.

    Stopped and begun again it goes on. Then `ONMARU_HOME=HOME onmaru lake sql …` asks it. Nothing can be written to it.
    """
    if ctx.invoked_subcommand is not None:
        return None
    if home is None:
        raise Refusal("--home FOLDER is missing, or a command; see --help", USAGE)
    began, json = time.monotonic(), how["json"]
    house = House(ground(home.expanduser().resolve()))
    try:
        with progress("resources", None, quiet=json) as advance:
            resources = fill(house, Size(seed, patients, bare=how["bare"]), workers or os.cpu_count() or 1, advance)
    finally:
        house.close()
    seconds = time.monotonic() - began
    say({"patients": patients, "resources": resources, "seconds": round(seconds, 1)}, json=json)
    return DONE


simulate.add_command(streams)
