"""Value sets and hierarchies in a search: what a value stands for is put in its place with the caller's own sight."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from tests.contract.conftest import SYSTEM, memory

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel import widening
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change
from onmaru.kernel.rules import Rules
from onmaru.kernel.scope import clauses

BLIND = Caller("main", "n", frozenset({"nurse"}), "TREAT", (Scope("user", "Observation", frozenset("rs")),))
SICK, FINAL = "http://x/sick", "http://hl7.org/fhir/observation-status"
CHARTS: list[dict[str, Any]] = [
    {"resourceType": "Location", "id": "site"},
    {"resourceType": "Location", "id": "ward", "partOf": {"reference": "Location/site"}},
    {"resourceType": "Location", "id": "room", "partOf": {"reference": "Location/ward"}},
    {"resourceType": "Location", "id": "ring", "partOf": {"reference": "Location/ring"}},
    *(
        {
            "resourceType": "Observation", "id": id, "status": status, "code": {"coding": [{"system": SICK, "code": code}]},
            "subject": {"reference": f"Location/{where}"},
        }
        for id, status, code, where in (
            ("one", "final", "flu", "room"), ("two", "amended", "cold", "ward"), ("three", "final", "fit", "ring")
        )
    ),
]  # fmt: skip


class Known:
    """A small terminology: flu and cold are ill."""

    def member(self, value_set: str, system: str | None, code: str) -> bool | None:
        return None

    def codes(self, value_set: str, most: int) -> Collection[tuple[str, str]] | None:
        sets = {
            "http://x/ill": [(SICK, "flu"), (SICK, "cold")],
            "http://x/done": [(FINAL, "final")],
            "http://x/none": [],
        }
        found = sets.get(value_set)
        return None if found is None or len(found) > most else found

    def below(self, system: str, code: str) -> Collection[str] | None:
        return {"ill": ["ill", "flu", "cold"], "final": ["final"]}.get(code)

    def above(self, system: str, code: str) -> Collection[str] | None:
        return ["flu", "ill"] if (system, code) == (SICK, "flu") else None


class Taught(Rules):
    @property
    def terms(self) -> Any:
        return Known()


@pytest.fixture(scope="module")
def tenant() -> Tenant:
    made = msgspec.structs.replace(memory(), rules=Taught())
    bodies = [(one["resourceType"], one["id"], json.dumps(one).encode()) for one in CHARTS]
    Chart(made, SYSTEM).write([Change("update", type, id, body) for type, id, body in bodies])
    return made


def ids(tenant: Tenant, *pairs: tuple[str, str], caller: Caller = SYSTEM) -> list[str]:
    return sorted(one.id for one in Chart(tenant, caller).search(search.parse(("Observation",), pairs)).matches)


def refused(tenant: Tenant, *pairs: tuple[str, str]) -> str:
    with pytest.raises(Invalid) as caught:
        ids(tenant, *pairs)
    assert caught.value.status == 400
    return caught.value.issues[0].code


def test_below_and_above_a_place_are_what_lies_within_and_around_it(tenant: Tenant) -> None:
    assert ids(tenant, ("subject:below", "Location/site")) == ["one", "two"]
    assert ids(tenant, ("subject:below", "room")) == ["one"]
    assert ids(tenant, ("subject:above", "Location/room")) == ["one", "two"]
    assert ids(tenant, ("subject:below", "Location/ring,Location/ward")) == ["one", "three", "two"]
    assert ids(tenant, ("subject:below", "Location/nowhere")) == []


def test_a_hidden_place_leads_nowhere_but_is_found_by_its_own_name(tenant: Tenant) -> None:
    assert ids(tenant, ("subject:below", "Location/site"), caller=BLIND) == []
    assert ids(tenant, ("subject:below", "Location/room"), caller=BLIND) == ["one"]
    assert ids(tenant, ("subject:above", "Location/room"), caller=BLIND) == ["one"]


def test_codes_are_asked_by_value_set_and_by_hierarchy(tenant: Tenant) -> None:
    assert ids(tenant, ("code:in", "http://x/ill")) == ["one", "two"]
    assert ids(tenant, ("code:not-in", "http://x/ill")) == ["three"]
    assert ids(tenant, ("code:in", "http://x/none")) == []
    assert ids(tenant, ("code:not-in", "http://x/none")) == ["one", "three", "two"]
    assert ids(tenant, ("code:below", f"{SICK}|ill")) == ["one", "two"]
    assert ids(tenant, ("code:above", f"{SICK}|flu")) == ["one"]


def test_an_element_that_implies_its_system_is_in_a_set_that_names_it(tenant: Tenant) -> None:
    assert ids(tenant, ("status:in", "http://x/done")) == ["one", "three"]
    assert ids(tenant, ("status:below", f"{FINAL}|final")) == ["one", "three"]


def test_chains_are_widened_within(tenant: Tenant) -> None:
    assert ids(tenant, ("subject:Location.partof:below", "Location/site")) == ["one", "two"]
    assert ids(tenant, ("subject:Location._has:Observation:subject:code:in", "http://x/ill")) == ["one", "two"]


def test_what_terminology_does_not_know_is_refused_and_never_empty(tenant: Tenant) -> None:
    assert refused(tenant, ("code:in", "http://x/unknown")) == "not-supported"
    assert refused(tenant, ("code:below", "http://x|unknown")) == "not-supported"
    with patch.object(widening, "MOST", 1):
        assert refused(tenant, ("subject:below", "Location/site")) == "too-costly"


def test_a_condition_of_a_write_is_widened_too(tenant: Tenant) -> None:
    body = json.dumps(CHARTS[-1]).encode()
    change = Change("create", "Observation", body=body, if_none_exist=search.parse(
        ("Observation",), [("code:in", "http://x/ill"), ("subject:below", "Location/room")]
    ))  # fmt: skip
    assert [(one.status, one.version.id) for one in Chart(tenant, SYSTEM).write([change])] == [(200, "one")]


def test_a_scope_takes_no_search_that_hangs_on_other_resources() -> None:
    for narrowing in ("subject:below=Location/site", "code:in=http://x/ill"):
        with pytest.raises(Invalid):
            clauses("Observation", narrowing)
