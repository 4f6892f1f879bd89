"""`onmaru tenant`: the tenants kept at the keyboard of the house, through the running server where there is one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from onmaru.app import control, destroying
from onmaru.app.house import House, place
from onmaru.app.keeping import Keeping, at_the_keyboard
from onmaru.app.lines import say
from onmaru.kernel.erasure import driven
from onmaru.kernel.tenancy import Act

_json = click.option("--json", is_flag=True, help="Print JSON.")
_reason = click.option(
    "--reason", required=True, help="Why, as it stands in the house's books; at most 500 characters."
)


@click.group()
def tenant() -> None:
    """Make, list, suspend, resume and destroy tenants."""


@tenant.command("add")
@click.argument("name")
@_json
def add(name: str, json: bool) -> None:
    """Make a tenant: a folder, keys of its own, an empty log. Back its new key up: see `keys`.

    The tenant `house` is that of those who run the house: its users with the role admin keep the others by the API.
    """
    say(_done(Act("add", name)), json=json)


@tenant.command("list")
@_json
def listing(json: bool) -> None:
    """List the tenants, and those that were destroyed."""
    for line in Keeping(House(place(), rooms=())).listing():
        say(line, json=json)


@tenant.command("show")
@click.argument("name")
@_json
def show(name: str, json: bool) -> None:
    """Tell what is known of a tenant: its state, limits, size, and where it was exported."""
    say(_asked(name, None, lambda keeping: keeping.shown(name)), json=json)


@tenant.command("suspend")
@click.argument("name")
@_reason
@_json
def suspend(name: str, reason: str, json: bool) -> None:
    """Shut every door of a tenant from the next request on; its data are kept."""
    say(_done(Act("suspend", name, reason)), json=json)


@tenant.command("resume")
@click.argument("name")
@click.option("--reason", default="", help="Why, as it stands in the house's books; at most 500 characters.")
@_json
def resume(name: str, reason: str, json: bool) -> None:
    """Open a suspended tenant again."""
    say(_done(Act("resume", name, reason)), json=json)


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
    say(_asked(name, act, lambda keeping: _destroyed(keeping, act)), json=json)


def _done(act: Act) -> Mapping[str, Any]:
    return _asked(act.tenant, act, lambda keeping: keeping.do(at_the_keyboard(), act))


def _asked(tenant: str, act: Act | None, here: Callable[[Keeping], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What the running server says, or what comes of it done here."""
    where = place()
    if control.served(where.home):
        lines: list[Mapping[str, Any]] = []
        control.ask(where.home, control.Asked("", "", tenant, "", {}, act), lines.append)
        return lines[-1]
    house = House(where)
    try:
        keeping = Keeping(house)
        return here(keeping)
    finally:
        house.close()


def _destroyed(keeping: Keeping, act: Act) -> Mapping[str, Any]:
    destroying.finish_all(keeping.house)
    driven(destroying.beginning(keeping, at_the_keyboard(), act))
    destroying.finish_all(keeping.house)
    return keeping.shown(act.tenant)
