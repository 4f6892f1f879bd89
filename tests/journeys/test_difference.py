"""A small cut of `onmaru prove 3.difference`: what is hidden changes no answer, and the comparison sees what would."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import get_args

import pytest
from tests.contract.conftest import SYSTEM
from tests.web_house import House

from onmaru.app.prove.twins import PURPOSES, Asker, Questions, bare, changes, world
from onmaru.kernel.chart import Chart

FACTS = world(6, 3)
REQUESTS = 80


class Twin:
    """One house with a world in it, and a token for each asker."""

    def __init__(self, folder: Path, without: Asker | None) -> None:
        folder.mkdir()
        self.house = House(folder, engine="sqlite")
        tenant = self.house.tenants["main"]
        chart = Chart(tenant, SYSTEM)
        for change in changes(FACTS, without):
            chart.write([change])
        tenant.log.wait(tenant.log.tip())
        self.tokens = {asker: self.house.token(asker, asker) for asker in get_args(Asker)}

    def ask(self, asker: Asker, url: str, purpose: str = "") -> tuple[int, bytes]:
        told = {"x-onmaru-purpose": purpose or PURPOSES[asker]}
        answer = self.house.ask("GET", url, b"", told, self.tokens[asker])
        return answer.status, bare(answer.body)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    made = Twin(tmp_path_factory.mktemp("twins") / "full", None)
    yield made
    made.house.close()


@pytest.mark.parametrize("asker", get_args(Asker))
def test_what_is_hidden_changes_no_answer(full: Twin, asker: Asker, tmp_path: Path) -> None:
    bereft = Twin(tmp_path / "bereft", asker)
    found = 0
    for url in islice(Questions(FACTS, 5, rooms=False), REQUESTS):
        one, two = full.ask(asker, url), bereft.ask(asker, url)
        assert one == two, url
        found += one[0] == 200 and b'"entry"' in one[1]
    assert found > REQUESTS // 5
    bereft.house.close()


def test_the_comparison_sees_what_is_not_hidden(full: Twin, tmp_path: Path) -> None:
    bereft = Twin(tmp_path / "bereft", "physician")
    differing = [
        url
        for url in islice(Questions(FACTS, 5, rooms=False), 25)
        if full.ask("data-manager", url, "HOPERAT") != bereft.ask("data-manager", url, "HOPERAT")
    ]
    assert len(differing) > 3
    bereft.house.close()
