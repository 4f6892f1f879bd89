"""Every member of every Circe criteria lets one made person in and keeps another out, by itself (circe.toml)."""

from __future__ import annotations

import json

import pytest
from tests import circe_world
from tests.circe_world import Case, asking, entering

from onmaru.rooms.cohort import grammar

CASES, TABLES = circe_world.cases()


@pytest.fixture(scope="module")
def met() -> dict[str, set[int]]:
    """Criteria as JSON → the persons who meet it, of all criteria in one run."""
    asked = {json.dumps({case.criteria: told}) for case in CASES for told in (case.asked, case.plain)}
    criteria = sorted(asked)
    expression = entering([asking(json.loads(one)) for one in criteria])
    rows = circe_world.run(expression, TABLES, ("inclusion_events",))["inclusion_events"].to_pylist()
    found: dict[str, set[int]] = {one: set() for one in criteria}
    for row in rows:
        found[criteria[row["inclusion_rule_id"]]].add(row["person_id"])
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_member_lets_one_person_in_and_keeps_one_out(case: Case, met: dict[str, set[int]]) -> None:
    both = {case.into, case.kept}
    assert met[json.dumps({case.criteria: case.asked})] & both == {case.into}
    assert met[json.dumps({case.criteria: case.plain})] & both == both, "it is something else that keeps them out"


def test_every_member_of_every_criteria_has_a_case_or_is_refused() -> None:
    wanted = {
        f"{name}.{member}"
        for name, members in grammar.criteria().items()
        for member in members
        if not grammar.absent(name, "*") and not grammar.absent(name, member)
    }
    assert wanted == {case.name for case in CASES}
