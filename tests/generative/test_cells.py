"""Small cells on random groups: what is told is a partition without small parts, and two answers give no third."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onmaru.kernel.cells import Cell, merged, safe, told

LEAST = 10
SIZES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=7)


def cells(parts: list[tuple[int, int]]) -> list[Cell]:
    return [Cell((f"g{place}",), part) for place, part in enumerate(parts)]


@given(SIZES)
def test_what_is_told_is_a_partition_and_no_part_is_small(parts: list[tuple[int, int]]) -> None:
    every = [cell for cell in cells(parts) if cell.persons]
    found = told(cells(parts), LEAST)
    if found is None:
        assert not safe(merged(every).parts, LEAST)
        return
    assert all(safe(cell.parts, LEAST) for cell in found)
    assert sorted(name for cell in found for name in cell.names) == sorted(cell.names[0] for cell in every)
    if every:
        assert merged(found).parts == merged(every).parts
        assert sum(len(cell.names) > 1 for cell in found) <= 1


@given(SIZES, st.data())
def test_two_answers_about_the_same_persons_give_no_small_group_by_subtraction(
    parts: list[tuple[int, int]], data: st.DataObject
) -> None:
    """The same groups asked about something else: their sizes are the same, who has it differs."""
    other = [(n, a + b - n) for a, b in parts for n in [data.draw(st.integers(0, a + b))]]
    one, two = told(cells(parts), LEAST), told(cells(other), LEAST)
    if one is None or two is None:
        return
    sizes = {frozenset(cell.names): cell.persons for cell in (*one, *two)}
    for whole, persons in sizes.items():
        for part, fewer in sizes.items():
            if part < whole:
                assert persons - fewer == 0 or persons - fewer >= LEAST
