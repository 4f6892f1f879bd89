"""Blobs in a folder: encrypted in chunks under the tenant's key, named by a keyed hash, opened only through a Caller."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from onmaru.engines.keyring import Keyring, sync_folder
from onmaru.fhir.outcome import invalid
from onmaru.kernel.audit import Trail, access
from onmaru.kernel.caller import Caller
from onmaru.kernel.gate import Compartments, Gate

CHUNK = 1 << 20


class Card(msgspec.Struct, frozen=True):
    """What the gate needs to know of a blob; the first chunk of its file."""

    patient: str
    label: str
    digest: str


class Shelf(msgspec.Struct, frozen=True):
    """What the blobs of one tenant stand on; `now` gives µs since 1970 UTC."""

    folder: Path
    keyring: Keyring
    gate: Gate
    trail: Trail
    now: Callable[[], int]


class FolderBlobs:
    """The Blobs door (kernel/blobs.py) for one Caller. A file is whole and durable before its name is given out."""

    def __init__(self, shelf: Shelf, caller: Caller) -> None:
        self._folder = shelf.folder
        self._keyring = shelf.keyring
        self._gate, self._trail, self._now = shelf.gate, shelf.trail, shelf.now
        self._caller = caller

    def put(self, data: Iterable[bytes], patient: str = "", label: str = "") -> str:
        """Store bytes and give their name; the same bytes for the same patient and label are stored once."""
        self._permit("c", "*put*")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = self._folder / f".{os.urandom(8).hex()}"
        digest = sha256()
        box = AESGCM(self._keyring.key("blobs"))
        with scratch.open("wb") as file:
            parts = self._chunks(data, digest)
            body = list(parts)
            card = Card(patient, label, digest.hexdigest())
            for part in (msgspec.msgpack.encode(card), *body):
                file.write(_sealed(box, part))
            file.flush()
            os.fsync(file.fileno())
        name = _name(self._keyring, digest.digest(), card)
        place = self._place(name)
        if place.exists():
            scratch.unlink()
        else:
            place.parent.mkdir(exist_ok=True, mode=0o700)
            scratch.rename(place)
            sync_folder(place.parent)
            sync_folder(self._folder)
        return name

    @staticmethod
    def _chunks(data: Iterable[bytes], digest: object) -> Iterable[bytes]:
        for part in data:
            for start in range(0, len(part), CHUNK):
                chunk = part[start : start + CHUNK]
                digest.update(chunk)  # type: ignore[attr-defined]
                yield chunk

    def open(self, name: str) -> BinaryIO:
        """Open a blob: 404 unknown or not this caller's to see."""
        self._permit("r", name)
        place = self._place(name)
        if not place.exists():
            raise invalid("not-found", "no such blob", status=404)
        found = opened(place, self._keyring)
        card, body = found.card, found.body
        patients = (card.patient,) if card.patient else ()
        seen = self._gate.sight(self._caller).sees("Binary", Compartments(patients))
        at = self._now()
        self._trail.add(
            access(self._caller, "read", f"Blob/{name}", at, patients=patients, denied="" if seen else "hidden")
        )
        if not seen:
            raise invalid("not-found", "no such blob", status=404)
        return io.BytesIO(body)

    def has(self, name: str) -> bool:
        """Whether this caller could open it."""
        place = self._place(name)
        if self._gate.refusal(self._caller, "r", "Binary") or not place.exists():
            return False
        card = opened(place, self._keyring).card
        return self._gate.sight(self._caller).sees("Binary", Compartments((card.patient,) if card.patient else ()))

    def _place(self, name: str) -> Path:
        if len(name) != 64 or not all(letter in "0123456789abcdef" for letter in name):
            raise invalid("not-found", "no such blob", status=404)
        return self._folder / name[:2] / name

    def _permit(self, verb: str, name: str) -> None:
        refusal = self._gate.refusal(self._caller, verb, "Binary")
        if refusal:
            self._trail.add(access(self._caller, "read", f"Blob/{name}", self._now(), denied=refusal))
            raise invalid("forbidden", f"not permitted: {refusal}", status=403)


def _sealed(box: AESGCM, part: bytes) -> bytes:
    nonce = os.urandom(12)
    sealed = box.encrypt(nonce, part, None)
    return len(sealed).to_bytes(4, "big") + nonce + sealed


class Opened(NamedTuple):
    """A blob's card and bytes, and the name that they earn."""

    card: Card
    body: bytes
    name: str


def opened(place: Path, ring: Keyring) -> Opened:
    """Decrypt one file. Raises InvalidTag, ValueError or IndexError when it is not what was written."""
    box, raw = AESGCM(ring.key("blobs")), place.read_bytes()
    parts, start = [], 0
    while start < len(raw):
        size = int.from_bytes(raw[start : start + 4], "big")
        nonce, sealed = raw[start + 4 : start + 16], raw[start + 16 : start + 16 + size]
        parts.append(box.decrypt(nonce, sealed, None))
        start += 16 + size
    card, body = msgspec.msgpack.decode(parts[0], type=Card), b"".join(parts[1:])
    return Opened(card, body, _name(ring, sha256(body).digest(), card))


def _name(ring: Keyring, digest: bytes, card: Card) -> str:
    return ring.name(digest + f"\x00{card.patient}\x00{card.label}".encode())
