"""`onmaru tenant`: the tenants kept at the keyboard of the house, through the running server where there is one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from onmaru.app import control, departing, destroying
from onmaru.app.house import House, place
from onmaru.app.keeping import Keeping, at_the_keyboard
from onmaru.app.lines import say
from onmaru.app.progress import progress
from onmaru.app.refusal import REFUSED, Refusal
from onmaru.fhir.verbatim import instant
from onmaru.kernel.erasure import driven
from onmaru.kernel.tenancy import Act

_json = click.option("--json", is_flag=True, help="Print JSON.")
_reason = click.option(
    "--reason", required=True, help="Why, as it stands in the house's books; at most 500 characters."
)


@click.group()
def tenant() -> None:
    """Make, list, suspend, resume, export, import and destroy tenants."""


@tenant.command("add")
@click.argument("name")
@_json
def add(name: str, json: bool) -> None:
    """Make a tenant: a folder, keys of its own, an empty log. Back its new key up: see `keys`.

    The tenant `house` is that of those who run the house: its users with the role admin keep the others by the API.
    """
    _say(_done(Act("add", name)), json=json)


@tenant.command("list")
@_json
def listing(json: bool) -> None:
    """List the tenants, and those that were destroyed."""
    for line in Keeping(House(place(), rooms=())).listing():
        _say(line, json=json)


@tenant.command("show")
@click.argument("name")
@_json
def show(name: str, json: bool) -> None:
    """Tell what is known of a tenant: its state, limits, size, and where it was exported."""
    _say(_asked(name, None, lambda keeping: keeping.shown(name)), json=json)


@tenant.command("suspend")
@click.argument("name")
@_reason
@_json
def suspend(name: str, reason: str, json: bool) -> None:
    """Shut every door of a tenant from the next request on; its data are kept."""
    _say(_done(Act("suspend", name, reason)), json=json)


@tenant.command("resume")
@click.argument("name")
@click.option("--reason", default="", help="Why, as it stands in the house's books; at most 500 characters.")
@_json
def resume(name: str, reason: str, json: bool) -> None:
    """Open a suspended tenant again."""
    _say(_done(Act("resume", name, reason)), json=json)


@tenant.command("limit")
@click.argument("name")
@click.option("--resources", type=click.IntRange(0), help="Versions of resources that it may hold.")
@click.option("--blobs", type=click.IntRange(0), help="Bytes of blobs that it may keep.")
@click.option("--rate", type=click.IntRange(0), help="Requests a second.")
@click.option("--at-once", type=click.IntRange(0), help="Requests at a time.")
@_json
def limit(name: str, json: bool, **given: int | None) -> None:
    """Limit what a tenant may use; 0 takes a limit away, and what is not named stays as it is."""
    limits = {one: value for one, value in given.items() if value is not None}
    _say(_done(Act("limit", name, limits=limits)), json=json)


@tenant.command("destroy")
@click.argument("name")
@_reason
@click.option("--again", default="", help="The name once more; asked for at a terminal.")
@click.option("--transferred", default="", help="To whom the records were handed over, where a law still keeps them.")
@_json
def destroy(name: str, reason: str, again: str, transferred: str, json: bool) -> None:
    """Destroy a suspended tenant for good: its key, then all that lies of it. No copy of it can be read afterwards.

    Refused while a law keeps any of its records, unless it was exported whole as it stands, or `--transferred` says to whom
    its records were handed over. What was begun and cut short is finished first.
    """
    if not again and sys.stdin.isatty():
        again = click.prompt(f"This destroys {name} and all its data for good. Type its name again", default="")
    act = Act("destroy", name, reason, again, transferred)
    _say(_asked(name, act, lambda keeping: _destroyed(keeping, act)), json=json)


@tenant.command("export")
@click.argument("name")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--key", type=click.Path(dir_okay=False, path_type=Path), help="File of the key that seals it; made if absent."
)
@click.option("--in-clear", is_flag=True, help="Write patients' records unencrypted.")
@click.option("--reason", default="", help="Why, as it stands in the house's books; at most 500 characters.")
@_json
def export(name: str, folder: Path, key: Path | None, in_clear: bool, reason: str, json: bool) -> None:
    """Write a tenant whole into FOLDER: every version, its blobs, its audit trail and who could come in, as NDJSON.

    Sealed with the key in a file of its own, or with `--in-clear` for who has to read it without this program. Nobody has
    to stop for it. Cut short, the same command goes on; what has changed since then is not in it.
    """
    if (key is None) is not in_clear:
        raise Refusal("say either --key FILE, or --in-clear: the folder holds every patient's record", REFUSED)
    act = Act("export", name, reason)
    entries = int(_done(act)["entries"])
    house = House(place(), rooms=())
    secret = departing.key_in(key, make=True, folder=folder)
    with progress("Entries", entries, quiet=json) as advance:
        line, stood = departing.exported(house, name, folder, secret, advance)
    house.close()
    _done(replace(act, exported=stood))
    say(line, json=json)
    if in_clear:
        click.echo(f"onmaru: {folder} holds the records of patients in clear", err=True)


@tenant.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--as", "name", default="", help="The new tenant's name; by default the one it had.")
@click.option(
    "--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File of the key that sealed it."
)
@_json
def bring(folder: Path, name: str, key: Path | None, json: bool) -> None:
    """Make a tenant of a whole export. Every hash and commitment is checked; its chains are sealed anew in this house.

    Compare `signed_by` with what the export told: then the house that has that key made it, and nobody changed it since.

    Passwords, tokens, second steps and apps' secrets do not travel: users get new ones. Cut short, nothing of it is there.
    """
    house = House(place(), rooms=())
    secret = departing.key_in(key, make=False, folder=folder)
    named = name or departing.name_in(folder, secret)
    with progress("Entries", None, quiet=json) as advance:
        line = departing.imported(house, named, folder, secret, advance)
    house.close()
    _done(Act("import", named, f"from {line['from']}"))
    say(line, json=json)


def _say(line: Mapping[str, Any], *, json: bool) -> None:
    """Print what is known of a tenant; a reader is told times as a clock shows them."""
    say(line if json else _clocked(line), json=json)


def _clocked(line: Mapping[str, Any]) -> dict[str, Any]:
    """With `at`, in µs since 1970 UTC, as an instant; 0 is never."""
    told: dict[str, Any] = {
        name: _clocked(value) if isinstance(value, Mapping) else value for name, value in line.items()
    }
    if "at" in told:
        told["at"] = instant(told["at"]) if told["at"] else "-"
    return told


def _done(act: Act) -> Mapping[str, Any]:
    return _asked(act.tenant, act, lambda keeping: keeping.do(at_the_keyboard(), act))


def _asked(tenant: str, act: Act | None, here: Callable[[Keeping], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What the running server says, or what comes of it done here."""
    where, lines = place(), list[Mapping[str, Any]]()
    try:
        control.ask(where.home, control.Asked("", "", tenant, "", {}, act), lines.append)
        return lines[-1]
    except control.Unserved:
        house = House(where)
    try:
        return here(Keeping(house))
    finally:
        house.close()


def _destroyed(keeping: Keeping, act: Act) -> Mapping[str, Any]:
    destroying.finish_all(keeping.house)
    driven(destroying.beginning(keeping, at_the_keyboard(), act))
    destroying.finish_all(keeping.house)
    return keeping.shown(act.tenant)
