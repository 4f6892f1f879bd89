"""A kept model as one piece: its digest, by which reports name it, and the pack in which a tenant's registry holds it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import zstandard

from onmaru.rooms.monitor.risk.stays import Unreadable

Kind = Literal["back-test", "watch"]
MOST = 64 << 20
LEVEL = 19


class Report(msgspec.Struct):
    """What `onmaru model validate` or `watch` found of one model; `digest` says of which, whatever it is called."""

    kind: Kind
    model: str
    version: str
    digest: str
    figures: dict[str, Any]


def digest(folder: Path) -> str:
    """SHA-256 over what makes the model answer: trees, their bags, calibration and features."""
    found = hashlib.sha256()
    for name, raw in _files(folder):
        found.update(f"{name} {len(raw)}\n".encode() + raw)
    return found.hexdigest()


def packed(folder: Path) -> bytes:
    """The model's files in one compressed piece."""
    return zstandard.ZstdCompressor(level=LEVEL).compress(msgspec.msgpack.encode(dict(_files(folder))))


def unpacked(raw: bytes, into: Path) -> None:
    """Lay the files of a pack into a folder; raises Unreadable for what is none."""
    try:
        plain = zstandard.ZstdDecompressor().decompress(raw, max_output_size=MOST)
        files = msgspec.msgpack.decode(plain, type=dict[str, bytes])
    except (zstandard.ZstdError, msgspec.DecodeError):
        raise Unreadable("not the pack of a model") from None
    for name, body in files.items():
        if Path(name).name != name:
            raise Unreadable("not the pack of a model")
        (into / name).write_bytes(body)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    names = ["model.json", "trees.txt", *sorted(one.name for one in folder.glob("bag-*.txt"))]
    try:
        for name in names:
            yield name, (folder / name).read_bytes()
    except OSError as error:
        raise Unreadable(f"{folder}: no model here ({type(error).__name__})") from None
