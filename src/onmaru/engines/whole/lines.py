"""The lines of a whole export: one a version with all that its seal commits to, one a block of the audit trail.

A resource stands in its line verbatim, as every other token of the record does.
"""

from __future__ import annotations

from typing import Any

import msgspec

from onmaru.kernel.audit import Access


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of the log. `salt`, `commitment` and `seal` are hex.

    Without `resource` it is a deletion; with `erases` the erasure of those positions; with `erased_by` only its header is
    left, and `type` and `id` are empty.
    """

    t: int
    type: str
    id: str
    version: int
    op: str
    at: int
    caller: str
    purpose: str
    request: str
    epoch: int
    salt: str
    commitment: str
    seal: str
    erased_by: int = 0
    erases: list[int] | None = None
    resource: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Block(msgspec.Struct, forbid_unknown_fields=True):
    """One sealed block of the audit trail; `first` is the number of its first row."""

    n: int
    first: int
    seal: str
    rows: list[Access]


class File(msgspec.Struct, forbid_unknown_fields=True):
    """One file of the export as it lies there: its path below the folder and what it is made of."""

    path: str
    sha256: str
    bytes: int


class Part(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What was finished in one step, a line of `parts.ndjson`.

    `kind`: log, audit, blob or accounts; dropped: the part of the log with this span counts no longer. Positions or blocks
    after `start` up to `end`; `erased` of them are without body. `patient` and `label` of a blob that lies in clear; of a
    sealed one its own card tells.
    """

    kind: str
    files: list[File]
    start: int = 0
    end: int = 0
    erased: int = 0
    patient: str = ""
    label: str = ""


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """What the whole is: where log and trail stood, whether the files are sealed, whose key signed it (Ed25519, hex), and
    the hash of `parts.ndjson`.
    """

    format: str
    tenant: str
    at: int
    entries: int
    log: str
    blocks: int
    audit: str
    sealed: bool
    signer: str
    parts: str = ""


FORMAT = "onmaru tenant 1"
_line = msgspec.json.Decoder(Line).decode
_block = msgspec.json.Decoder(Block).decode


def line_of(entry: Any, body: Any, erased_by: int) -> bytes:
    """The line of a row of `entry` and its row of `body`, decompressed (None where it was erased)."""
    t, version, op, at, caller, purpose, request, epoch, commitment, seal = entry
    salt, type, id, kept = body or (b"", "", "", None)
    verbatim: bytes | None = kept
    told: dict[str, Any] = {"t": t, "type": type, "id": id, "version": version, "op": op, "at": at, "caller": caller}
    told |= {"purpose": purpose, "request": request, "epoch": epoch, "salt": salt.hex(), "commitment": commitment.hex()}
    told["seal"] = seal.hex()
    if erased_by:
        told["erased_by"] = erased_by
    if op == "erase" and kept is not None:
        told["erases"] = msgspec.msgpack.decode(kept)
    elif verbatim is not None:
        return msgspec.json.encode(told)[:-1] + b',"resource":' + verbatim + b"}\n"
    return msgspec.json.encode(told) + b"\n"


def block_line(n: int, first: int, rows: list[Access], seal: bytes) -> bytes:
    """The line of a block."""
    return msgspec.json.encode(Block(n, first, seal.hex(), rows)) + b"\n"


def lines(text: bytes) -> list[Line]:
    """Every line of a file of the log; `msgspec.MsgspecError` where it is none."""
    return [_line(line) for line in text.splitlines()]


def blocks(text: bytes) -> list[Block]:
    """Every line of a file of the trail."""
    return [_block(line) for line in text.splitlines()]
