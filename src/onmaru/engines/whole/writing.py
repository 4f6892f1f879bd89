"""Writes a tenant whole into a folder, in parts of bounded size, each finished or not there: cut short, it goes on.

With a key every file is sealed (engines/sealed.py); without one the files are plain, and say so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec

from onmaru.engines import sealed
from onmaru.engines.folder import opened
from onmaru.engines.keyring import Keyring, sync_folder, write_new
from onmaru.engines.whole.lines import File, Manifest, Part, block_line, line_of
from onmaru.engines.whole.sources import Source

# A part is finished when it holds so many bytes of lines or so many entries: what is held in memory is never more than
# this and one slice
BYTES = 8 << 20
ENTRIES = 20_000
SLICE = 100
BLOCKS = 200
# No line of the journal is longer: a part has a file a type
LONGEST = 1 << 20
JOURNAL = "parts.ndjson"
MANIFEST = "manifest.json"
BEGUN = "begun.json"
WARNING = "IN-CLEAR.txt"
CLEAR = """These files hold patients' records in clear, and who looked at them: who can read this folder can read all of it.
이 폴더에는 환자의 기록과 열람 내역이 암호화되지 않은 채 들어 있습니다. 폴더를 읽을 수 있는 사람은 모두 읽을 수 있습니다.
"""
Told = Callable[[int], None]


class Occupied(Exception):
    """The folder holds something else, or an export begun otherwise."""


class Writer:
    """The files and the journal of one export. `key` None: in clear."""

    def __init__(self, folder: Path, key: bytes | None) -> None:
        self.folder = folder
        self.key = key
        self._ending = "" if key is None else ".sealed"

    def files(self, texts: dict[str, bytes]) -> list[File]:
        """Put whole files, durable when it returns; their paths are those given, and an ending where they are sealed."""
        made = [self._put(path, [text], ("", "")) for path, text in texts.items()]
        for folder in {(self.folder / file.path).parent for file in made}:
            sync_folder(folder)
        return made

    def blob(self, path: str, data: BinaryIO, whose: tuple[str, str]) -> File:
        """Put one file of any length, a chunk at a time."""
        made = self._put(path, iter(lambda: data.read(sealed.CHUNK), b""), whose)
        sync_folder((self.folder / made.path).parent)
        return made

    def _put(self, path: str, data: Iterable[bytes], whose: tuple[str, str]) -> File:
        place = self.folder / f"{path}{self._ending}"
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = place.with_name(f"{place.name}.part")
        with scratch.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            if self.key is None:
                file.writelines(data)
            else:
                sealed.write(file, self.key, os.urandom(sealed.SALT), data, whose)
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(place)
        digest, size = digest_of(place)
        return File(place.relative_to(self.folder).as_posix(), digest, size)

    def finished(self, part: Part) -> None:
        """Write down that a part is there; durable when it returns."""
        handle = os.open(self.folder / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, msgspec.json.encode(part) + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)


def begin(writer: Writer, planned: Manifest) -> Manifest:
    """What the export will be: as planned, or as it was when it was begun. Raises Occupied."""
    folder = writer.folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = folder / BEGUN
    if place.exists():
        found = msgspec.json.decode(place.read_bytes(), type=Manifest)
        if any(getattr(found, one) != getattr(planned, one) for one in ("tenant", "sealed", "format", "signer")):
            raise Occupied
        _mended(folder / JOURNAL)
        return found
    if any(folder.iterdir()):
        raise Occupied
    if not planned.sealed:
        (folder / WARNING).write_text(CLEAR, "utf-8")
    write_new(place, msgspec.json.encode(planned))
    return planned


def log_parts(writer: Writer, source: Source, plan: Manifest, told: Told) -> None:
    """The log up to where it stood at the beginning; parts of which something was erased since are written again."""
    for part in latest(writer.folder, "log"):
        if source.erased(part.start, part.end) != part.erased:
            _dropped(writer, part)
    while gap := _gap(latest(writer.folder, "log"), plan.entries):
        at, end = gap
        while at < end:
            at = _log_part(writer, source, at, end, told)
        for part in latest(writer.folder, "log"):
            if source.erased(part.start, part.end) != part.erased:
                _dropped(writer, part)


def _dropped(writer: Writer, part: Part) -> None:
    """A part no longer counts; then its files go."""
    writer.finished(Part("dropped", [], part.start, part.end))
    for file in part.files:
        (writer.folder / file.path).unlink(missing_ok=True)


def _gap(parts: list[Part], end: int) -> tuple[int, int] | None:
    """The first positions that no part holds."""
    at = 0
    for part in sorted(parts, key=lambda one: one.start):
        if part.start > at:
            return at, part.start
        at = part.end
    return (at, end) if at < end else None


def _log_part(writer: Writer, source: Source, start: int, end: int, told: Told) -> int:
    texts: dict[str, list[bytes]] = {}
    held = count = erased = 0
    at = start
    while at < end and held < BYTES and count < ENTRIES:
        rows = source.entries(at, end, SLICE)
        for entry, body, by in rows:
            line = line_of(entry, body, by)
            texts.setdefault((body[1] if body is not None else "") or "_erased", []).append(line)
            held += len(line)
            erased += 1 if by else 0
        count += len(rows)
        at = rows[-1][0][0]
    span = f"{start + 1:012d}-{at:012d}"
    files = writer.files({f"versions/{type}/{span}.ndjson": b"".join(those) for type, those in sorted(texts.items())})
    writer.finished(Part("log", files, start, at, erased))
    told(count)
    return at


def trail_parts(writer: Writer, source: Source, plan: Manifest) -> None:
    """The audit trail up to where it stood at the beginning."""
    start = max((part.end for part in journal(writer.folder) if part.kind == "audit"), default=0)
    while start < plan.blocks:
        found, held = [], 0
        at = start
        while at < plan.blocks and held < BYTES:
            some = source.blocks(at, plan.blocks, BLOCKS)
            found += [block_line(*one) for one in some]
            held += sum(map(len, found[-len(some) :]))
            at = some[-1][0]
        files = writer.files({f"audit/{start + 1:012d}-{at:012d}.ndjson": b"".join(found)})
        writer.finished(Part("audit", files, start, at))
        start = at


def blob_parts(writer: Writer, blobs: Path, ring: Keyring) -> int:
    """Every blob by its name, after all that refers to one; how many there are."""
    after = max((part.files[0].path for part in journal(writer.folder) if part.kind == "blob"), default="")
    count = 0
    for place in _blobs(blobs):
        count += 1
        path = f"blobs/{place.parent.name}/{place.name}"
        if path > after.removesuffix(".sealed"):
            with opened(place, ring) as found:
                whose = (found.card.patient, found.card.label)
                file = writer.blob(path, found, whose)  # type: ignore[arg-type]  # a RawIOBase reads as a BinaryIO does
            writer.finished(Part("blob", [file], 0, 0, 0, *(whose if writer.key is None else ("", ""))))
    return count


def _blobs(folder: Path) -> Iterator[Path]:
    for below in sorted(folder.iterdir()) if folder.exists() else ():
        if below.is_dir():
            yield from sorted(one for one in below.iterdir() if not one.name.startswith("."))


def end(writer: Writer, plan: Manifest, sign: Callable[[bytes], bytes]) -> Manifest:
    """The manifest, signed; with it the export is whole."""
    whole = msgspec.structs.replace(plan, parts=digest_of(writer.folder / JOURNAL)[0])
    text = msgspec.json.encode(whole)
    write_new(writer.folder / "manifest.sig", sign(text).hex().encode())
    write_new(writer.folder / MANIFEST, text)
    return whole


def journal(folder: Path) -> Iterator[Part]:
    """What was finished, in the order in which it was."""
    place = folder / JOURNAL
    if place.exists():
        with place.open("rb") as file:
            for line in file:
                yield msgspec.json.decode(line, type=Part)


def latest(folder: Path, kind: str) -> list[Part]:
    """The parts of a kind that count."""
    found: list[Part] = []
    for part in journal(folder):
        if part.kind == "dropped":
            found = [one for one in found if (one.start, one.end) != (part.start, part.end) or one.kind != "log"]
        elif part.kind == kind:
            found.append(part)
    return found


def _mended(place: Path) -> None:
    """Cut off a last line that a crash left half written."""
    size = place.stat().st_size if place.exists() else 0
    if size:
        with place.open("r+b") as file:
            file.seek(max(0, size - LONGEST))
            file.truncate(max(0, size - LONGEST) + file.read().rfind(b"\n") + 1)


def digest_of(place: Path) -> tuple[str, int]:
    """SHA-256 in hex and length of a file."""
    digest, size = sha256(), 0
    with place.open("rb") as file:
        while part := file.read(sealed.CHUNK):
            digest.update(part)
            size += len(part)
    return digest.hexdigest(), size
