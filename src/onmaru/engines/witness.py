"""The witness: heads signed by a key outside the data directory, one line each, copied to a folder kept elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from onmaru.engines.keyring import sync_folder


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """What both chains of one tenant came to at one time. Seals as hex, `at` in µs since 1970 UTC.

    `store`: which store, by a name made from the tenant's own key. `home`: where it lay, as `lying` names a folder.
    `restored`: it was made there out of a backup, and goes its own way from here.
    """

    tenant: str
    at: int
    t: int
    seal: str
    block: int
    audit: str
    store: str = ""
    home: str = ""
    restored: bool = False


class Statement(msgspec.Struct, frozen=True):
    """A head and its Ed25519 signature over the head's JSON."""

    head: Head
    signature: str


def sign(folder: Path, key: Ed25519PrivateKey, head: Head) -> None:
    """Append one signed head to the tenant's witness file, durable on return."""
    statement = Statement(head, key.sign(msgspec.json.encode(head)).hex())
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / f"{head.tenant}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, msgspec.json.encode(statement) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(folder)


def statements(folder: Path, tenant: str, key: Ed25519PublicKey) -> tuple[Sequence[Head], str]:
    """The heads signed for a tenant, oldest first, and what is wrong with the file ("": nothing).

    A last line cut short by a crash is not an offence; a line that our key did not sign is.
    """
    path = folder / f"{tenant}.jsonl"
    heads: list[Head] = []
    if not path.exists():
        return heads, ""
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            statement = msgspec.json.decode(line, type=Statement)
            key.verify(bytes.fromhex(statement.signature), msgspec.json.encode(statement.head))
        except (msgspec.MsgspecError, ValueError, InvalidSignature):
            if number == len(lines):
                break
            return heads, f"line {number} was not signed by this house's key"
        if statement.head.tenant != tenant:
            return heads, f"line {number} speaks of another tenant"
        heads.append(statement.head)
    return heads, ""


def lying(home: Path) -> str:
    """A name of the place where a house lies, that does not tell the place."""
    return sha256(str(home.resolve()).encode()).hexdigest()[:16]


def speaking_of(heads: Sequence[Head], store: str, home: str) -> tuple[Sequence[Head], str]:
    """The heads that speak of one store, and what speaks against its lying at `home` ("": nothing).

    Houses may share a witness, and one may be copied; but where another store lay this one was put in its place.
    """
    strangers = [head for head in heads if head.store not in ("", store)]
    wrong = "another store lay here before this one" if any(head.home == home for head in strangers) else ""
    return [head for head in heads if head.store in ("", store)], wrong


def standing(heads: Sequence[Head], home: str) -> Sequence[Head]:
    """The heads that bind the store lying at `home`. One that was restored there goes its own way from then on: its first
    head covers all before, and what it signs since binds no other copy.
    """
    ways: dict[str, list[Head]] = {"": []}
    for head in heads:
        if head.restored:
            ways[head.home] = []
        ways.get(head.home, ways[""]).append(head)
    return ways.get(home, ways[""])


def tenants(folder: Path) -> Sequence[str]:
    """The tenants that heads were signed for."""
    return sorted(path.stem for path in folder.glob("*.jsonl"))
