"""A log of any length: the Synthea resources again and again, each copy under ids of its own, so that patients grow too."""

from __future__ import annotations

import gzip
import re
import uuid
from collections.abc import Sequence
from pathlib import Path

from onmaru.app.loading import ordered
from onmaru.fhir import verbatim
from onmaru.kernel.log import Version

_ID = re.compile(rb"([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{8})0000")
_SPACE = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def _id(name: str) -> str:
    """A stable id that ends with four digits for the number of the copy."""
    made = uuid.uuid5(_SPACE, name).hex
    return f"{made[:8]}-{made[8:12]}-4{made[13:16]}-8{made[17:20]}-{made[20:28]}0000"


class Copied:
    """As much of the Log door as a follower needs. `size`: how many versions there are now; it may grow."""

    def __init__(self, files: Sequence[Path], size: int) -> None:
        self.size = size
        self._one: list[tuple[str, str, bytes]] = []
        links: dict[str, str] = {}
        for file in ordered(files):
            _, entries = verbatim.entries(gzip.decompress(file.read_bytes()))
            named = [(entry.url, _id(f"{file.name} {number}"), entry) for number, entry in enumerate(entries)]
            links.update({entry.full_url: f"{type}/{id}" for type, id, entry in named})
            self._one += [
                (
                    type,
                    id,
                    verbatim.stamp(verbatim.compact(verbatim.relink(bytes(entry.resource or b""), links)), id, 1, 0),
                )
                for type, id, entry in named
            ]

    def head(self) -> int:
        """The position of the last version."""
        return self.size

    def read(self, after: int, limit: int) -> Sequence[Version]:
        """Versions after a position, at most `limit`."""
        return [self._version(t) for t in range(after + 1, min(after + limit, self.size) + 1)]

    def _version(self, t: int) -> Version:
        copy, place = divmod(t - 1, len(self._one))
        type, id, raw = self._one[place]
        body = _ID.sub(rb"\g<1>%04x" % copy, raw) if copy else raw
        return Version(t, type, f"{id[:-4]}{copy:04x}", 1, "create", 0, body)
