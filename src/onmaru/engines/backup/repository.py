"""Where backups lie: objects by name, each written once and whole, never changed or taken away by whoever backs up.

A name is there with all of its bytes on the disk, or it is not there, whenever the process that puts it is killed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from onmaru.engines.keyring import sync_folder

CHUNK = 1 << 20
PLAIN = re.compile(r"[a-z0-9][a-z0-9.\-]{0,79}")
NAME = re.compile(rf"{PLAIN.pattern}(/{PLAIN.pattern}){{0,5}}")
SCRATCH = ".unfinished-"


class Misnamed(ValueError):
    """No object has such a name."""


class Repository(Protocol):
    """What a backup needs of where it lies. There is no way to change or remove an object."""

    def put(self, name: str, data: Iterable[bytes]) -> bool:
        """Write an object; it is on the disk when this returns. False, and nothing changed, where there is one."""

    def get(self, name: str) -> Iterator[bytes]:
        """The bytes of an object in pieces; FileNotFoundError where there is none."""

    def names(self, folder: str) -> Sequence[str]:
        """The last parts of the names right below a folder, in order, those of folders among them."""


class Folder:
    """A repository in a folder: a disk, a mounted share or bucket."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, data: Iterable[bytes]) -> bool:
        """See `Repository`. `link` fails where the name is taken, so nothing is ever written over."""
        place = self._place(name)
        if place.exists():
            return False
        self._folders(place.parent)
        scratch = place.parent / f"{SCRATCH}{os.urandom(8).hex()}"
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in data:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(scratch, place)
            except FileExistsError:
                return False
        finally:
            scratch.unlink(missing_ok=True)
        sync_folder(place.parent)
        return True

    def _folders(self, folder: Path) -> None:
        """Make folders so that their names are on the disk too."""
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(exist_ok=True, mode=0o700)
            sync_folder(one.parent)

    def get(self, name: str) -> Iterator[bytes]:
        """See `Repository`."""
        with self._place(name).open("rb") as file:
            while piece := file.read(CHUNK):
                yield piece

    def names(self, folder: str) -> Sequence[str]:
        """See `Repository`; what was not finished is not there."""
        place = self._place(folder)
        if not place.is_dir():
            return ()
        return sorted(one.name for one in place.iterdir() if not one.name.startswith("."))

    def _place(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise Misnamed("no object has such a name")
        return self._root / name


def whole(repository: Repository, name: str) -> bytes:
    """A small object."""
    return b"".join(repository.get(name))
