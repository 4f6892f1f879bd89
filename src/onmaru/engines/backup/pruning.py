"""Takes away what was kept long enough: whole lines, and blobs that no point left has. Only who holds the pruner's key may.

That key is made with the repository and never lies in the house, so that nothing that runs there can shorten a backup.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onmaru.engines.backup.forms import CONFIG, FORMAT, Config, Damaged, own_box
from onmaru.engines.backup.repository import SCRATCH, Folder, Repository, whole
from onmaru.engines.backup.writing import Lines
from onmaru.engines.keyring import public, sync_folder, write_new

DAY = 86_400 * 1_000_000
# A piece of an object whose writer was killed is taken away when it is so old
LEFT = DAY


class Occupied(Exception):
    """There is a repository already."""


class WrongKey(Exception):
    """This is not the key that the repository was made with."""


def begin(repository: Repository, secret: bytes, keep_days: int, pruner: Path, now: int) -> Config:
    """Make a repository; the pruner's key is written to the new file `pruner`. Occupied where there is one."""
    if _there(repository):
        raise Occupied
    key = Ed25519PrivateKey.generate()
    if pruner.exists():
        raise Occupied
    write_new(pruner, key.private_bytes_raw())
    config = Config(FORMAT, now, keep_days, public(key))
    if not repository.put(CONFIG, [own_box(secret).seal(CONFIG, config)]):
        raise Occupied
    return config


def _there(repository: Repository) -> bool:
    try:
        return bool(whole(repository, CONFIG))
    except FileNotFoundError:
        return False


def opened(repository: Repository, secret: bytes) -> Config:
    """What the repository is. FileNotFoundError where there is none, Damaged where it is another key's."""
    config = own_box(secret).open(CONFIG, whole(repository, CONFIG), Config)
    if config.format != FORMAT:
        raise Damaged(f"{CONFIG} is of another version of Onmaru")
    return config


class Pruning:
    """Needs the folder itself: through nothing else can anything be taken away. `now` in µs since 1970 UTC."""

    def __init__(self, root: Path, secret: bytes, pruner: Path, now: int) -> None:
        self._root, self._secret, self._now = root, secret, now
        self._repository = Folder(root)
        self._config = opened(self._repository, secret)
        data = pruner.read_bytes()
        if len(data) != 32 or public(Ed25519PrivateKey.from_private_bytes(data)) != self._config.pruner:
            raise WrongKey

    def run(self) -> Iterator[tuple[str, int]]:
        """What was taken away: what kind of thing, and how many."""
        for path in sorted(self._root.iterdir()):
            if path.is_dir():
                lines = Lines(self._repository, self._secret, path.name)
                yield "lines", sum(1 for line in self._old(lines) if self._line(path, line))
                yield "blobs", self._blobs(path, lines)
        yield "unfinished", self._unfinished()

    def _old(self, lines: Lines) -> list[str]:
        """Lines that ended long ago and after which a newer one has a point that was proved."""
        names = lines.lines()
        proved = [line for line in names if lines.proved(line)]
        due = self._now - self._config.keep_days * DAY
        return [line for line in names if proved and line < proved[-1] and self._ended(lines, line) < due]

    def _ended(self, lines: Lines, line: str) -> int:
        """When the line's newest point was made, by any point of it: one that was slipped in makes it no older."""
        ends = [int(line.partition("-")[0])]
        for number in lines.numbers(line):
            try:
                ends.append(lines.point(line, number).at)
            except Damaged:
                ends.append(self._now)
        return max(ends)

    def _line(self, path: Path, line: str) -> bool:
        """A line goes at once, by its name; then its bytes."""
        aside = path / "lines" / f".pruned-{os.urandom(8).hex()}"
        (path / "lines" / line).rename(aside)
        sync_folder(path / "lines")
        shutil.rmtree(aside)
        return True

    def _blobs(self, path: Path, lines: Lines) -> int:
        """Blobs that no whole point left has."""
        gone: set[str] | None = None
        for line in lines.lines():
            for number in lines.numbers(line):
                point = lines.point(line, number)
                if point.whole:
                    gone = set(point.gone) if gone is None else gone & set(point.gone)
        for name in gone or ():
            (path / "blobs" / name[:2] / name).unlink(missing_ok=True)
        return len(gone or ())

    def _unfinished(self) -> int:
        """What killed writers, and prunings that were cut short, left behind."""
        count = 0
        for path in self._root.rglob(".*"):
            if path.name.startswith(".pruned-"):
                shutil.rmtree(path)
            elif path.name.startswith(SCRATCH) and path.stat().st_mtime * 1e6 < self._now - LEFT:
                path.unlink(missing_ok=True)
            else:
                continue
            count += 1
        return count
