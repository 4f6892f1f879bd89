"""The Blobs door: bulk bytes under a public name that is a keyed hash; a hash alone opens nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO, Protocol


class Blobs(Protocol):
    def put(self, data: Iterable[bytes], patient: str = "", label: str = "") -> str: ...

    def open(self, name: str) -> BinaryIO: ...

    def has(self, name: str) -> bool: ...
