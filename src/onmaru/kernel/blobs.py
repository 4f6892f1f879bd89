"""The Blobs door: bulk bytes under a public name that is a keyed hash; a hash alone opens nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO, Protocol


class Blobs(Protocol):
    def put(self, data: Iterable[bytes], patient: str = "", label: str = "") -> str:
        """Keep bytes of `patient` ("": nobody); gives their name. `Invalid` 403 without a scope for Binary."""

    def open(self, name: str) -> BinaryIO:
        """The bytes. `Invalid` 403 without a scope for Binary, 404 where there is none that the caller sees."""

    def has(self, name: str) -> bool:
        """Whether `open` would answer this caller."""
