"""Whether the disk tells a patient's name: every file under the home is read raw and searched, as `grep -ra` would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

PART = 1 << 24


class Traces(NamedTuple):
    """How much was read, how many byte patterns were looked for, and the files that hold one (never which)."""

    files: int
    bytes: int
    patterns: int
    found: list[str]


def patterns(names: Iterable[str], residents: Iterable[bytes]) -> list[bytes]:
    """Names in UTF-8 and EUC-KR, resident numbers with and without the hyphen; at least six bytes each."""
    wanted = {name.encode(codec) for name in names for codec in ("utf-8", "euc_kr")}
    wanted |= {form for one in residents for form in (one, one.replace(b"-", b""))}
    return sorted(one for one in wanted if len(one) >= 6)


def traces(home: Path, wanted: list[bytes]) -> Traces:
    """Read everything under `home` (store, write-ahead logs, blobs) and look for the patterns."""
    longest = max(map(len, wanted), default=1)
    files, size, found = 0, 0, []
    for path in sorted(one for one in home.rglob("*") if one.is_file()):
        hit = False
        try:
            for part in _parts(path, longest):
                size += len(part)
                hit = hit or any(one in part for one in wanted)
        except FileNotFoundError:
            continue  # a running house has merged it into another, which is read as well or was
        files += 1
        if hit:
            found.append(str(path.relative_to(home)))
    return Traces(files, size, len(wanted), found)


def _parts(path: Path, overlap: int) -> Iterator[bytes]:
    """The file in parts that overlap, so that nothing hides on a seam."""
    with path.open("rb") as file:
        kept = b""
        while part := file.read(PART):
            yield kept + part
            kept = part[-overlap:]
