"""`onmaru package`: FHIR packages of profiles installed in a tenant's record, listed and removed.

While a server runs the work goes through it, since it alone may write; else the house is opened for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from onmaru.app.asking import Server
from onmaru.app.house import MAIN, House, place, system
from onmaru.app.lines import say
from onmaru.app.refusal import REFUSED, Refusal
from onmaru.app.served_record import ServedRecord
from onmaru.engines.sqlite.home import Taken
from onmaru.fhir.profiles.package import read
from onmaru.kernel import packages
from onmaru.kernel.accounts import User

KEEPER = User("", "onmaru-package", "onmaru package", ("system",))
_of = click.option("--tenant", default=MAIN, show_default=True, help="In whose record.")
_json = click.option("--json", is_flag=True, help="Print JSON.")


@click.group()
def package() -> None:
    """Install, list and remove FHIR packages (.tgz) of profiles, value sets and code systems."""


@contextmanager
def record_of(tenant: str) -> Iterator[packages.Definitions]:
    """The tenant's record, of a running server where one holds it."""
    house = House(place(), rooms=())
    if not house.exists(tenant):
        raise Refusal(f"there is no tenant {tenant}; `onmaru tenant list` lists them", REFUSED)
    try:
        yield _opened(house, tenant)
    finally:
        house.close()


def _opened(house: House, tenant: str) -> packages.Definitions:
    try:
        return house.hall(system(tenant, KEEPER.user)).record
    except Taken:
        return ServedRecord(Server(house, tenant, KEEPER))


@package.command("install")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_of
@_json
def install(file: Path, tenant: str, json: bool) -> None:
    """Install the package in FILE, in place of an earlier version of it; packages it needs and lacks are named."""
    found = read(file.read_bytes())
    with record_of(tenant) as record:
        done = packages.install(record, found)
    _say(done, json=json)
    for issue in found.left_out:
        click.echo(f"left out, not valid R4: {issue.expression}: {issue.text}", err=True)
    if done.missing and not json:
        click.echo(f"not installed, but needed: {', '.join(done.missing)}", err=True)


@package.command("list")
@_of
@_json
def listing(tenant: str, json: bool) -> None:
    """List what is installed, and what it needs and lacks."""
    with record_of(tenant) as record:
        for one in packages.installed(record):
            _say(one, json=json)


@package.command("remove")
@click.argument("name")
@_of
@_json
def remove(name: str, tenant: str, json: bool) -> None:
    """Remove the package NAME with all of its definitions."""
    with record_of(tenant) as record:
        say({"package": name, "removed": packages.remove(record, name)}, json=json)


def _say(one: packages.Installed, *, json: bool) -> None:
    told = msgspec.to_builtins(one)
    say(told if json else {**told, "missing": ", ".join(one.missing) or "nothing"}, json=json)
