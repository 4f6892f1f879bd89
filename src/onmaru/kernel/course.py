"""One patient's course: every version of what is or was in the compartment, deletions among them, newest first.

Its one law: what was there then is there still, whatever became of it later, so that a look back sees what was known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from onmaru.kernel.gate import Sight
from onmaru.kernel.index import Found, Index
from onmaru.kernel.log import Version


def positions(index: Index, patient: str, type: str, t: int) -> Sequence[int]:
    """Where all versions of a type ("" of all) stand that are or were the patient's, ascending; none of what was erased."""
    names = [name for name in (("Patient", patient), *index.belonging(patient, t)) if not type or name[0] == type]
    index.expect(names)
    return sorted({one for name in dict.fromkeys(names) for one in _versions(index, name, t)})


def _versions(index: Index, name: tuple[str, str], t: int) -> Iterator[int]:
    latest = index.latest(*name, t)
    if latest is not None:
        yield from (latest.t,) if latest.version == 1 else index.positions(*name, t)


def course(index: Index, found: Sequence[int], bounds: tuple[int, int, int], count: int, sight: Sight) -> Found:
    """Those of `found` that `sight` sees, newest first, with bounds (t, before, since) as of `Index.history`."""
    t, before, since = bounds
    first = index.recorded(since) if since else 0
    some = found[bisect_right(found, first) : bisect_right(found, min(t, before - 1) if before else t)]
    page: list[Version] = []
    for position in reversed(some):
        version = index.touched(position - 1, position)[0]
        if version.op != "erase" and sight.shows(version, index.compartments(version), index.keys):
            page.append(version)
        if len(page) > count:
            break
    return Found(page[:count], None, len(page) > count)
