"""`$closure`: begun, grown, gone on from a version, on each engine that keeps records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.web_house import Answer, House

SYSTEM = "urn:tree"
TREE = {
    "resourceType": "CodeSystem", "id": "tree", "url": SYSTEM, "status": "active", "content": "complete",
    "hierarchyMeaning": "is-a",
    "concept": [{"code": "body", "concept": [{"code": "heart", "concept": [{"code": "valve"}]}, {"code": "lung"}]}],
}  # fmt: skip


class Client:
    def __init__(self, house: House) -> None:
        self.house = house
        self.token = house.token("keeper", "data-manager")
        house.ask("PUT", "/fhir/CodeSystem/tree", TREE, {}, self.token)

    def ask(self, *codes: str, version: str = "", name: str = "심장 질환", system: str = SYSTEM) -> Answer:
        parts: list[dict[str, Any]] = [{"name": "name", "valueString": name}] if name else []
        parts += [{"name": "concept", "valueCoding": {"system": system, "code": code}} for code in codes]
        parts += [{"name": "version", "valueString": version}] if version else []
        return self.house.ask(
            "POST", "/fhir/$closure", {"resourceType": "Parameters", "parameter": parts}, {}, self.token
        )


def entries(answer: Answer) -> set[tuple[str, str, str]]:
    """(code, equivalence, target)."""
    assert answer.status == 200, answer.body
    return {
        (element["code"], target["equivalence"], target.get("code", ""))
        for group in answer.json.get("group", ())
        for element in group["element"]
        for target in element["target"]
    }


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_a_table_grows_and_a_client_goes_on_from_any_version(tmp_path: Path, engine: str) -> None:
    house = House(tmp_path, engine=engine)
    client = Client(house)
    assert client.ask("heart").status == 404, "it is begun first"
    first = client.ask()
    assert first.json["resourceType"] == "ConceptMap" and entries(first) == set()
    zero = first.json["version"]
    assert entries(client.ask("valve")) == set()
    second = client.ask("body", "lung", "no-such")
    assert entries(second) == {
        ("valve", "subsumes", "body"),
        ("lung", "subsumes", "body"),
        ("no-such", "unmatched", ""),
    }
    third = client.ask("heart", "valve")
    assert entries(third) == {("valve", "subsumes", "heart"), ("heart", "subsumes", "body")}
    assert entries(client.ask("heart")) == set() and client.ask("heart").json["version"] == third.json["version"]
    assert entries(client.ask(version=second.json["version"])) == entries(third)
    assert entries(client.ask(version=zero)) == entries(second) | entries(third)
    assert entries(client.ask(version=third.json["version"])) == set()
    assert client.ask(version="99").status == 404
    anew = client.ask()
    assert int(anew.json["version"]) > int(third.json["version"])
    assert client.ask(version=second.json["version"]).status == 404
    assert entries(client.ask("lung", "body")) == {("lung", "subsumes", "body")}
    house.close()


def test_what_is_not_a_question_about_a_table_is_refused(tmp_path: Path) -> None:
    house = House(tmp_path)
    client = Client(house)
    client.ask()
    assert client.ask(name="").status == 422
    assert client.ask("heart", version="1").status == 400
    assert client.ask(version="x").status == 400
    assert client.ask("heart", system="urn:unknown").status == 404
    assert client.ask(name="다른 표", version="0").status == 404
    nurse = house.token("n", "nurse")
    body = {"resourceType": "Parameters", "parameter": [{"name": "name", "valueString": "n"}]}
    assert house.ask("POST", "/fhir/$closure", body, {}, nurse).status == 403
    assert house.ask("GET", "/fhir/$closure", b"", {}, nurse).status == 405
    house.close()
