"""A tenant destroyed: its key first, so that from then on no copy of it can be read, then all that lies of it here.

What is begun is written down before anything is taken away, and whoever comes after a crash goes on from there.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator

from msgspec.structs import replace

from onmaru.app.house import House, now
from onmaru.app.keeping import ALWAYS, Keeping, unfinished
from onmaru.engines import keyring
from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.kernel import retention
from onmaru.kernel.books import is_book
from onmaru.kernel.caller import Caller
from onmaru.kernel.index import Index
from onmaru.kernel.log import Log
from onmaru.kernel.tenancy import Act, Tenancy

SLICE = 200


def beginning(keeping: Keeping, caller: Caller, act: Act) -> Generator[None, None, Tenancy]:
    """Judge, in short slices, and write down that the tenant is being destroyed; nothing is taken away yet.

    `Invalid` 404, 409 or 422 with every hindrance. One that is destroyed, or being so, is given as it stands: to ask twice
    is to ask once.
    """
    kept = keeping.known(act.tenant)
    if kept.state == "destroying" or (kept.state == "destroyed" and act.again == act.tenant):
        return kept
    try:
        _permitted(kept, act)
        home = keeping.house.seat(act.tenant).home
        home.wait(home.tip())
        yield from _kept_by_law(keeping.house, kept, act)
    except Invalid as error:
        keeping.note(caller, act, denied=error.issues[0].code)
        raise
    keeping.note(caller, act)
    for name in keeping.house.opened:
        books = keeping.house.seat(name).home
        books.wait(books.tip())
    t, seal, _, _ = home.ends()
    told = replace(kept, state="destroying", at=now(), by=caller.user, reason=act.reason, entries=t, seal=seal)
    begun = replace(told, transferred=act.transferred)
    keeping.house.tenancies.save(begun)
    return begun


def _permitted(kept: Tenancy, act: Act) -> None:
    if kept.tenant in ALWAYS:
        raise invalid("business-rule", f"{ALWAYS[kept.tenant]}, and is never destroyed", "tenant", 409)
    if act.again != act.tenant:
        raise invalid("value", "the name has to be given again, letter by letter", "again", 422)
    if not act.reason.strip():
        raise invalid("required", "a reason is needed", "reason", 422)
    if kept.state != "suspended":
        raise invalid("business-rule", "suspend it first: who still uses it has to notice", "tenant", 409)


def _kept_by_law(house: House, kept: Tenancy, act: Act) -> Generator[None, None, None]:
    """Refuse while a law keeps any of the record, unless it went somewhere else whole: see decision 131."""
    home = house.seat(kept.tenant).home
    ends = home.ends()[:2]
    whole = kept.exported is not None and (kept.exported.t, kept.exported.log) == ends
    if whole or act.transferred.strip():
        return
    held = yield from holding(home, home.index, now())
    if held:
        last = "export the tenant whole, or say to whom its records were transferred"
        raise Invalid([Issue("business-rule", text) for text in (*held, last)], 409)


def holding(log: Log, index: Index, at: int) -> Generator[None, None, list[str]]:
    """The rules that keep anything in a log, in short slices; what the house's own doors keep of messages is no record."""
    latest: dict[str, int] = {}
    t = 0
    while versions := log.read(t, SLICE):
        for version in versions:
            if version.body is None or version.op == "erase":
                continue
            keys = index.keys(version)
            if not is_book(version.type, keys):
                moment = retention.last_date(keys.date if version.type != "Patient" else (), at) or version.at
                latest[version.type] = max(moment, latest.get(version.type, moment))
        t = versions[-1].t
        yield
    held = retention.holds([retention.Kept(*one) for one in latest.items()], at, retention.standard())
    return [one.until_text for one in held]


def finished(house: House, tenant: str) -> None:
    """Take away the key and all that lies of a tenant that nobody has open; may be called again after a crash."""
    folder = house.folder(tenant)
    if (folder / "tenant.key").exists():
        own = keyring.own_place(folder, house.where.keys, tenant)
        if own is not None:
            keyring.destroy(own)
    if house.store is not None:
        house.store.forget_key(tenant)
    keyring.destroy(folder / "tenant.key")
    if house.store is not None:
        house.store.forget(tenant)
    if folder.exists():
        shutil.rmtree(folder)
        keyring.sync_folder(folder.parent)
    house.logins.accounts.remove_tenant(tenant)
    house.logins.forget()


def ended(house: House, tenant: str) -> Tenancy:
    """Write down that it is done."""
    done = replace(house.tenancies.of(tenant), state="destroyed")
    house.tenancies.save(done)
    return done


def finish_all(house: House) -> None:
    """Finish every destruction that was begun, in a house that nobody serves."""
    for tenant in unfinished(house):
        house.release(tenant)
        finished(house, tenant)
        ended(house, tenant)
