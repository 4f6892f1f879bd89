"""`GET /api/why`: the gate's own reasons, and nothing of what is hidden from the asker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.journeys.test_gate_matrix import Gatehouse

from onmaru.kernel.caller import ROLES

ASKED = "/api/why?resource=Observation/o1"


@pytest.fixture(params=["memory", "sqlite"])
def gate(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = Gatehouse(tmp_path, request.param)
    yield made
    made.house.close()


def reasons(gate: Gatehouse, column: str, asked: str = ASKED) -> tuple[bool, dict[str, str]]:
    answer = gate.house.ask("GET", asked, token=gate.tokens[column])
    assert answer.status == 200, answer.body
    return answer.json["allowed"], {step["rule"]: step["verdict"] for step in answer.json["steps"]}


@pytest.mark.parametrize("column", [*ROLES, "barred", "stranger"])
@pytest.mark.parametrize(
    "name", ["Observation/o1", "Observation/o2", "Provenance/v1", "Patient/p1", "Observation/none"]
)
def test_the_answer_is_that_of_reading(gate: Gatehouse, column: str, name: str) -> None:
    allowed, _ = reasons(gate, column, f"/api/why?resource={name}")
    assert allowed is (gate.house.ask("GET", f"/fhir/{name}", token=gate.tokens[column]).status == 200)


def test_roles_and_scopes_are_named(gate: Gatehouse) -> None:
    answer = gate.house.ask("GET", ASKED, token=gate.tokens["physician"]).json
    assert answer["allowed"] and answer["roles"] == ["physician"] and answer["purpose"] == "TREAT"
    assert {"role physician", "user/*.rs"} <= set(answer["steps"][0]["by"]) and answer["patients"] == ["p1"]
    allowed, steps = reasons(gate, "researcher")
    assert not allowed and steps == {"scope": "deny"}


def test_who_is_denied_learns_no_more_than_of_what_is_not_there(gate: Gatehouse) -> None:
    for column in ("barred", "stranger"):
        hidden = gate.house.ask("GET", ASKED, token=gate.tokens[column])
        absent = gate.house.ask("GET", "/api/why?resource=Observation/nothing", token=gate.tokens[column])
        assert hidden.body.replace(b"o1", b"nothing") == absent.body


def test_who_keeps_the_trail_is_told_which_consent_denies_another(gate: Gatehouse) -> None:
    allowed, steps = reasons(gate, "data-manager", f"{ASKED}&user=barred")
    assert not allowed and steps["consent"] == "deny"
    answer = gate.house.ask("GET", f"{ASKED}&user=barred", token=gate.tokens["data-manager"]).json
    assert next(step for step in answer["steps"] if step["rule"] == "consent")["by"] == ["Consent/c1: deny"]
    assert gate.house.rows()[-1].target == "why Observation/o1 barred" and gate.house.rows()[-1].patients == ("p1",)
    allowed, steps = reasons(gate, "data-manager", f"{ASKED}&user=stranger")
    assert not allowed and steps["patient"] == "deny"
    allowed, steps = reasons(gate, "data-manager", "/api/why?resource=Observation/none&user=barred")
    assert not allowed and steps["record"] == "deny"


def test_a_scopes_search_is_a_reason(gate: Gatehouse) -> None:
    scopes = "user/Observation.rs?code=8310-5"
    token = gate.house.token("narrow", "data-manager", scopes=scopes)
    answer = gate.house.ask("GET", ASKED, token=token).json
    step = next(step for step in answer["steps"] if step["rule"] == "search")
    assert answer["allowed"] and step["verdict"] == "allow" and step["by"] == [scopes]


def test_a_broken_glass_is_a_reason(gate: Gatehouse) -> None:
    glass = {"patient": "p1", "reason": "심정지 응급 상황입니다"}
    assert gate.house.ask("POST", "/api/break-glass", glass, token=gate.tokens["barred"]).status == 200
    answer = gate.house.ask("GET", ASKED, token=gate.tokens["barred"]).json
    step = next(step for step in answer["steps"] if step["rule"] == "consent")
    assert answer["allowed"] and step["by"] == ["Consent/c1: broken-glass"]


def test_the_reasons_are_told_in_the_askers_language(gate: Gatehouse) -> None:
    texts = [gate.house.ask("GET", ASKED, b"", {"accept-language": one}, gate.tokens["physician"]).json["text"]
             for one in ("ko", "en")]  # fmt: skip
    assert texts == ["볼 수 있습니다.", "May be seen."]
    assert gate.house.ask("GET", "/api/why?resource=Nothing/x", token=gate.tokens["physician"]).status == 400
