"""`onmaru erase`: a person taken out of record, blobs, tables and dead letters; the plan is shown first.

While a server runs the work goes through it, since it alone may write; else the house is opened for it.
"""

from __future__ import annotations

import json as plain_json
import sys
from typing import Any

import click
import msgspec

from onmaru.app import asking
from onmaru.app.erasing import erased, eraser
from onmaru.app.house import MAIN, House, place, system
from onmaru.app.lines import say
from onmaru.app.refusal import DONE, REFUSED, Refusal
from onmaru.engines.sqlite.home import Taken
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.accounts import User
from onmaru.kernel.entry import ID
from onmaru.kernel.erasure import Asked, driven

NOBODY = "there is no Patient with this id, nor was there one"
KEEPER = User("", "onmaru-erase", "onmaru erase", ("system",))
Json = dict[str, Any]


@click.command()
@click.argument("patient", metavar="PATIENT")
@click.option("--reason", required=True, help="Why, as it stands in the audit trail; at most 500 characters.")
@click.option("--dry-run", is_flag=True, help="Only show what would be erased.")
@click.option("--with-shared", is_flag=True, help="Erase whole what is other patients' too and cannot be parted.")
@click.option("--yes", is_flag=True, help="Do not ask at a terminal.")
@click.option("--tenant", default=MAIN, show_default=True, help="Whose record.")
@click.option("--json", is_flag=True, help="Print JSON; the last line is the result.")
def erase(  # noqa: PLR0913 - click hands over each option as an argument
    patient: str, reason: str, dry_run: bool, with_shared: bool, yes: bool, tenant: str, json: bool
) -> int:
    """Erase the person of a Patient id: every version of all that is theirs alone, its blobs, dead letters and table rows.

    Refused, with every hindrance, while a law keeps any of it or where it cannot be parted from other patients. The plan is
    shown first. What stays is the sealed proof that it was erased, by whom and why, and the trail of who saw it before.
    """
    if not ID.fullmatch(patient):
        raise Refusal("PATIENT is the id of a Patient: letters, digits, - and ., at most 64", REFUSED)
    asked = Asked(patient, reason, with_shared)
    house = House(place())
    if not house.exists(tenant):
        raise Refusal(f"there is no tenant {tenant}; `onmaru tenant list` lists them")
    try:
        opened = _opened(house, tenant)
        say({**_asked(house, tenant, asked, opened=opened, rehearse=True), "erased": False}, json=json)
        if dry_run:
            return DONE
        if not yes and not json and sys.stdin.isatty():
            click.confirm("Erase all this for good?", abort=True)
        say({**_asked(house, tenant, asked, opened=opened, rehearse=False), "erased": True}, json=json)
    finally:
        house.close()
    return DONE


def _opened(house: House, tenant: str) -> bool:
    try:
        house.seat(tenant)
    except Taken:
        return False
    return True


def _asked(house: House, tenant: str, asked: Asked, *, opened: bool, rehearse: bool) -> Json:
    if not opened:
        return _served(house, tenant, asked, rehearse=rehearse)
    caller = system(tenant, KEEPER.user)
    try:
        if rehearse:
            return driven(eraser(house, tenant).planning(caller, asked)).told()
        return erased(house, tenant, caller, asked).told()
    except Invalid as error:
        if error.status == 404:
            raise Refusal(NOBODY, REFUSED) from None
        raise


def _served(house: House, tenant: str, asked: Asked, *, rehearse: bool) -> Json:
    """The same from the running server."""
    given = [("reason", "valueString", asked.reason), ("dryRun", "valueBoolean", rehearse)]
    given.append(("withShared", "valueBoolean", asked.with_shared))
    body = {"resourceType": "Parameters", "parameter": [{"name": name, kind: value} for name, kind, value in given]}
    server = asking.Server(house, tenant, KEEPER)
    answer = server.ask("POST", f"/fhir/Patient/{asked.patient}/$purge", msgspec.json.encode(body))
    return _plain(plain_json.loads(answer))


def _plain(parameters: Json) -> Json:
    """Parameters as `Plan.told` tells them."""
    lists: Json = {"patients": [], "by_type": {}, "rewritten": {}, "shared": [], "kept_by_law": []}
    counts: Json = {}
    for one in parameters["parameter"]:
        name = one["name"]
        if "part" in one:
            lists[name] = {part["name"]: part["valueInteger"] for part in one["part"]}
        elif "valueInteger" in one:
            counts[name] = one["valueInteger"]
        elif name in lists:
            lists[name].append(one["valueString"])
    return {**lists, **counts}
