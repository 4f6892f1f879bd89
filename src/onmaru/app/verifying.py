"""`onmaru verify`: prove that what is stored is what was written, or name the first wrong entry."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from onmaru.app.house import LEAVING, House, place
from onmaru.app.lines import say
from onmaru.app.refusal import Refusal
from onmaru.engines.keyring import KeyLost, Keyring
from onmaru.engines.sqlite.beginning import half_made
from onmaru.engines.sqlite.deep import Deep
from onmaru.engines.sqlite.verify import Report, Verifier, Wrong
from onmaru.engines.sqlite.where import where
from onmaru.engines.witness import lying, speaking_of, standing, statements, tenants
from onmaru.kernel.tenancy import Tenancy

if TYPE_CHECKING:
    from onmaru.engines.postgres.verify import PgVerifier

NOT_BEGUN = "not begun: its first files were still being made and nothing was written; the next start makes them"


@click.command()
@click.option("--tenant", default="", help="Only this tenant; by default all.")
@click.option("--deep", is_flag=True, help="Compare every index row with a rebuild, and open every blob.")
@click.option(
    "--where", "place_of", default="", metavar="TYPE/ID", help="Tell where a resource's stored body lies on disk."
)
@click.option("--json", is_flag=True, help="Print JSON.")
def verify(tenant: str, deep: bool, place_of: str, json: bool) -> int:
    """Prove chain, bodies, audit and witness; exit 1 when anything is not as it was written."""
    house = House(place(), rooms=())
    names = [tenant] if tenant else sorted({*house.tenants(), *_witnessed(house)})
    if place_of:
        return _where(house, names, place_of, json)
    sound = True
    begun = [name for name in names if _begun(house, name)]
    if not begun:
        raise Refusal(f"there is nothing to verify in {house.where.home}; ONMARU_HOME names another folder")
    for name in begun:
        left = _left(house, name)
        if left is not None:
            say({"tenant": name, "ok": True, "destroyed": left.at}, json=json)
            continue
        report = examined(house, name, deep=deep)
        sound = sound and report.ok
        line = _line(report)
        if not json:
            del line["wrong"]
            line = {name: value for name, value in line.items() if value is not None}
        say(line, json=json)
    return 0 if sound else 1


def examined(house: House, tenant: str, *, deep: bool = False) -> Report:
    """The report on one tenant; works beside a running server."""
    if not _keyed(house, tenant):
        return Report(tenant, ok=False, wrong=[Wrong("tenant.key", 1, "the tenant's key is missing")])
    try:
        keys, ring = house.keys(tenant)
    except KeyLost:
        return Report(
            tenant, ok=False, wrong=[Wrong("tenant.key", 1, "it is not this tenant's, or not of this master key")]
        )
    heads, wrong = statements(house.where.witness, tenant, house.signer.public_key())
    if not wrong:
        heads, wrong = speaking_of(heads, ring.called(), lying(house.where.home))
        heads = standing(heads, lying(house.where.home))
    if house.store is not None:
        return _in_store(house.store.verifier(house.folder(tenant), keys, heads), ring if deep else None, wrong)
    if not heads and not wrong and half_made(house.folder(tenant), keys.pages):
        return Report(tenant, begun=False, wrong=[])
    report = Verifier(house.folder(tenant), keys, heads).run()
    if wrong:
        report.add(Wrong("witness", len(heads) + 1, wrong))
    if deep and report.ok:
        with tempfile.TemporaryDirectory() as scratch:
            Deep(house.folder(tenant), keys, ring, report).run(Path(scratch))
    return report


def _left(house: House, tenant: str) -> Tenancy | None:
    """What the books say of a tenant that has no key because it was destroyed; None of any other."""
    books = house.store is not None or (house.where.home / "accounts.db").exists()
    kept = house.tenancies.of(tenant) if books and not _keyed(house, tenant) else None
    return kept if kept is not None and kept.state in LEAVING else None


def _keyed(house: House, tenant: str) -> bool:
    """Whether the tenant has a key, here or in the database."""
    in_store = house.store is not None and tenant in house.store.tenants()
    return in_store or (house.folder(tenant) / "tenant.key").exists()


def _in_store(verifier: PgVerifier, ring: Keyring | None, wrong: str) -> Report:
    report = verifier.examine(ring)
    if wrong:
        report.add(Wrong("witness", report.witnessed + 1, wrong))
    return report


def _begun(house: House, tenant: str) -> bool:
    """Whether anything tells of the tenant: its key, its files or the witness."""
    folder = house.folder(tenant)
    return tenant in _witnessed(house) or _keyed(house, tenant) or (folder / "log.db").exists()


def _witnessed(house: House) -> list[str]:
    """The tenants that the witness has seen in this house; those of other houses that share it are none of ours."""
    folder, key, here = house.where.witness, house.signer.public_key(), lying(house.where.home)
    found = ((tenant, *statements(folder, tenant, key)) for tenant in tenants(folder))
    return [tenant for tenant, heads, wrong in found if wrong or any(head.home in ("", here) for head in heads)]


def _line(report: Report) -> dict[str, object]:
    line: dict[str, object] = msgspec.to_builtins(report)
    if not report.begun:
        line["told"] = NOT_BEGUN
    line["first_wrong"] = msgspec.to_builtins(report.wrong[0]) if report.wrong else None
    return line


def _where(house: House, names: list[str], asked: str, json: bool) -> int:
    for found in _places(house, names, asked):
        say(found, json=json)
        return 0
    say({"error": "no stored body of that resource"}, json=json)
    return 1


def _places(house: House, names: list[str], asked: str) -> Iterator[dict[str, object]]:
    for name in names if house.store is None else ():
        folder = house.folder(name)
        if (folder / "tenant.key").exists():
            keys, _ = house.keys(name)
            found = where(folder, keys, asked)
            if found is not None:
                yield {"tenant": name, **found}
