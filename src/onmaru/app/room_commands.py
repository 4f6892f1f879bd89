"""A room's commands on the command line: each runs in a Hall bound to one Caller, and prints one line at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from onmaru.app.lines import say
from onmaru.app.refusal import Elsewhere
from onmaru.kernel.room import Command, Hall, Room

# (room, command, tenant, user) → the Hall for one run of the command, narrowed to the command's scope.
Opener = Callable[[Room, Command, str, str], AbstractContextManager[Hall]]


def group(room: Room, opener: Opener) -> click.Group:
    """The click group `onmaru ROOM`, one command for each Command of the room."""
    commands = {command.name: _command(room, command, opener) for command in room.commands}
    return click.Group(room.name, commands, help=f"Commands of the room {room.name}.")


def _command(room: Room, command: Command, opener: Opener) -> click.Command:
    def run(tenant: str, user: str, json: bool, **values: str | None) -> int:
        given: Mapping[str, str] = {name: _whole(name, value) for name, value in values.items() if value is not None}
        try:
            with opener(room, command, tenant, user) as hall:
                return command.run(hall, given, lambda line: say(line, json=json))
        except Elsewhere:
            from onmaru.app.control import Asked, ask
            from onmaru.app.house import place

            asked = Asked(room.name, command.name, tenant, user, dict(given))
            return ask(place().home, asked, lambda line: say(line, json=json))

    params = [_parameter(name, help) for name, help in command.args]
    return click.Command(command.name, callback=run, help=command.help, params=[*params, *_common()])


def _whole(name: str, value: str) -> str:
    """An argument called `dir` or `file` is one as seen from here, also when the command runs in the server."""
    return str(Path(value).expanduser().absolute()) if name in ("dir", "file") else value


def _parameter(name: str, help: str) -> click.Parameter:
    """`--name` is an option with a value, `name?` an argument that may be left out, `name` one that may not."""
    if name.startswith("--"):
        return click.Option([name], help=help)
    bare = name.removesuffix("?")
    return click.Argument([bare], required=bare == name, metavar=bare.upper())


def _common() -> list[click.Parameter]:
    settings: dict[str, Any] = {"show_default": True}
    return [
        click.Option(["--tenant"], default="main", help="Whose record.", **settings),
        click.Option(["--user"], default="", help="In whose name; by default the system's own."),
        click.Option(["--json"], is_flag=True, help="Print each line as JSON."),
    ]
