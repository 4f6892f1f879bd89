"""Small cells: groups of persons told so that nobody can be singled out, neither from one number nor by subtraction.

Its one law: what is told is a partition of the same persons, and each part is nobody or at least the least that is told.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

SMALLEST = 10


class Cell(msgspec.Struct, frozen=True):
    """A group. `parts`: how many of its persons are in each of several kinds that no two of share, such as with and without.

    `names`: the groups that were put together in it, one as a rule.
    """

    names: tuple[str, ...]
    parts: tuple[int, ...]

    @property
    def persons(self) -> int:
        """All of the group."""
        return sum(self.parts)


def safe(parts: Sequence[int], least: int) -> bool:
    """Whether each part is nobody or enough persons."""
    return all(part == 0 or part >= least for part in parts)


def merged(cells: Sequence[Cell]) -> Cell:
    """Groups as one."""
    parts = tuple(sum(column) for column in zip(*(cell.parts for cell in cells), strict=True))
    return Cell(tuple(name for cell in cells for name in cell.names), parts)


def told(cells: Sequence[Cell], least: int) -> list[Cell] | None:
    """The groups as they may be told, in their order, those put together last; None where even all of them as one may not.

    Only the smallest are put together, in the order of their size: of the same persons asked about two things the groups
    put together lie within one another, so that one answer taken from the other gives groups that were told anyway.
    """
    peopled = [cell for cell in cells if cell.persons]
    if not peopled:
        return []
    ranked = sorted(peopled, key=lambda cell: (cell.persons, cell.names))
    for count in (0, *range(2, len(ranked) + 1)):
        small, rest = ranked[:count], ranked[count:]
        if all(safe(cell.parts, least) for cell in rest) and (not small or safe(merged(small).parts, least)):
            apart = {cell.names for cell in small}
            together = [cell for cell in peopled if cell.names in apart]
            return [cell for cell in peopled if cell.names not in apart] + ([merged(together)] if together else [])
    return None
