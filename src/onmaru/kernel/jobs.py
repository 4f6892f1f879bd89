"""The Jobs door: a job is a FHIR Task in the log; claimed once, finished once, at least once run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Job(msgspec.Struct, frozen=True):
    """One unit of work. `key` makes it idempotent: (room, entry, effect)."""

    id: str
    kind: str
    key: str
    input: Mapping[str, str]


class Jobs(Protocol):
    def enqueue(self, kind: str, key: str, input: Mapping[str, str]) -> str:
        """Ask for work once: a second request with the same key gives the first one's id."""

    def claim(self, kinds: frozenset[str], worker: str) -> Job | None:
        """The oldest requested job of these kinds, now in progress and the worker's; None when there is none."""

    def finish(self, id: str, *, ok: bool, note: str = "") -> None:
        """Close a job; one that failed keeps the note as its reason. `Invalid` 404 where there is no such job."""
