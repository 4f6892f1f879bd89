"""The Blobs door: bulk bytes under a public name that is a keyed hash; a hash alone opens nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Protocol


class Blobs(Protocol):
    def put(self, data: Iterable[bytes], patient: str = "", label: str = "") -> str:
        """Keep bytes of `patient` ("": nobody); gives their name. `Invalid` 403 without a scope for Binary."""

    def open(self, name: str) -> BinaryIO:
        """The bytes. `Invalid` 403 without a scope for Binary, 404 where there is none that the caller sees."""

    def has(self, name: str) -> bool:
        """Whether `open` would answer this caller."""

    def of(self, patient: str) -> Sequence[str]:
        """The names of what is kept of `patient`, as far as this caller sees it."""

    def drop(self, names: Iterable[str]) -> int:
        """Destroy bytes for good; how many were there. `Invalid` 403 without a scope to delete Binary."""
