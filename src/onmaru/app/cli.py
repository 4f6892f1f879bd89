"""The command line: a tree whose branches are imported only when they are walked, so that help answers at once."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from onmaru import __version__
from onmaru.app import rooms

# name → (module:attribute, help line). A command is listed here from the day it works, not before.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "audit": (
        "onmaru.app.auditing:audit",
        "See alarms on unusual access, export the audit trail, purge what is old of it.",
    ),
    "backup": ("onmaru.app.backups:backup", "Back tenants up, prove the backups, restore from them."),
    "bench": ("onmaru.app.bench:bench", "Measure a figure beside its floor."),
    "client": ("onmaru.app.clients:client", "Register, list and remove SMART apps and backend services."),
    "dead-letters": ("onmaru.app.dead_letters:dead_letters", "See, mend and replay what the doors could not take."),
    "demo": ("onmaru.app.demo.command:demo", "Run a simulated hospital against a house of its own."),
    "docs": ("onmaru.app.docs:docs", "Build the documentation and its generated pages."),
    "erase": ("onmaru.app.erase:erase", "Erase a person for good, where no law keeps the record."),
    "fhirpath": ("onmaru.app.fhirpath:fhirpath", "Evaluate a FHIRPath expression on a resource in a file."),
    "lake": ("onmaru.app.lake_group:lake", "See, ask and export the resource tables of the lake."),
    "load": ("onmaru.app.loading:load", "Load FHIR and HL7 v2 files."),
    "model": ("onmaru.app.model:model", "Train, validate and list the monitor's risk models."),
    "move": ("onmaru.app.moving:move", "Move a tenant from the home into PostgreSQL, or back."),
    "package": ("onmaru.app.packages:package", "Install, list and remove FHIR packages of a tenant."),
    "prove": ("onmaru.app.proofs:prove", "Show that a point of an issue holds, and write the evidence."),
    "rooms": ("onmaru.app.rooms_listing:listing", "List the rooms and what each offers."),
    "sbom": ("onmaru.app.sbom:sbom", "Tell what this installation is made of, and which of it advisories speak of."),
    "serve": ("onmaru.app.serving:serve", "Serve the record, rooms and pages over HTTP, and take HL7 v2 by MLLP."),
    "settings": ("onmaru.app.settings_listing:listing", "List every setting, its value and where it came from."),
    "tenant": ("onmaru.app.tenants:tenant", "Make, list, suspend, export and destroy tenants."),
    "simulate": ("onmaru.app.town.command:simulate", "Fill a lake with a simulated town of any size."),
    "terms": ("onmaru.app.terms:terms", "Load, list and remove code systems of a tenant."),
    "token": ("onmaru.app.people:token", "Make a bearer token for a user."),
    "user": ("onmaru.app.people:user", "Make, list and disable users."),
    "validate": ("onmaru.app.validating:validate", "Validate FHIR resources in files against R4 and profiles."),
    "verify": ("onmaru.app.verifying:verify", "Prove that what is stored is what was written."),
    "views": ("onmaru.app.views.command:views", "Run ViewDefinitions on files, and the suite of SQL on FHIR."),
    "test": ("onmaru.app.checks:test", "Run every check: lint, types, imports, docs, interface, tests."),
}

# The function that opens a Hall for a room's command (`room_commands.Opener`); a place, because it imports every engine.
HALL_OPENER = "onmaru.app.opening:open_hall"


class Unheard(Exception):
    """Whoever read our output has left."""


@contextmanager
def heard() -> Iterator[None]:
    """Tell of a pipe that nobody reads before click does: its exit status 1 would say that the answer is no."""
    try:
        yield
    except BrokenPipeError as error:
        raise Unheard from error


class Tree(click.Group):
    """Commands of the program, then one group for each room."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with heard():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with heard():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *rooms.known()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return _command(COMMANDS[cmd_name][0])
        if cmd_name in rooms.known():
            from onmaru.app import room_commands

            return room_commands.group(rooms.open_room(cmd_name), _attribute(HALL_OPENER))
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])
        names = self.list_commands(ctx)[len(COMMANDS) :]
        if names:
            with formatter.section("Rooms"):
                formatter.write_dl([(name, f"Commands of the room {name}.") for name in names])


def _attribute(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def _command(place: str) -> click.Command:
    found = _attribute(place)
    if not isinstance(found, click.Command):
        raise TypeError(f"{place} is not a command")
    return found


@click.group(cls=Tree, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="onmaru", message="%(prog)s %(version)s")
def tree() -> None:
    """Onmaru: one record for each patient, at the bedside and in research."""


def run(args: Sequence[str], command: click.Command = tree) -> int:
    """Run one command line and give its exit status (see `onmaru.app.refusal`). A command returns None or a status."""
    from onmaru.app import refusal

    try:
        return _status(args, command)
    except (Unheard, BrokenPipeError):
        # What Python still holds to be written must not fail once more at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return refusal.UNHEARD


def _status(args: Sequence[str], command: click.Command) -> int:
    from onmaru.app import refusal

    try:
        answer = command.main(list(args), prog_name="onmaru", standalone_mode=False)
        return answer if isinstance(answer, int) else refusal.DONE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("onmaru: interrupted", err=True)
        return refusal.INTERRUPTED
    except Unheard:
        raise
    except Exception as error:
        if os.environ.get("ONMARU_TRACE"):
            raise
        text, status = refusal.verdict(error)
        click.echo(f"onmaru: {text}", err=True)
        return status


def whole_streams() -> None:
    """Open the null device for each of stdin, stdout and stderr that is closed: no file of ours may take its number."""
    for stream in (0, 1, 2):
        try:
            os.fstat(stream)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def main() -> None:
    whole_streams()
    # Whatever a command makes, keys or data, is its user's alone
    os.umask(0o077)
    sys.exit(run(sys.argv[1:]))
