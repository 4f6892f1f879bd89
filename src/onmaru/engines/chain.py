"""Where a log's chain ends: what an appended draft becomes, sealed to all before it, whichever engine stores it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onmaru.engines.packing import unpacker
from onmaru.fhir import verbatim
from onmaru.kernel.log import Draft, Version
from onmaru.kernel.seal import ERASURE, Header, commitment, positions, seal

Row = tuple[Any, ...]
Body = tuple[int, bytes, str, str, bytes | None]


class Chain:
    """The last position with its time and seal. `epoch` is that of the leader which appends."""

    def __init__(self, key: bytes, now: Callable[[], int], t: int, at: int, seal: bytes, epoch: int) -> None:
        self._key = key
        self._now = now
        self.t, self.at, self.seal, self.epoch = t, at, seal, epoch

    def add(self, draft: Draft, salt: bytes) -> tuple[Version, Row, Body]:
        """The draft at the next position: its version, the row of `entry` and the row of `body`, not yet compressed."""
        at = max(self._now(), self.at + 1)
        t = self.t + 1
        body = None if draft.body is None else verbatim.stamp(draft.body, draft.id, draft.version, at, draft.spots)
        kept, mark = (positions(draft.erases), ERASURE) if draft.op == "erase" else (body, b"\x01")
        com = commitment(salt, draft.type, draft.id, kept, mark=mark)
        header = Header(t, draft.version, draft.op, at, draft.caller, draft.purpose, draft.request, self.epoch, com)
        self.seal = seal(self._key, self.seal, header)
        self.t, self.at = t, at
        version = Version(
            t, draft.type, draft.id, draft.version, draft.op, at, body, draft.caller, draft.purpose, draft.request
        )
        entry = (t, draft.version, draft.op, at, draft.caller, draft.purpose, draft.request, self.epoch, com, self.seal)
        return version, entry, (t, salt, draft.type, draft.id, kept)


unpack = unpacker()


def version_of(row: Any) -> Version:
    """A version from (t, type, id, ver, op, at, compressed body, caller, purpose, request)."""
    t, type, id, ver, op, at, z, caller, purpose, request = row
    body = None if z is None or op == "erase" else unpack(z)
    return Version(t, type, id, ver, op, at, body, caller, purpose, request)
