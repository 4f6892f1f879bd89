"""What an export asks of an engine: sets of positions and many bodies at once, the same from all of them."""

from __future__ import annotations

import json
from typing import Any

from pyroaring import BitMap

from onmaru.fhir.query import Query
from onmaru.fhir.search import parse
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.record import Change

MUCH = 1 << 30


def write(chart: Chart, *resources: dict[str, Any]) -> None:
    for one in resources:
        chart.write([Change("update", one["resourceType"], one["id"], json.dumps(one).encode())])


def observation(id: str, of: str, status: str = "final") -> dict[str, Any]:
    subject = {"reference": f"Patient/{of}"}
    return {"resourceType": "Observation", "id": id, "status": status, "code": {"text": "x"}, "subject": subject}


def filled(tenant: Tenant, chart: Chart) -> None:
    """Positions 1 … 7: two patients, an observation of each, one nobody's, the first patient again, a deletion."""
    write(
        chart,
        {"resourceType": "Patient", "id": "a"},
        {"resourceType": "Patient", "id": "b"},
        observation("x", "a"),
        observation("y", "b", "preliminary"),
        {"resourceType": "Location", "id": "w"},
        {"resourceType": "Patient", "id": "a", "gender": "male"},
    )
    chart.write([Change("delete", "Observation", "y")])
    tenant.log.wait(tenant.log.tip())


def test_the_standing_versions_that_a_search_finds_are_a_set_at_every_position(tenant: Tenant, chart: Chart) -> None:
    filled(tenant, chart)
    index = tenant.index
    assert index.standing(Query(("Patient",)), 7, ALL) == BitMap([2, 6])
    assert index.standing(Query(("Patient",)), 5, ALL) == BitMap([1, 2])
    assert index.standing(Query(("Observation",)), 6, ALL) == BitMap([3, 4])
    assert index.standing(parse(("Observation",), [("status", "final")]), 7, ALL) == BitMap([3])
    assert index.standing(Query(("Patient",)), 7, Sight(None, None, frozenset({"a"}))) == BitMap([2])
    assert [index.recorded(index.touched(t - 1, t)[0].at) for t in range(1, 8)] == list(range(7))


def test_compartments_are_sets_too(tenant: Tenant, chart: Chart) -> None:
    filled(tenant, chart)
    index = tenant.index
    assert index.inside(["a", "nobody"]) & BitMap(range(7)) == BitMap([1, 3, 6])
    assert index.owned(0, 6) == BitMap([1, 2, 3, 4, 6]) and index.owned(2, 5) == BitMap([3, 4])
    assert index.named(BitMap([3, 4, 5])) == {"a", "b"} and index.named(BitMap([5])) == frozenset()


def test_what_a_sight_shows_of_older_versions_is_judged_as_of_now(tenant: Tenant, chart: Chart) -> None:
    filled(tenant, chart)
    asked = BitMap([3, 4])
    only_final = {"Observation": (parse(("Observation",), [("status", "final")]).clauses,)}
    for sight, expected in (
        (ALL, [3, 4]), (Sight(None, None, frozenset({"a"})), [4]), (Sight(None, frozenset({"a"}), frozenset()), [3]),
        (Sight(frozenset({"Patient"}), None, frozenset()), []),
        (Sight(None, None, frozenset(), narrowed=only_final), [3]),
    ):  # fmt: skip
        assert tenant.index.seen(asked, "Observation", 6, sight) == BitMap(expected), sight


def test_bodies_come_in_order_as_many_as_asked_for_and_without_what_was_erased(tenant: Tenant, chart: Chart) -> None:
    filled(tenant, chart)
    stored = [tenant.index.touched(t - 1, t)[0].body for t in range(1, 7)]
    assert tenant.log.bodies([1, 2, 3, 4, 5, 6], MUCH) == (6, stored)
    assert tenant.log.bodies([2, 5], MUCH) == (2, [stored[1], stored[4]])
    assert tenant.log.bodies([1, 3, 5], 1) == (1, [stored[0]])
    done, found = tenant.log.bodies([1, 2, 3], len(stored[0] or b"") + 1)
    assert (done, found) == (2, stored[:2])
    chart.write([Change("erase", "Observation", "x")])
    tenant.log.wait(tenant.log.tip())
    assert tenant.log.bodies([2, 3, 5], MUCH) == (3, [stored[1], stored[4]])
    assert tenant.log.bodies([3], MUCH) == (1, [])
