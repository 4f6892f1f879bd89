"""The Log door: versions at dense positions, sealed in a chain, durable only once `wait` returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from onmaru.fhir.keys import Keys
from onmaru.fhir.verbatim import Spots

Op = Literal["create", "update", "delete", "erase"]


class Version(msgspec.Struct, frozen=True, gc=False):
    """One version of one resource at position `t`. `at` is µs since 1970 UTC; `body` is None for delete and erased."""

    t: int
    type: str
    id: str
    version: int
    op: Op
    at: int
    body: bytes | None
    caller: str = ""
    purpose: str = ""
    request: str = ""

    @property
    def name(self) -> str:
        """`Type/id`."""
        return f"{self.type}/{self.id}"


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A version about to be appended: the body is whole but for what `stamp` splices in at the append.

    `keys` are its search keys (a deletion has none); `spots` say where to splice in a large body.
    An erasure takes the bodies at the positions it `erases`, which are those of every version of the resource, and
    commits to exactly these.
    """

    op: Op
    type: str
    id: str
    version: int
    body: bytes | None
    caller: str
    purpose: str
    request: str
    keys: Keys | None = None
    spots: Spots | None = None
    erases: Sequence[int] = ()


class Moved(Exception):
    """The head is no longer where the decision was taken; decide again."""


class Log(Protocol):
    """Append-only positions of one tenant. All calls come from the tenant's home thread unless said otherwise."""

    def append(self, expected: int, drafts: Sequence[Draft]) -> Sequence[Version]:
        """Give positions expected+1…; raise Moved when the head is not `expected`. Visible at once, not yet durable."""

    def read(self, after: int, limit: int) -> Sequence[Version]:
        """Versions at positions after+1 … in order, durable ones only, at most `limit`."""

    def head(self) -> int:
        """The last durable position (0: empty): answers and effects go no further."""

    def tip(self) -> int:
        """The last appended position, durable or not: what a decision to append is taken on."""

    def wait(self, t: int) -> None:
        """Return once everything up to `t` is durable."""

    def bodies(self, positions: Sequence[int], most: int) -> tuple[int, list[bytes]]:
        """The bodies of durable versions at ascending positions, of about `most` bytes together and at least one.

        Gives how many positions were looked at, and the bodies there; what was erased has none. From any thread.
        """
