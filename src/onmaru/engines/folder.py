"""Blobs in a folder: encrypted in chunks under the tenant's key, named by a keyed hash, opened only through a Caller."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec

from onmaru.engines import sealed
from onmaru.engines.keyring import Keyring, sync_folder
from onmaru.fhir.outcome import invalid
from onmaru.kernel.audit import Trail, access
from onmaru.kernel.caller import Caller
from onmaru.kernel.gate import Compartments, Gate


class Space:
    """How many bytes the files of one tenant take, counted once and kept; `most` may be taken, 0 any number."""

    def __init__(self, most: Callable[[], int] = lambda: 0) -> None:
        self._most = most
        self._taken = -1

    def check(self, folder: Path, more: int) -> None:
        """`Invalid` 507 where `more` bytes would be too many."""
        most = self._most()
        if not most:
            return
        if self._taken < 0:
            self._taken = sum(path.stat().st_size for path in folder.glob("??/*")) if folder.exists() else 0
        if self._taken + more > most:
            raise invalid("too-costly", f"this tenant may keep {most} bytes of blobs, and has them", status=507)

    def grew(self, by: int) -> None:
        """So many bytes more, or less."""
        if self._taken >= 0:
            self._taken += by


class Shelf(msgspec.Struct, frozen=True):
    """What the blobs of one tenant stand on; `now` gives µs since 1970 UTC."""

    folder: Path
    keyring: Keyring
    gate: Gate
    trail: Trail
    now: Callable[[], int]
    space: Space = Space()


class FolderBlobs:
    """The Blobs door (kernel/blobs.py) for one Caller. A file is whole and durable before its name is given out."""

    def __init__(self, shelf: Shelf, caller: Caller) -> None:
        self._shelf = shelf
        self._caller = caller

    def put(self, data: Iterable[bytes], patient: str = "", label: str = "") -> str:
        """Store bytes and give their name; the same bytes for the same patient and label are stored once."""
        self._permit("c", "*put*")
        self._shelf.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = self._shelf.folder / f".{os.urandom(8).hex()}"
        try:
            with scratch.open("wb") as file:
                card = sealed.write(
                    file,
                    self._shelf.keyring.key("blobs"),
                    os.urandom(sealed.SALT),
                    self._within(data),
                    (patient, label),
                )
                file.flush()
                os.fsync(file.fileno())
            name = _name(self._shelf.keyring, card)
            place = self._place(name)
            if not place.exists():
                place.parent.mkdir(exist_ok=True, mode=0o700)
                self._shelf.space.grew(scratch.stat().st_size)
                scratch.rename(place)
                sync_folder(place.parent)
                sync_folder(self._shelf.folder)
        finally:
            scratch.unlink(missing_ok=True)
        return name

    def _within(self, data: Iterable[bytes]) -> Iterator[bytes]:
        """The same bytes, as long as the tenant may keep as many."""
        size = 0
        for part in data:
            size += len(part)
            self._shelf.space.check(self._shelf.folder, size)
            yield part

    def open(self, name: str) -> BinaryIO:
        """Open a blob, which is read and checked a chunk at a time: 404 unknown or not this caller's to see."""
        self._permit("r", name)
        place = self._place(name)
        if not place.exists():
            raise invalid("not-found", "no such blob", status=404)
        found = opened(place, self._shelf.keyring)
        card = found.card
        patients = (card.patient,) if card.patient else ()
        seen = self._shelf.gate.sight(self._caller).sees("Binary", _whose(card))
        at = self._shelf.now()
        self._shelf.trail.add(
            access(self._caller, "read", f"Blob/{name}", at, patients=patients, denied="" if seen else "hidden")
        )
        if not seen:
            found.close()
            raise invalid("not-found", "no such blob", status=404)
        return io.BufferedReader(found)

    def has(self, name: str) -> bool:
        """Whether this caller could open it."""
        place = self._place(name)
        if self._shelf.gate.refusal(self._caller, "r", "Binary") or not place.exists():
            return False
        return self._shelf.gate.sight(self._caller).sees("Binary", _whose(card(place, self._shelf.keyring)))

    def of(self, patient: str) -> Sequence[str]:
        """By the cards of all blobs, whose bytes stay unread; `Invalid` 409 when one cannot tell whose it is."""
        self._permit("r", "*of*")
        if not self._shelf.gate.sight(self._caller).sees("Binary", Compartments((patient,))):
            return ()
        found = self._shelf.folder.glob("??/*") if self._shelf.folder.exists() else ()
        try:
            return sorted(path.name for path in found if card(path, self._shelf.keyring).patient == patient)
        except sealed.Damaged as error:
            raise invalid("incomplete", "a blob cannot be read; onmaru verify --deep names it", status=409) from error

    def drop(self, names: Iterable[str]) -> int:
        """Unlink files; they are gone durably when this returns."""
        self._permit("d", "*drop*")
        gone = [place for name in names if (place := self._place(name)).exists()]
        at = self._shelf.now()
        for place in gone:
            self._shelf.trail.add(access(self._caller, "erase", f"Blob/{place.name}", at))
            self._shelf.space.grew(-place.stat().st_size)
            place.unlink()
        for folder in {place.parent for place in gone}:
            sync_folder(folder)
        return len(gone)

    def _place(self, name: str) -> Path:
        if len(name) != 64 or not all(letter in "0123456789abcdef" for letter in name):
            raise invalid("not-found", "no such blob", status=404)
        return self._shelf.folder / name[:2] / name

    def _permit(self, verb: str, name: str) -> None:
        refusal = self._shelf.gate.refusal(self._caller, verb, "Binary")
        if refusal:
            self._shelf.trail.add(access(self._caller, "read", f"Blob/{name}", self._shelf.now(), denied=refusal))
            raise invalid("forbidden", f"not permitted: {refusal}", status=403)


def _whose(card: sealed.Card) -> Compartments:
    """As the gate sees a blob; a label of the form `system|code` is a security label."""
    system, bar, code = card.label.partition("|")
    return Compartments((card.patient,) if card.patient else (), (), ((system, code),) if bar else ())


def opened(place: Path, ring: Keyring) -> sealed.Reader:
    """One file, its card read. Raises `sealed.Damaged` when it is not what was written."""
    file = place.open("rb")
    try:
        return sealed.Reader(file, ring.key("blobs"))
    except BaseException:
        file.close()
        raise


def earned(place: Path, ring: Keyring) -> str:
    """The name that a file's bytes earn, all of them read. Raises `sealed.Damaged`."""
    with opened(place, ring) as found:
        digest = sha256()
        while part := found.read(sealed.CHUNK):
            digest.update(part)
        if digest.hexdigest() != found.card.digest:
            raise sealed.Damaged("the content of a sealed file is not what its card says")
        return _name(ring, found.card)


def card(place: Path, ring: Keyring) -> sealed.Card:
    """What the gate needs to know of one file; its bytes stay unread. Raises `sealed.Damaged`."""
    with opened(place, ring) as found:
        return found.card


def _name(ring: Keyring, card: sealed.Card) -> str:
    return ring.name(bytes.fromhex(card.digest) + f"\x00{card.patient}\x00{card.label}".encode())
