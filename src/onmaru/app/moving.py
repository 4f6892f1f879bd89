"""`onmaru move`: a whole tenant from the home into PostgreSQL or back, proved to be the same before it is served there."""

from __future__ import annotations

import os
from contextlib import ExitStack

import click
from msgspec.structs import replace

from onmaru.app.house import MAIN, MOVED, House, now, place
from onmaru.app.lines import say
from onmaru.app.progress import Advance, progress
from onmaru.app.refusal import DONE, REFUSED, Refusal
from onmaru.app.verifying import examined
from onmaru.engines.sqlite.home import hold
from onmaru.engines.sqlite.verify import Report
from onmaru.kernel.subscribing import KEPT

HOME = "home"


@click.command()
@click.argument("tenant", default=MAIN)
@click.option("--to", "goal", required=True, help="`home`, or the database: postgresql://user@host/database.")
@click.option("--json", is_flag=True, help="Print JSON.")
def move(tenant: str, goal: str, json: bool) -> int:
    """Move TENANT's record, sealed as it is, and its accounts; both sides are verified. Nobody may serve it meanwhile.

    Blobs and tables stay in the home. What was moved is left behind under another name, for you to delete.
    """
    where = place()
    back = goal == HOME
    if back and not where.store:
        raise Refusal("ONMARU_STORE has to name the database that the tenant is in")
    here = House(replace(where, store=""), rooms=())
    there = House(replace(where, store=where.store if back else goal), rooms=())
    source, target = (there, here) if back else (here, there)
    if not source.exists(tenant):
        raise Refusal(f"there is no tenant {tenant}; `onmaru tenant list` lists them")
    with ExitStack() as stack:
        for house in (here, there):
            stack.callback(house.close)
        before = _sound(source, tenant)
        with progress("Entries", before.entries, quiet=json) as advance:
            _copied(there, tenant, advance, back=back)
        after = _sound(target, tenant, deep=True)
        if (after.entries, after.bodies, after.audit_rows) != (before.entries, before.bodies, before.audit_rows):
            raise Refusal("what was moved is not what was there", REFUSED)
        _accounts(source, target, tenant)
        _subscriptions(source, target, tenant)
        left = _left(there, tenant, back=back)
    say({"tenant": tenant, "entries": after.entries, "audit_rows": after.audit_rows, "left": left}, json=json)
    return DONE


def _subscriptions(source: House, target: House, tenant: str) -> None:
    """Whose subscriptions are, how far each has come and what it told: they go on where they were."""
    if not source.subscribed(tenant):
        return
    old, new = source.ledger(tenant), target.ledger(tenant)
    try:
        if not new.lead():
            raise Refusal(f"a worker serves the subscriptions of tenant {tenant} where they are to go", REFUSED)
        for id, _ in new.rows():
            new.own(id, None)
        for id, _ in old.rows():
            owner, progress = old.row(id)
            new.own(id, owner)
            if progress is not None:
                events = old.events(id, 0, progress.number, KEPT)
                new.keep([(id, progress)], [(id, number, t) for number, t in events])
    finally:
        old.close()
        new.close()


def _sound(house: House, tenant: str, *, deep: bool = False) -> Report:
    report = examined(house, tenant, deep=deep)
    if not report.ok:
        first = report.wrong[0]
        raise Refusal(f"{first.file} {first.entry}: {first.what}; `onmaru verify` tells more", REFUSED)
    return report


def _copied(there: House, tenant: str, told: Advance, *, back: bool) -> None:
    from onmaru.engines.postgres import moving

    keys, _ = there.keys(tenant)
    folder, address = there.folder(tenant), there.where.store
    try:
        if back:
            moving.to_home(address, folder, keys, now, told)
            return
        lock = hold(folder / "home.lock")
        try:
            moving.to_database(address, folder, keys, told)
        finally:
            os.close(lock)
    except moving.Occupied:
        raise Refusal(f"there is a record of tenant {tenant} already where it is to go", REFUSED) from None


def _accounts(source: House, target: House, tenant: str) -> None:
    here, there = source.logins.accounts, target.logins.accounts
    for user in here.users(tenant):
        there.save_user(user)
        for grant in here.grants(tenant, user.user):
            there.save_grant(grant)
    for client in here.clients(tenant):
        there.save_client(client)


def _left(there: House, tenant: str, *, back: bool) -> str:
    """Have the record served on its new side alone; gives the name under which the old one lies."""
    from onmaru.engines.postgres import moving

    folder, address = there.folder(tenant), there.where.store
    if back:
        name = f"left-{tenant}-{now()}"
        moving.set_aside(address, tenant, name)
        (folder / MOVED).unlink(missing_ok=True)
        return name
    aside = folder / f"left-behind-{now()}"
    aside.mkdir()
    for path in sorted(folder.glob("*.db*")):
        if path.name.partition("-")[0] in moving.FILES:
            path.rename(aside / path.name)
    (folder / MOVED).touch()
    moving.arrived(address, tenant)
    return str(aside)
