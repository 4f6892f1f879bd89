"""The simulated town: who is in it hangs on the seed and a number alone, and every resource is one that R4 allows."""

from __future__ import annotations

import json

import pytest

from onmaru.fhir import verbatim
from onmaru.fhir.structure import decode
from onmaru.simulate.town import Town
from onmaru.simulate.town.lives import LIVES, life

FEW = tuple(Town(7, 60, 25).resources(1))


def test_every_life_has_fifty_resources_and_more() -> None:
    assert min(one.resources for one in LIVES) >= 50
    assert sum(one.share for one in LIVES) == 100


def test_a_small_town_is_the_beginning_of_a_large_one() -> None:
    small = [one for part in range(3) for one in Town(7, 30, 10).resources(part)]
    large = [one for part in range(2) for one in Town(7, 90, 20).resources(part)]
    assert small == large[: len(small)]
    assert [one[2] for one in Town(8, 25, 25).resources(0)] != [one[2] for one in Town(7, 25, 25).resources(0)]


def test_a_part_is_as_large_as_was_said_before() -> None:
    town = Town(7, 60, 25)
    assert [town.size(part) for part in range(town.parts)] == [len(list(town.resources(part))) for part in range(3)]


def test_every_resource_is_valid_compact_and_named_once() -> None:
    for type, id, raw in FEW:
        assert decode(raw, type).id == id
        assert verbatim.compact(raw) == raw
    assert len({id for _, id, _ in FEW}) == len(FEW)


@pytest.mark.parametrize("name", ["infarction", "breast cancer"])
def test_a_life_has_its_visits_in_order_and_all_of_them_are_about_its_person(name: str) -> None:
    number = next(n for n in range(1, 200) if life(7, n).name == name)
    made = [json.loads(raw) for _, _, raw in Town(7, number, 1).resources(number - 1) if number > 1]
    starts = [one["period"]["start"] for one in made if one["resourceType"] == "Encounter"]
    assert starts == sorted(starts)
    assert len(starts) == len(life(7, number).visits)
    about = {one["subject"]["reference"] for one in made if "subject" in one}
    assert about == {f"Patient/sim-{number:08d}"}
