"""Rows that a search touches grow with its length and with what is stored, never with their product."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.conftest import SYSTEM, sqlite

from onmaru.engines.index.find import Finder
from onmaru.engines.index.follower import FollowedIndex
from onmaru.engines.index.work import Work
from onmaru.fhir import search
from onmaru.kernel.chart import Chart
from onmaru.kernel.gate import ALL
from onmaru.kernel.record import Change

FAMILY = 60


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FollowedIndex]:
    """Observations that all refer to one another in a ring, each with two members, and their patients."""
    tenant, home = sqlite(tmp_path_factory.mktemp("cost") / "main")
    Chart(tenant, SYSTEM).write([_change(n) for n in range(FAMILY)] + [_patient(n) for n in range(FAMILY)])
    tenant.log.wait(tenant.log.tip())
    yield home.index
    home.close()


def _change(n: int) -> Change:
    members = [{"reference": f"Observation/o{(n + step) % FAMILY}"} for step in (1, 7)]
    body = {"resourceType": "Observation", "id": f"o{n}", "status": "final", "code": {"coding": [{"code": "x"}]}}
    return _put(body | {"hasMember": members, "subject": {"reference": f"Patient/p{n}"}})


def _patient(n: int) -> Change:
    link = [{"other": {"reference": f"Patient/p{(n + 1) % FAMILY}"}, "type": "seealso"}]
    return _put({"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"n{n}"}], "link": link})


def _put(body: dict[str, Any]) -> Change:
    return Change("update", body["resourceType"], body["id"], json.dumps(body).encode())


def touched(index: FollowedIndex, type: str, *pairs: tuple[str, str]) -> int:
    work = Work()
    Finder(index.file, index, 2 * FAMILY, ALL, work).positions(search.parse((type,), pairs))
    return work.rows + work.opened


@pytest.mark.parametrize("step", ["has-member.", "_has:Observation:has-member:"])
def test_each_step_of_a_chain_adds_the_same(index: FollowedIndex, step: str) -> None:
    rows = [touched(index, "Observation", (step * depth + "code", "x")) for depth in range(1, 6)]
    assert max(rows) <= rows[0] * 5
    assert rows[4] - rows[3] <= 4 * FAMILY


def test_thirty_chained_clauses_cost_thirty_times_one(index: FollowedIndex) -> None:
    one = touched(index, "Observation", ("subject:Patient.link.link.name", "n1"))
    many = touched(index, "Observation", *[("subject:Patient.link.link.name:contains", f"n{n % 3}") for n in range(30)])
    assert many <= 30 * max(one, 6 * FAMILY)


def test_a_thousand_alternatives_read_each_row_once(index: FollowedIndex) -> None:
    names = ",".join(f"n{n}" for n in range(1000))
    assert touched(index, "Patient", ("name", names)) <= 2 * FAMILY
    assert touched(index, "Observation", ("code", ",".join(f"c{n}" for n in range(999)) + ",x")) <= 2 * FAMILY
