"""Keys: a master key and one of the tenant's own, both outside the data directory, wrap the tenant's key; every other key is
derived from that one.

Destroying a tenant's own key destroys its data in every copy: no copy of the data directory holds it.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class KeyLost(Exception):
    """A key file is missing, damaged or wrapped by another master key."""


class Keyring:
    """The keys of one tenant, derived for one use each."""

    def __init__(self, secret: bytes, names: bytes = b"") -> None:
        self._secret = secret
        self.names = names or self.key("names")

    def key(self, use: str) -> bytes:
        """32 bytes for `use`, always the same."""
        return HKDF(SHA256(), 32, salt=None, info=f"onmaru:{use}".encode()).derive(self._secret)

    def called(self) -> str:
        """What tells this tenant's store from every other one that there is or was."""
        return self.key("store").hex()[:32]

    def name(self, digest: bytes) -> str:
        """A public name that tells nothing about the bytes whose digest it is made from."""
        return hmac.new(self.names, digest, sha256).hexdigest()


def master(folder: Path) -> bytes:
    """Read the master key of `folder`, making one on first use (mode 0600, directory synced)."""
    return _secret(folder / "master.key")


def signer(folder: Path) -> Ed25519PrivateKey:
    """The key that signs heads; it lives beside the master key, never in the data directory."""
    return Ed25519PrivateKey.from_private_bytes(_secret(folder / "witness.key"))


def public(key: Ed25519PrivateKey) -> str:
    """The public half as hex."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def _secret(path: Path) -> bytes:
    if path.exists():
        secret = path.read_bytes()
        if len(secret) != 32:
            raise KeyLost(f"{path.name} is not a key of 32 bytes")
        return secret
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = os.urandom(32)
    write_new(path, secret)
    return secret


def write_new(path: Path, data: bytes) -> None:
    """Write a new file so that after this call it is there whole, whatever happens, readable by its owner only."""
    scratch = path.with_name(path.name + ".new")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    scratch.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# A wrapped key of this form names the tenant's own key; one without it (60 bytes) was wrapped by the master key alone
_OWN = b"\x02"
_NAME = 16
_SECRET = 32
_OLD = 12 + _SECRET + 16


def tenant_keyring(folder: Path, keys: Path, master_key: bytes, tenant: str, names: bytes = b"") -> Keyring:
    """Unwrap the tenant's key in `folder`, making and wrapping a new one for a new tenant, with an own key in `keys`.

    `names`: the key by which a new tenant that comes from another house names its blobs, since its record refers to them.
    """
    path = folder / "tenant.key"
    if not path.exists():
        if (folder / "log.db").exists():
            raise KeyLost(f"tenant {tenant}: the log is there but its key is not")
        name, secret, nonce = os.urandom(_NAME), os.urandom(_SECRET), os.urandom(12)
        own = os.urandom(32)
        fresh = _own_place(keys, tenant, name)
        fresh.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_new(fresh, own)
        sync_folder(keys)
        wrapped = nonce + AESGCM(_both(master_key, own)).encrypt(nonce, secret + names, tenant.encode())
        write_new(path, _OWN + name + wrapped)
        return Keyring(secret, names)
    wrapped, key = path.read_bytes(), master_key
    place = own_place(folder, keys, tenant)
    if place is not None:
        if not place.exists():
            raise KeyLost(f"tenant {tenant}: its own key is not in this folder of keys, or was destroyed")
        wrapped, key = wrapped[1 + _NAME :], _both(master_key, place.read_bytes())
    try:
        kept = AESGCM(key).decrypt(wrapped[:12], wrapped[12:], tenant.encode())
    except Exception as error:
        raise KeyLost(f"tenant {tenant}: its key does not open with this master key") from error
    return Keyring(kept[:_SECRET], kept[_SECRET:])


def own_place(folder: Path, keys: Path, tenant: str) -> Path | None:
    """Where the tenant's own key lies, or lay; None for a tenant of before there were such keys."""
    kept = (folder / "tenant.key").read_bytes()
    if len(kept) <= _OLD or kept[:1] != _OWN:
        return None
    return _own_place(keys, tenant, kept[1 : 1 + _NAME])


def destroy(path: Path) -> None:
    """Overwrite a key's file and take it away; durable when it returns, and no fault where it is gone already."""
    if path.exists():
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)


def _own_place(keys: Path, tenant: str, name: bytes) -> Path:
    # By a name of its own: houses that share a folder of keys may have tenants of one name
    return keys / "tenants" / f"{tenant}-{name.hex()}.key"


def _both(master_key: bytes, own: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=own, info=b"onmaru:tenant").derive(master_key)
