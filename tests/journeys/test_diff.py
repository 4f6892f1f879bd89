"""`$diff` over HTTP: of versions and of two resources, and PATCH takes what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.web_house import Answer, House

FIRST = {"resourceType": "Patient", "id": "p1", "active": True, "name": [{"family": "김"}]}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("diff"))
    token = made.token("loader", "system")
    for one in (FIRST, {**FIRST, "birthDate": "1970"}, {**FIRST, "id": "p2", "active": False}):
        assert made.ask("PUT", f"/fhir/Patient/{one['id']}", one, token=token).status < 300
    yield made
    made.close()


def ask(house: House, url: str) -> Answer:
    return house.ask("GET", f"/fhir/{url}", token=house.token("loader", "system"))


def told(answer: Answer) -> list[Any]:
    assert answer.status == 200, answer.body
    return [one["part"][0]["valueCode"] for one in answer.json.get("parameter", [])]


def test_versions_and_resources_are_compared_and_the_answer_is_a_patch(house: House) -> None:
    last = ask(house, "Patient/p1/$diff")
    assert told(last) == ["add"]
    assert told(ask(house, "Patient/p1/$diff?fromVersion=2&toVersion=1")) == ["delete"]
    assert told(ask(house, "Patient/p1/$diff?fromVersion=2")) == []
    assert told(ask(house, "$diff?from=Patient/p1/_history/1&to=Patient/p2")) == ["replace"]
    kind = {"content-type": "application/fhir+json"}
    patched = house.ask("PATCH", "/fhir/Patient/p2", last.body, kind, house.token("loader", "system"))
    assert patched.status == 200 and patched.json["birthDate"] == "1970"


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("Patient/p1/$diff?toVersion=1", 404),
        ("Patient/none/$diff", 404),
        ("Patient/p1/$diff?fromVersion=9", 404),
        ("Patient/p1/$diff?fromVersion=x", 400),
        ("$diff", 400),
        ("$diff?from=Patient/p1&to=http://else/Patient/p1", 400),
        ("$diff?from=Patient/p1&to=Patient/p1/x", 400),
        ("Patient/$diff", 404),
    ],
)
def test_what_cannot_be_compared_is_refused(house: House, url: str, status: int) -> None:
    assert ask(house, url).status == status
