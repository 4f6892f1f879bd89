"""Following the log in any batches, with unrelated resources in any order, gives the rows of a rebuild."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from journey_lake import Tables, version
from journey_ward import everything
from onmaru.rooms.journey.projection import Journey
from onmaru.rooms.journey.projection import rows as rows_of

BODIES = everything()


def history(seed: int) -> list[Any]:
    """Each resource created, some changed or deleted, in random order but each resource's versions in theirs."""
    chance = random.Random(seed)
    lanes = []
    for body in BODIES:
        lane = [version(body, 1)]
        if chance.random() < 0.4:
            lane.append(version(body | {"language": "ko"}, 2, op="update"))
        if chance.random() < 0.2:
            lane.append(version(body, 3, op="delete"))
        lanes.append(lane)
    mixed = []
    while lanes:
        lane = chance.choice(lanes)
        mixed.append(lane.pop(0))
        lanes = [lane for lane in lanes if lane]
    return mixed


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), batch=st.integers(1, 30))
def test_any_batch_size_equals_a_rebuild(seed: int, batch: int) -> None:
    followed, rebuilt = Tables(Journey(), queried=False), Tables(Journey(), queried=False)
    versions = history(seed)
    followed.follow(versions, batch)
    last = {one.name: one for one in versions}
    rebuilt.follow(sorted(last.values(), key=lambda one: one.name), 1000)
    assert followed.dump() == rebuilt.dump()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(more=st.dictionaries(st.sampled_from(["note", "extension", "text", "x"]), _JSON, max_size=3))
def test_members_that_the_journey_does_not_read_change_nothing(more: dict[str, Any]) -> None:
    import msgspec

    body = next(body for body in BODIES if body["id"] == "v2")
    extra = {f"_{name}": value for name, value in more.items()}
    assert list(rows_of(msgspec.json.encode(body | extra))) == list(rows_of(msgspec.json.encode(body)))
