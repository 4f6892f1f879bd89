"""Reads a whole export into a new tenant's files: every hash and commitment is checked, and the chains are sealed anew.

A seal is made with the key of the house that keeps the chain; positions, times, salts and commitments stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from onmaru.engines import sealed
from onmaru.engines.folder import FolderBlobs
from onmaru.engines.packing import packer
from onmaru.engines.sqlite import log as sqlite_log
from onmaru.engines.sqlite import trail as sqlite_trail
from onmaru.engines.sqlite.connection import Keys, connect
from onmaru.engines.whole.lines import FORMAT, File, Line, Manifest, Part, blocks, lines
from onmaru.engines.whole.writing import JOURNAL, MANIFEST, digest_of, journal, latest
from onmaru.fhir import structure
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.seal import ERASURE, Header, commitment, positions, seal, seal_block

OPS = frozenset({"create", "update", "delete", "erase"})
MOST = 1 << 62
# A part ends soon after it holds 8 MiB; its last slice may be of large bodies that compress well
LARGEST = 1 << 30


class Broken(Exception):
    """What lies in the folder is not a whole export as it was made; the text names the place, never a value."""


class Reader:
    """One export, its manifest read. `key` opens sealed files. Raises Broken."""

    def __init__(self, folder: Path, key: bytes | None) -> None:
        self.folder = folder
        self._key = key
        try:
            self._signed = (folder / MANIFEST).read_bytes()
            self._signature = bytes.fromhex((folder / "manifest.sig").read_text("ascii"))
            self.manifest = msgspec.json.decode(self._signed, type=Manifest)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise Broken(f"{MANIFEST} is not there or cannot be read: the export is not whole") from error
        if self.manifest.format != FORMAT:
            raise Broken(f"{MANIFEST} is of a format that this version does not know")
        if self.manifest.sealed != (key is not None):
            raise Broken(
                "the files are sealed, and need their key" if self.manifest.sealed else "the files are not sealed"
            )

    def check(self) -> None:
        """Compare every file with its hash, the parts with the manifest, and that with its signature."""
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.manifest.signer)).verify(
                self._signature, self._signed
            )
        except (ValueError, InvalidSignature) as error:
            raise Broken(f"{MANIFEST} is not what was signed") from error
        if not (self.folder / JOURNAL).exists() or digest_of(self.folder / JOURNAL)[0] != self.manifest.parts:
            raise Broken(f"{JOURNAL} is not what the manifest says")
        for kind in ("log", "audit", "blob", "accounts"):
            for part in latest(self.folder, kind):
                for file in part.files:
                    place = self._place(file)
                    if not place.is_file() or digest_of(place) != (file.sha256, file.bytes):
                        raise Broken(f"{file.path} is not what {JOURNAL} says")

    def text(self, file: File) -> bytes:
        """A whole file of lines."""
        if file.bytes > LARGEST:
            raise Broken(f"{file.path} is larger than a part can be")
        with self.open(file) as found:
            return found.read()

    def open(self, file: File) -> BinaryIO:
        """A file's content."""
        raw = self._place(file).open("rb")
        if self._key is None:
            return raw
        try:
            return sealed.Reader(raw, self._key)  # type: ignore[return-value]  # a RawIOBase reads as a BinaryIO does
        except sealed.Damaged as error:
            raw.close()
            raise Broken(f"{file.path} does not open with this key") from error

    def _place(self, file: File) -> Path:
        place = (self.folder / file.path).resolve()
        if not place.is_relative_to(self.folder.resolve()):
            raise Broken(f"{JOURNAL} names a file outside the folder")
        return place

    def log(self) -> Iterator[list[Line]]:
        """The entries in order, a part at a time; each commitment is checked."""
        at = before = 0
        for part in sorted(latest(self.folder, "log"), key=lambda one: one.start):
            try:
                found = sorted((one for file in part.files for one in lines(self.text(file))), key=lambda one: one.t)
            except msgspec.MsgspecError as error:
                raise Broken(f"a file of positions {part.start + 1} to {part.end} cannot be read") from error
            if [one.t for one in found] != list(range(at + 1, part.end + 1)):
                raise Broken(f"entries are missing between positions {at + 1} and {part.end}")
            for line in found:
                _judged(line, before)
                before = line.at
            at = part.end
            yield found
        if at != self.manifest.entries:
            raise Broken(f"the log ends at {at}, not where the manifest says")


def body_of(line: Line) -> bytes | None:
    """What the body of an entry was made of."""
    if line.erases is not None:
        return positions(line.erases)
    return None if line.resource is msgspec.UNSET else bytes(line.resource)


def _judged(line: Line, at: int) -> None:
    """Raise Broken where a line is not what its commitment says, or nothing that a record can hold.

    Of one that was erased nobody can tell any more. `at`: when the one before it was recorded.
    """
    try:
        if line.op not in OPS or not at < line.at < MOST or not 0 < line.version < MOST or not 0 < line.epoch < MOST:
            raise ValueError
        if line.erased_by:
            return
        mark = ERASURE if line.op == "erase" else b"\x01"
        made = commitment(bytes.fromhex(line.salt), line.type, line.id, body_of(line), mark=mark)
        if made.hex() != line.commitment or any(not 0 < one < line.t for one in line.erases or ()):
            raise ValueError
        if line.resource is not msgspec.UNSET and structure.decode(bytes(line.resource), line.type).id != line.id:
            raise ValueError
    except (ValueError, Invalid) as error:
        raise Broken(f"the entry at position {line.t} is not what its commitment says") from error


def restore_log(reader: Reader, folder: Path, keys: Keys, told: Callable[[int], None]) -> None:
    """Make `log.db`."""
    pack = packer()
    db = connect(folder / "log.db", keys.pages)
    try:
        db.execute(sqlite_log.SCHEMA)
        last = keys.genesis("log")
        for found in reader.log():
            entries: list[tuple[Any, ...]] = []
            bodies: list[tuple[Any, ...]] = []
            for one in found:
                com = bytes.fromhex(one.commitment)
                facts = (one.t, one.version, one.op, one.at, one.caller, one.purpose, one.request, one.epoch, com)
                last = seal(keys.seals, last, Header(*facts))
                entries.append((*facts, last))
                body = body_of(one)
                if not one.erased_by:
                    packed = None if body is None else pack(body)
                    bodies.append((one.t, bytes.fromhex(one.salt), one.type, one.id, packed))
            with db:
                db.executemany(sqlite_log.ENTRY, entries)
                db.executemany(sqlite_log.BODY, bodies)
                db.executemany("INSERT INTO erased VALUES(?,?)", [(x.t, x.erased_by) for x in found if x.erased_by])
            told(len(found))
    finally:
        db.close()


def restore_trail(reader: Reader, folder: Path, keys: Keys) -> None:
    """Make `audit.db`."""
    pack = zstandard.ZstdCompressor(level=1).compress
    db = connect(folder / "audit.db", keys.pages)
    try:
        db.execute(sqlite_trail.SCHEMA)
        last, at = keys.genesis("audit"), 0
        for part in latest(reader.folder, "audit"):
            rows = []
            for block in (one for file in part.files for one in blocks(reader.text(file))):
                purged = not at and not block.rows
                if block.n != at + 1 and not purged:
                    raise Broken(f"blocks of the audit trail are missing after {at}")
                packed = b"" if purged else pack(msgspec.msgpack.encode(block.rows))
                last, at = seal_block(keys.seals, last, block.n, packed), block.n
                rows.append((block.n, block.first, packed, last))
            with db:
                db.executemany("INSERT INTO block VALUES(?,?,?,?)", rows)
        if at != reader.manifest.blocks:
            raise Broken(f"the audit trail ends at block {at}, not where the manifest says")
    finally:
        db.close()


def restore_blobs(reader: Reader, blobs: FolderBlobs) -> int:
    """Put every blob in; its name comes out as it was, since the key of names came with it."""
    count = 0
    for part in (one for one in journal(reader.folder) if one.kind == "blob"):
        with reader.open(part.files[0]) as found:
            patient, label = _whose(part, found)
            name = blobs.put(iter(lambda: found.read(sealed.CHUNK), b""), patient, label)
        if name != Path(part.files[0].path).name.removesuffix(".sealed"):
            raise Broken(f"{part.files[0].path} does not earn its name")
        count += 1
    return count


def _whose(part: Part, found: BinaryIO) -> tuple[str, str]:
    if isinstance(found, sealed.Reader):
        return found.card.patient, found.card.label
    return part.patient, part.label
