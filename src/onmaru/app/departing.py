"""A tenant written whole into a folder, for another house, a regulator or the hospital itself, and read in again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from onmaru.app.house import NAME, House, now, system
from onmaru.app.refusal import REFUSED, Refusal
from onmaru.app.subscriptions.disowned import disown
from onmaru.engines import keyring
from onmaru.engines.folder import FolderBlobs, Shelf
from onmaru.engines.sealed import Damaged
from onmaru.engines.sqlite.home import Home
from onmaru.engines.whole import reading, sources, writing
from onmaru.engines.whole.lines import FORMAT, Manifest, Part
from onmaru.kernel.accounts import NAME as USER
from onmaru.kernel.accounts import User
from onmaru.kernel.clients import ID as CLIENT
from onmaru.kernel.clients import Client
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import Gate
from onmaru.kernel.tenancy import HOUSE, Exported

KEY = 32
Told = Callable[[int], None]


class Accounts(msgspec.Struct):
    """Who could come in, without any secret: passwords, second steps and apps' secrets are made anew. `names`: the key by
    which the tenant's blobs are named, in hex.
    """

    users: Sequence[User]
    clients: Sequence[Client]
    names: str


def key_in(file: Path | None, *, make: bool, folder: Path) -> bytes | None:
    """The key of 32 bytes in a file, as hex; made where there is none. It may not lie in the folder that it seals."""
    if file is None:
        return None
    if file.resolve().is_relative_to(folder.resolve()):
        raise Refusal("the key must not lie in the folder that it seals", REFUSED)
    if make and not file.exists():
        keyring.write_new(file, os.urandom(KEY).hex().encode() + b"\n")
    try:
        key = bytes.fromhex(file.read_text("ascii").strip())
    except (ValueError, UnicodeDecodeError):
        key = b""
    if len(key) != KEY:
        raise Refusal(f"{file} holds no key of 32 bytes in hex", REFUSED)
    return key


def exported(house: House, tenant: str, folder: Path, key: bytes | None, told: Told) -> tuple[dict[str, Any], Exported]:
    """Write a tenant whole, or go on where it was cut short; what came to be, and where its log stood.

    Nobody needs to stop: what is written after the beginning is not in it. Raises Refusal where the folder holds others.
    """
    keys, ring = house.keys(tenant)
    in_files = house.store is None
    source = sources.of_files(house.folder(tenant), keys) if in_files else sources.of_database(house.where.store, keys)
    try:
        writer = writing.Writer(folder, key)
        try:
            plan = writing.begin(writer, _planned(house, tenant, source.ends(), sealed=key is not None))
        except writing.Occupied:
            raise Refusal(f"{folder} holds something else; name an empty folder", REFUSED) from None
        writing.log_parts(writer, source, plan, told)
        writing.trail_parts(writer, source, plan)
        blobs = writing.blob_parts(writer, house.folder(tenant) / "blobs", ring)
        if not any(writing.latest(folder, "accounts")):
            files = writer.files({"accounts.json": msgspec.json.encode(_accounts(house, tenant, ring))})
            writer.finished(Part("accounts", files))
        whole = writing.end(writer, plan, house.signer.sign)
    finally:
        source.close()
    line = {
        "tenant": tenant,
        "entries": whole.entries,
        "audit_blocks": whole.blocks,
        "blobs": blobs,
        "sealed": whole.sealed,
        "signed_by": whole.signer,
    }
    return line, Exported(whole.at, whole.entries, whole.log)


def _planned(house: House, tenant: str, ends: tuple[int, str, int, str], *, sealed: bool) -> Manifest:
    t, log, n, audit = ends
    return Manifest(FORMAT, tenant, now(), t, log, n, audit, sealed, keyring.public(house.signer))


def _accounts(house: House, tenant: str, ring: keyring.Keyring) -> Accounts:
    accounts = house.logins.accounts
    return _bare(Accounts(accounts.users(tenant), accounts.clients(tenant), ring.names.hex()))


def _bare(accounts: Accounts) -> Accounts:
    """The same without any secret: none is written, and none is taken from who wrote the files."""
    nothing: dict[str, Any] = {"password": "", "totp": b"", "totp_new": b"", "totp_step": 0, "recovery": ()}
    users = [replace(one, **nothing) for one in accounts.users if USER.fullmatch(one.user)]
    clients = [replace(one, secret=b"") for one in accounts.clients if CLIENT.fullmatch(one.id)]
    return Accounts(users, clients, accounts.names)


def imported(house: House, tenant: str, folder: Path, key: bytes | None, told: Told) -> dict[str, Any]:
    """Make a tenant of a whole export; it is there when all of it is. Raises Refusal, and then nothing is."""
    if not NAME.fullmatch(tenant):
        raise Refusal("a name is lower-case letters, digits and hyphens, at most 40, beginning with a letter", REFUSED)
    if house.store is not None:
        raise Refusal("import into a home, and take it to the database with `onmaru move`")
    if (
        tenant == HOUSE
        or house.exists(tenant)
        or house.folder(tenant).exists()
        or house.tenancies.of(tenant).state != "open"
    ):
        raise Refusal(f"there is a tenant {tenant}, or there was one", REFUSED)
    scratch = house.where.home / "importing" / tenant
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, mode=0o700)
    try:
        return _imported(house, tenant, reading.Reader(folder, key), scratch, told)
    except reading.Broken as error:
        raise Refusal(str(error), REFUSED) from error
    except (Damaged, msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise Refusal("a file of the export holds what no export does", REFUSED) from error
    finally:
        _swept(house, scratch, tenant)


def name_in(folder: Path, key: bytes | None) -> str:
    """The name that the tenant of an export had."""
    try:
        return reading.Reader(folder, key).manifest.tenant
    except reading.Broken as error:
        raise Refusal(str(error), REFUSED) from error


def _imported(house: House, tenant: str, reader: reading.Reader, scratch: Path, told: Told) -> dict[str, Any]:
    reader.check()
    kept = [file for part in writing.latest(reader.folder, "accounts") for file in part.files]
    if len(kept) != 1:
        raise reading.Broken("there is no file of accounts, or more than one")
    accounts = _bare(msgspec.json.decode(reader.text(kept[0]), type=Accounts))
    names = bytes.fromhex(accounts.names)
    if len(names) != KEY:
        raise reading.Broken("the key of names is none")
    keys, ring = house.keys_in(scratch, tenant, names)
    reading.restore_log(reader, scratch, keys, told)
    reading.restore_trail(reader, scratch, keys)
    home = Home(scratch, keys, now)
    shelf = Shelf(scratch / "blobs", ring, Gate(tenant, Consents(), now), home.trail, now)
    blobs = reading.restore_blobs(reader, FolderBlobs(shelf, system(tenant)))
    disown(home)
    home.close()
    house.folder(tenant).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch.rename(house.folder(tenant))
    keyring.sync_folder(house.folder(tenant).parent)
    for user in accounts.users:
        house.logins.accounts.save_user(replace(user, tenant=tenant))
    for client in accounts.clients:
        house.logins.accounts.save_client(replace(client, tenant=tenant))
    plan = reader.manifest
    return {
        "tenant": tenant,
        "from": plan.tenant,
        "entries": plan.entries,
        "audit_blocks": plan.blocks,
        "blobs": blobs,
        "signed_by": plan.signer,
    }


def _swept(house: House, scratch: Path, tenant: str) -> None:
    """Of an import that failed, leave nothing, its key included."""
    if (scratch / "tenant.key").exists():
        own = keyring.own_place(scratch, house.where.keys, tenant)
        if own is not None:
            keyring.destroy(own)
    shutil.rmtree(scratch, ignore_errors=True)
