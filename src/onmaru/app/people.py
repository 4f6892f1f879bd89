"""`onmaru user`, `onmaru token`: who may come in, made at the keyboard of the house."""

from __future__ import annotations

import sys

import click
import msgspec

from onmaru.app.house import House, place
from onmaru.app.lines import say
from onmaru.app.refusal import REFUSED, Refusal
from onmaru.app.settings import load
from onmaru.kernel.accounts import NAME, NAMED, User
from onmaru.kernel.caller import ROLES, Role

_of = click.option("--tenant", default="main", show_default=True, help="Whose users.")
_json = click.option("--json", is_flag=True, help="Print JSON.")


@click.group()
def user() -> None:
    """Make, list and disable users."""


@user.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help="May be given again.")
@click.option("--display", default="", help="The person's name as pages show it.")
@click.option("--patient", default="", help="The Patient id that the role patient is bound to.")
@click.option(
    "--language", type=click.Choice(["ko", "en"]), help="Language of pages; by default the setting `language`."
)
@_of
@_json
def add(  # noqa: PLR0913 - click hands over each option as an argument
    name: str, roles: tuple[Role, ...], display: str, patient: str, language: str | None, tenant: str, json: bool
) -> None:
    """Make a user; the password is read from standard input, or asked for at a terminal."""
    house = House(place(), rooms=())
    _known(house, tenant)
    _called(name)
    if house.logins.accounts.user(tenant, name) is not None:
        raise Refusal(f"there is a user {name} in tenant {tenant} already; the interface changes users", REFUSED)
    secret = click.prompt("Password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    spoken = language or load()["language"].value
    made = User(tenant, name, display or name, roles, patient=patient, language="en" if spoken == "en" else "ko")
    house.logins.keep_user(house.logins.set_password(made, secret) if secret else made)
    say({"user": name, "tenant": tenant, "roles": ", ".join(roles)}, json=json)


@user.command("list")
@_of
@_json
def listing(tenant: str, json: bool) -> None:
    """List a tenant's users."""
    for one in House(place(), rooms=()).logins.accounts.users(tenant):
        say({"user": one.user, "name": one.name, "roles": ", ".join(one.roles), "disabled": one.disabled}, json=json)


@user.command("disable")
@click.argument("name")
@_of
def disable(name: str, tenant: str) -> None:
    """End all of a user's sessions and tokens and let it in no more."""
    logins = House(place(), rooms=()).logins
    found = logins.accounts.user(tenant, name)
    if found is None:
        raise Refusal(f"no user {name} in tenant {tenant}")
    logins.keep_user(msgspec.structs.replace(found, disabled=True))


@click.command()
@click.option("--user", "name", required=True, help="In whose name.")
@click.option(
    "--service", is_flag=True, help="Make a machine user of that name, with the role system, where there is none."
)
@click.option(
    "--scope", default="", help="SMART v2 scopes, space-separated; by default all that the user's roles give."
)
@click.option("--days", type=click.IntRange(1, 36_500), default=90, show_default=True, help="How long it lasts.")
@_of
@_json
def token(name: str, service: bool, scope: str, days: int, tenant: str, json: bool) -> None:
    """Make a bearer token and print it once; only a hash of it is kept."""
    house = House(place(), rooms=())
    _known(house, tenant)
    found = house.logins.accounts.user(tenant, name)
    if found is None:
        if not service:
            text = f"no user {name} in tenant {tenant}; `onmaru user add` makes a person, --service a machine user"
            raise Refusal(text, REFUSED)
        _called(name)
        found = User(tenant, name, name, ("system",))
        house.logins.keep_user(found)
    secret, grant = house.logins.issue(found, scope, lasts=days * 86_400_000_000, label="command line")
    if json:
        say(
            {"token": secret, "user": name, "tenant": tenant, "scope": grant.scopes, "expires": grant.expires},
            json=True,
        )
    else:
        click.echo(secret)


def _known(house: House, name: str) -> None:
    if not house.exists(name):
        raise Refusal(f"no tenant {name}; `onmaru tenant add {name}` makes it")


def _called(name: str) -> None:
    if not NAME.fullmatch(name):
        raise Refusal(NAMED)
