"""What is included beside the matches of a search: round by round, bounded, and never what the caller may not see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from tests.contract.conftest import SYSTEM, memory, sqlite

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel import include
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change, Page

NURSE = Caller(
    "main",
    "n",
    frozenset({"nurse"}),
    "TREAT",
    tuple(Scope("user", t, frozenset("rs")) for t in ("Observation", "Patient")),
)
CHARTS: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "top", "name": "Hospital"},
    {"resourceType": "Organization", "id": "mid", "name": "Clinic", "partOf": {"reference": "Organization/top"}},
    {"resourceType": "Organization", "id": "low", "name": "Ward", "partOf": {"reference": "Organization/mid"}},
    {"resourceType": "Patient", "id": "p", "managingOrganization": {"reference": "Organization/low"}},
    {"resourceType": "Group", "id": "g", "type": "person", "actual": True},
    *(
        {
            "resourceType": "Observation", "id": id, "status": "final", "code": {"text": id},
            "subject": {"reference": subject}, "hasMember": [{"reference": f"Observation/{member}"}],
        }
        for id, subject, member in (("a", "Patient/p", "b"), ("b", "Group/g", "c"), ("c", "Patient/p", "a"))
    ),
    {"resourceType": "Questionnaire", "id": "old", "status": "active", "url": "http://x/q", "version": "1"},
    {"resourceType": "Questionnaire", "id": "new", "status": "active", "url": "http://x/q", "version": "2"},
    {
        "resourceType": "QuestionnaireResponse", "id": "r", "status": "completed", "questionnaire": "http://x/q|1",
        "subject": {"reference": "Patient/p"},
    },
    {
        "resourceType": "Provenance", "id": "v", "recorded": "2026-01-01T00:00:00Z",
        "target": [{"reference": "Observation/c"}], "agent": [{"who": {"reference": "Organization/top"}}],
    },
]  # fmt: skip


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def tenant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    home = None
    if request.param == "memory":
        made = memory()
    else:
        made, home = sqlite(tmp_path_factory.mktemp("includes") / "main")
    bodies = [(one["resourceType"], one["id"], json.dumps(one).encode()) for one in CHARTS]
    Chart(made, SYSTEM).write([Change("update", type, id, body) for type, id, body in bodies])
    made.log.wait(made.log.tip())
    yield made
    if home is not None:
        home.close()


def page(tenant: Tenant, type: str, *pairs: tuple[str, str], caller: Caller = SYSTEM) -> Page:
    return Chart(tenant, caller).search(search.parse((type,), pairs))


def names(found: Page) -> list[str]:
    return sorted(version.name for version in found.included)


def test_an_include_follows_matches_and_with_iterate_what_was_included_too(tenant: Tenant) -> None:
    one = ("_id", "p"), ("_include", "Patient:organization")
    assert names(page(tenant, "Patient", *one)) == ["Organization/low"]
    every = page(tenant, "Patient", *one, ("_include:iterate", "Organization:partof"))
    assert names(every) == ["Organization/low", "Organization/mid", "Organization/top"] and every.notes == ()


def test_a_ring_of_references_ends_by_itself(tenant: Tenant) -> None:
    found = page(tenant, "Observation", ("_id", "a"), ("_include:iterate", "Observation:has-member"))
    assert names(found) == ["Observation/b", "Observation/c"]
    back = page(tenant, "Observation", ("_id", "a"), ("_revinclude:iterate", "Observation:has-member"))
    assert names(back) == ["Observation/b", "Observation/c"] and back.notes == ()


def test_a_target_type_leaves_other_targets_out(tenant: Tenant) -> None:
    assert names(page(tenant, "Observation", ("_include", "Observation:subject:Group"))) == ["Group/g"]
    assert names(page(tenant, "Patient", ("_id", "p"), ("_revinclude", "Observation:*:Group"))) == []


def test_a_star_follows_every_reference(tenant: Tenant) -> None:
    assert names(page(tenant, "Observation", ("_id", "b"), ("_include", "*"))) == ["Group/g", "Observation/c"]
    assert names(page(tenant, "Observation", ("_id", "b"), ("_include", "Observation:*"))) == [
        "Group/g",
        "Observation/c",
    ]
    back = names(page(tenant, "Observation", ("_id", "c"), ("_revinclude", "*")))
    assert back == ["Observation/b", "Provenance/v"]
    assert names(page(tenant, "Observation", ("_id", "c"), ("_revinclude", "Provenance:*"))) == ["Provenance/v"]


def test_a_canonical_includes_the_version_that_it_names(tenant: Tenant) -> None:
    found = page(tenant, "QuestionnaireResponse", ("_include", "QuestionnaireResponse:questionnaire"))
    assert names(found) == ["Questionnaire/old"]


def test_what_is_hidden_is_neither_included_nor_passed_through(tenant: Tenant) -> None:
    pairs = [("_id", "p"), ("_include:iterate", "*"), ("_revinclude:iterate", "*")]
    assert "Organization/top" in names(page(tenant, "Patient", *pairs))
    found = names(page(tenant, "Patient", *pairs, caller=NURSE))
    assert found == ["Observation/a", "Observation/b", "Observation/c"]


def test_a_bound_that_cuts_something_off_says_so(tenant: Tenant) -> None:
    with patch.object(include, "MOST", 2):
        cut = page(tenant, "Patient", ("_id", "p"), ("_revinclude", "Observation:subject"), ("_include", "*"))
    assert len(cut.included) == 2 and [note.code for note in cut.notes] == ["too-costly"]
    with patch.object(include, "ROUNDS", 2):
        asked = ("_include", "Patient:organization"), ("_include:iterate", "Organization:partof")
        assert page(tenant, "Patient", *asked).notes
    with patch.object(include, "PAIRS", 5), pytest.raises(Invalid) as refused:
        page(tenant, "Patient", ("_id", "p"), ("_revinclude", "*"))
    assert refused.value.issues[0].code == "too-costly"
