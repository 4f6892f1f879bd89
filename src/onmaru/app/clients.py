"""`onmaru client`: the apps and backend services that may ask this house for tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from onmaru.app.house import House, place
from onmaru.app.lines import say
from onmaru.app.refusal import REFUSED, Refusal
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.accounts import User
from onmaru.kernel.caller import ROLES, Role
from onmaru.kernel.clients import Flow
from onmaru.kernel.registration import Metadata, invite, register, remove, told

DAY = 24 * 3_600_000_000
_of = click.option("--tenant", default="main", show_default=True, help="Whose clients.")
_json = click.option("--json", is_flag=True, help="Print JSON.")


@click.group()
def client() -> None:
    """Register, list and remove SMART apps and backend services."""


@client.command("add")
@click.argument("name")
@click.option("--id", "id", default="", help="The client id; by default one is made.")
@click.option("--redirect", "redirects", multiple=True, help="Where a browser may go back to. May be given again.")
@click.option("--scope", default="", help="The most it may ask for; by default one patient's record, read.")
@click.option(
    "--proof",
    type=click.Choice(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
    default="none",
    show_default=True,
    help="How it proves itself; none: a public app.",
)
@click.option(
    "--keys", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its public keys, a JWKS file."
)
@click.option(
    "--keys-at", default="", help="The https address of its public keys, among those the tenant may fetch from."
)
@click.option("--launch", default="", help="Its launch address, for an app that the hospital's own pages open.")
@click.option("--backend", default="", help="A backend service, which acts in the name of this user and asks nobody.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(ROLES),
    help="Roles of that user where it is new; by default data-manager.",
)
@_of
@_json
def add(**given: Any) -> None:
    """Register an app; its secret, where it has one, is printed once."""
    house = House(place(), rooms=())
    tenant = _known(house, given["tenant"])
    if given["backend"]:
        _machine(house, tenant, given["backend"], given["roles"] or ("data-manager",))
    flows: tuple[Flow, ...] = ("client_credentials",) if given["backend"] else ("authorization_code", "refresh_token")
    said = Metadata(
        client_name=given["name"],
        redirect_uris=given["redirects"],
        token_endpoint_auth_method=given["proof"],
        grant_types=flows,
        scope=given["scope"],
        jwks=msgspec.Raw(given["keys"].read_bytes() if given["keys"] else b""),
        jwks_uri=given["keys_at"],
        initiate_login_uri=given["launch"],
        user=given["backend"],
        client_id=given["id"],
    )
    try:
        made, secret = register(house.logins, tenant, said, "command line")
    except Invalid as error:
        raise Refusal("; ".join(f"{one.expression}: {one.text}" for one in error.issues), REFUSED) from error
    say({**_line(told(made)), **({"client_secret": secret} if secret else {})}, json=given["json"])


@client.command("list")
@_of
@_json
def listing(tenant: str, json: bool) -> None:
    """List a tenant's apps."""
    house = House(place(), rooms=())
    for one in house.logins.accounts.clients(_known(house, tenant)):
        say(_line(told(one)), json=json)


@client.command("remove")
@click.argument("id")
@_of
def removal(id: str, tenant: str) -> None:
    """Forget an app; within a second nothing that it was granted opens anything."""
    house = House(place(), rooms=())
    try:
        remove(house.logins, _known(house, tenant), id)
    except Invalid as error:
        raise Refusal(f"no client {id} in tenant {tenant}") from error


@client.command("invite")
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="How long it stands.")
@_of
@_json
def invitation(days: int, tenant: str, json: bool) -> None:
    """Let apps register themselves: prints an initial access token (RFC 7591) once."""
    house = House(place(), rooms=())
    secret, grant = invite(house.logins, _known(house, tenant), days * DAY)
    if json:
        say({"token": secret, "expires": grant.expires}, json=True)
    else:
        click.echo(secret)


def _machine(house: House, tenant: str, name: str, roles: tuple[Role, ...]) -> None:
    if house.logins.accounts.user(tenant, name) is None:
        house.logins.keep_user(User(tenant, name, name, roles))


def _line(shown: dict[str, Any]) -> dict[str, Any]:
    """A client in one line: lists as words, keys left out."""
    kept = {name: value for name, value in shown.items() if name != "jwks"}
    return {name: " ".join(value) if isinstance(value, list | tuple) else value for name, value in kept.items()}


def _known(house: House, tenant: str) -> str:
    if not house.exists(tenant):
        raise Refusal(f"no tenant {tenant}; `onmaru tenant add {tenant}` makes it")
    return tenant
