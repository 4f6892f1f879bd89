"""Keys: a master key outside the data directory wraps one key a tenant; every other key is derived from that one.

Destroying a tenant's wrapped key destroys its data in every copy.
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

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def key(self, use: str) -> bytes:
        """32 bytes for `use`, always the same."""
        return HKDF(SHA256(), 32, salt=None, info=f"onmaru:{use}".encode()).derive(self._secret)

    def called(self) -> str:
        """What tells this tenant's store from every other one that there is or was."""
        return self.key("store").hex()[:32]

    def name(self, digest: bytes) -> str:
        """A public name that tells nothing about the bytes whose digest it is made from."""
        return hmac.new(self.key("names"), digest, sha256).hexdigest()


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


def tenant_keyring(folder: Path, master_key: bytes, tenant: str) -> Keyring:
    """Unwrap the tenant's key in `folder`, making and wrapping a new one for a new tenant."""
    path = folder / "tenant.key"
    box = AESGCM(master_key)
    if not path.exists():
        if (folder / "log.db").exists():
            raise KeyLost(f"tenant {tenant}: the log is there but its key is not")
        secret = os.urandom(32)
        nonce = os.urandom(12)
        write_new(path, nonce + box.encrypt(nonce, secret, tenant.encode()))
        return Keyring(secret)
    wrapped = path.read_bytes()
    try:
        return Keyring(box.decrypt(wrapped[:12], wrapped[12:], tenant.encode()))
    except Exception as error:
        raise KeyLost(f"tenant {tenant}: its key does not open with this master key") from error
