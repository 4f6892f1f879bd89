"""A tenant out of a backup: into a scratch home to prove the backup, or into a new home to go on with."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from onmaru.app.house import House, Place, now
from onmaru.app.refusal import REFUSED, Refusal
from onmaru.app.subscriptions.disowned import disown
from onmaru.engines import sealed
from onmaru.engines.backup.forms import Proof
from onmaru.engines.backup.restoring import ENDLESS, Into, Restoring
from onmaru.engines.backup.writing import Lines
from onmaru.engines.folder import earned
from onmaru.engines.keyring import Keyring, sync_folder
from onmaru.engines.sqlite.home import Home
from onmaru.engines.sqlite.verify import Report, Verifier, Wrong
from onmaru.engines.witness import Head, lying, sign, speaking_of, standing, statements
from onmaru.kernel.accounts import User
from onmaru.kernel.clients import Client

Told = Callable[[int], None]


class Accounts(msgspec.Struct, frozen=True):
    """A tenant's people and apps. Tokens and sessions are not among them: what was revoked must not come back."""

    users: list[User]
    clients: list[Client]


class Wanted(NamedTuple):
    """Which point of which line, the last position of it, and the time before which it was recorded (µs)."""

    line: str
    number: int
    position: int = ENDLESS
    before: int = ENDLESS


class Source(NamedTuple):
    """A tenant's backups, the backup's key, and where the house's keys and witness are."""

    lines: Lines
    secret: bytes
    where: Place


def packed(house: House, tenant: str) -> bytes:
    """A tenant's accounts for a backup."""
    accounts = house.logins.accounts
    return msgspec.msgpack.encode(Accounts(list(accounts.users(tenant)), list(accounts.clients(tenant))))


def proved(source: Source, line: str, number: int, scratch: Path | None, told: Told) -> tuple[Proof, Report]:
    """Restore a point into a scratch home and prove all of it: chain, bodies, audit, blobs, against the signed heads."""
    with tempfile.TemporaryDirectory(prefix="onmaru-", dir=scratch) as folder:
        house, filled, reached = _filled(source, Wanted(line, number), Path(folder), told)
        report = judged(source, house, filled.point.tenant, reached)
        return Proof(now(), report.entries, report.bodies, report.audit_rows, report.blobs), report


def restored(source: Source, wanted: Wanted, home: Path, told: Told) -> tuple[Report, int]:
    """Make a new home with the tenant in it, proved and signed for the witness. `home` must not hold the tenant.

    Gives also how many later points could not be looked through for what was erased since.
    """
    tenant = source.lines.point(wanted.line, wanted.number).tenant
    place = home / "tenants" / tenant
    if place.exists():
        raise Refusal("the tenant is in that home already; restore into another folder", REFUSED)
    (home / "tenants").mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".restoring-", dir=home) as folder:
        house, filled, reached = _filled(source, wanted, Path(folder), told)
        report = judged(source, house, tenant, reached)
        if not report.ok:
            return report, filled.unread
        accounts = msgspec.msgpack.decode(filled.accounts(house.keys(tenant)[1]), type=Accounts)
        house.folder(tenant).rename(place)
        sync_folder(place.parent)
    _settled(source, home, tenant, accounts)
    return report, filled.unread


def _filled(source: Source, wanted: Wanted, home: Path, told: Told) -> tuple[House, Restoring, tuple[int, int, int]]:
    """A home with what was backed up of one tenant and nothing else, and the position, block and time reached."""
    restoring = Restoring(source.lines, source.secret, wanted.line, wanted.number)
    house = House(replace(source.where, home=home, store=""), rooms=())
    folder = house.folder(restoring.point.tenant)
    restoring.key(folder)
    keys, ring = house.keys(restoring.point.tenant)
    t, block = restoring.run(Into(folder, keys, ring, now), (wanted.position, wanted.before), told)
    return house, restoring, (t, block, restoring.point.at)


def judged(source: Source, house: House, tenant: str, reached: tuple[int, int, int]) -> Report:
    """What a proof of the restored files says, against the heads that speak of no more than the backup reaches."""
    keys, ring = house.keys(tenant)
    folder = house.folder(tenant)
    heads, wrong = statements(source.where.witness, tenant, house.signer.public_key())
    heads, _ = speaking_of(heads, ring.called(), "")
    t, block, at = reached
    heads = standing([one for one in heads if one.at <= at], lying(source.where.home))
    report = Verifier(folder, keys, [one for one in heads if one.t <= t and one.block <= block]).run()
    # That nothing was signed after its last entries is no fault of a copy
    report.wrong = [one for one in report.wrong if not (one.file == "witness" and one.what.startswith("no signed"))]
    if wrong:
        report.wrong.append(Wrong("witness", len(heads) + 1, wrong))
    report.ok = not report.wrong
    for path in sorted((folder / "blobs").glob("??/*")):
        report.blobs += 1
        if _earned(path, ring) != path.name:
            report.add(Wrong("blobs", path.name, "its bytes are not those that gave it its name"))
    return report


def _earned(path: Path, ring: Keyring) -> str:
    try:
        return earned(path, ring)
    except (sealed.Damaged, OSError):
        return ""


def _settled(source: Source, home: Path, tenant: str, accounts: Accounts) -> None:
    """People and apps, the index, and a signed word that the store was put back to here."""
    house = House(replace(source.where, home=home, store=""), rooms=())
    try:
        for user in accounts.users:
            house.logins.accounts.save_user(user)
        for client in accounts.clients:
            house.logins.accounts.save_client(client)
        keys, ring = house.keys(tenant)
        own = Home(house.folder(tenant), keys, now)
        disown(own)
        ends = own.ends()
        own.close()
        sign(source.where.witness, house.signer, Head(tenant, now(), *ends, ring.called(), lying(home), restored=True))
    finally:
        house.close()
