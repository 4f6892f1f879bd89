"""`onmaru demo`: the whole house on this machine with a simulated hospital sending into it, or one run to its end."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from onmaru.app.demo import live, once
from onmaru.app.demo.ground import chosen_home
from onmaru.app.lines import say
from onmaru.app.progress import progress
from onmaru.app.refusal import DONE, NO


@click.command()
@click.option(
    "--once", "to_the_end", is_flag=True, help="Run a fixed hospital to its end, compare and exit; 0: all agrees."
)
@click.option("--json", is_flag=True, help="Print JSON.")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="The demo's own folder. By default ONMARU_HOME, else `demo` in the data directory; --once: a temporary one.",
)
@click.option("--speed", type=float, default=20.0, show_default=True, help="Simulated time beside real time.")
@click.option("--past", type=float, default=5.0, show_default=True, help="Simulated days that are sent at once first.")
@click.option("--seed", type=int, default=None, help="Another hospital than the usual one.")
@click.option("--days", type=float, default=once.Size().days, show_default=True, help="With --once: simulated days.")
@click.option(
    "--patients", type=int, default=once.Size().patients, show_default=True, help="With --once: people who come."
)
@click.option("--port", type=int, default=None, help="Port of the pages; by default the setting `port`.")
@click.option("--mllp-port", type=int, default=None, help="Port for HL7 v2; by default the setting `mllp_port`.")
def demo(to_the_end: bool, json: bool, home: Path | None, **given: Any) -> int:
    """Run a simulated Korean hospital against a house of its own, on this machine alone.

    Prints the address and an account for each role, opens nothing, and runs until Ctrl-C. Everybody in it is invented.
    """
    if to_the_end:
        return _once(home, given, json=json)
    wish = live.Wish(
        home=chosen_home(home),
        speed=given["speed"],
        past=given["past"],
        seed=given["seed"],
        port=given["port"],
        mllp_port=given["mllp_port"],
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(live.live(wish, lambda line: say(line, json=json)))
    return DONE


def _once(home: Path | None, given: Mapping[str, Any], *, json: bool) -> int:
    seed = once.Size().seed if given["seed"] is None else given["seed"]
    size = once.Size(seed, given["days"], given["patients"])
    with tempfile.TemporaryDirectory(prefix="onmaru-demo-") as scratch:
        folder = home.expanduser().resolve() if home is not None else Path(scratch) / "home"
        with (
            progress("sending", None, quiet=json) as advance,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            report = runner.run(once.once(size, folder, advance))
    line: dict[str, Any] = msgspec.to_builtins(report)
    if json:
        say(line, json=True)
    else:
        wrong = line.pop("disagreements")
        say(line, json=False)
        for one in wrong:
            say({"text": f"DISAGREES  {one}"}, json=False)
    return DONE if report.agree else NO
