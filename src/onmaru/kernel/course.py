"""One patient's course: every version of what is or was in the compartment, deletions among them, newest first.

Its one law: what was there then is there still, whatever became of it later, so that a look back sees what was known.
"""

from __future__ import annotations

from collections.abc import Iterator

from onmaru.kernel.gate import Sight
from onmaru.kernel.index import Found, Index
from onmaru.kernel.log import Version


def course(index: Index, patient: str, type: str, bounds: tuple[int, int, int], count: int, sight: Sight) -> Found:
    """Versions of one type ("" of all) with bounds (t, before, since) as of `Index.history`; none of what was erased."""
    t, before, since = bounds
    first = index.recorded(since) if since else 0
    top = min(t, before - 1) if before else t
    page: list[Version] = []
    for position in sorted((one for one in _positions(index, patient, type, t) if first < one <= top), reverse=True):
        version = index.touched(position - 1, position)[0]
        if version.op != "erase" and sight.shows(version, index.compartments(version), index.keys):
            page.append(version)
        if len(page) > count:
            break
    return Found(page[:count], None, len(page) > count)


def _positions(index: Index, patient: str, type: str, t: int) -> Iterator[int]:
    """Where all versions of the patient and of what is or was the patient's stand."""
    names = [name for name in (("Patient", patient), *index.belonging(patient, t)) if not type or name[0] == type]
    index.expect(names)
    for name in dict.fromkeys(names):
        latest = index.latest(*name, t)
        if latest is not None:
            yield from (latest.t,) if latest.version == 1 else index.positions(*name, t)
