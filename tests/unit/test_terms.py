"""Terms: what value sets hold and what stands above what; what is not at hand is None."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.terminology import validate_code
from onmaru.fhir.terminology.asked import asked
from onmaru.fhir.terminology.expansion import Expanding
from onmaru.fhir.terminology.terminology import Terminology, defined
from onmaru.kernel.rules import Rules

STATUS = "http://hl7.org/fhir/ValueSet/observation-status"
SYSTEM = "http://hl7.org/fhir/observation-status"
NUMBERS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def test_a_value_set_that_is_not_at_hand_says_nothing_about_a_code() -> None:
    terms = Rules().terms
    assert terms.member(STATUS, SYSTEM, "final") is True
    assert terms.member(STATUS, SYSTEM, "finished") is False
    assert terms.member(STATUS, None, "final") is True
    assert terms.member("urn:nobody", SYSTEM, "final") is None


def test_a_code_is_below_and_above_itself_and_an_unknown_one_is_neither() -> None:
    terms = Rules().terms
    below, above = terms.below(NUMBERS, "_ActEncounterCode"), terms.above(NUMBERS, "ACUTE")
    assert below is not None and {"_ActEncounterCode", "IMP", "ACUTE"} <= set(below)
    assert above is not None and {"ACUTE", "IMP", "_ActEncounterCode"} <= set(above)
    assert terms.below(NUMBERS, "no such code") is None
    assert terms.above("urn:nobody", "ACUTE") is None


def composed(url: str, **compose: Any) -> bytes:
    return json.dumps({"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose}).encode()


def knowing(*bodies: bytes) -> Terminology:
    found = [defined(json.loads(body)["resourceType"], body) for body in bodies]
    return Terminology([one for one in found if one])


def test_value_sets_that_double_at_each_step_are_chosen_once_each() -> None:
    steps = [composed(f"urn:v{n}", include=[{"valueSet": [f"urn:v{n + 1}"]}] * 2) for n in range(60)]
    terms = knowing(*steps, composed("urn:v60", include=[{"system": SYSTEM}]))
    assert terms.member("urn:v0", SYSTEM, "final") is True and terms.member("urn:v0", SYSTEM, "x") is False
    assert len(terms.codes("urn:v0", 100) or ()) == 8
    question = asked(
        "ValueSet/$validate-code", [("url", "urn:v0"), ("code", "final"), ("system-version", f"{SYSTEM}|4.0.1")], b""
    )
    assert validate_code.in_set(terms, question, "en")["parameter"][0]["valueBoolean"] is True


def test_a_ladder_of_value_sets_without_end_is_refused_and_no_member_is_known() -> None:
    steps = [composed(f"urn:v{n}", include=[{"valueSet": [f"urn:v{n + 1}"]}]) for n in range(100)]
    terms = knowing(*steps, composed("urn:v100", include=[{"system": SYSTEM}]))
    assert terms.member("urn:v0", SYSTEM, "final") is None and terms.codes("urn:v0", 100) is None


def test_a_tree_of_many_levels_or_a_ring_of_parents_is_still_an_expansion() -> None:
    line = [{"code": f"c{n}", "property": [{"code": "parent", "valueCode": f"c{n - 1}"}]} for n in range(300)]
    ring = [{"code": f"r{n}", "property": [{"code": "parent", "valueCode": f"r{(n + 1) % 3}"}]} for n in range(3)]
    system = {
        "resourceType": "CodeSystem",
        "url": "urn:s",
        "status": "active",
        "content": "complete",
        "concept": line + ring,
    }
    terms = knowing(json.dumps(system).encode(), composed("urn:v", include=[{"system": "urn:s"}]))
    question = asked("ValueSet/$expand", [("url", "urn:v"), ("excludeNested", "false")], b"")
    found = msgspec.json.encode(Expanding(terms, question).expanded("urn:x", "2026-11-23"))
    assert found.count(b'"code":') == 303
    assert (
        set(terms.below("urn:s", "r0") or ()) == {"r0", "r1", "r2"} and len(terms.above("urn:s", "c299") or ()) == 300
    )


@pytest.mark.parametrize(
    ("name", "value"), [("filter", "가" * 501), ("regex", "(a{30}){30}{30}"), ("in", ",".join(map(str, range(20_000))))]
)
def test_what_would_cost_too_much_is_refused_at_once(name: str, value: str) -> None:
    wanted = [] if name == "filter" else [{"property": "code", "op": name, "value": value}]
    terms = knowing(composed("urn:v", include=[{"system": SYSTEM, **({"filter": wanted} if wanted else {})}]))
    query = [("url", "urn:v"), *([("filter", value)] if name == "filter" else [])]
    with pytest.raises(Invalid) as refused:
        Expanding(terms, asked("ValueSet/$expand", query, b"")).expanded("urn:x", "2026-11-23")
    assert refused.value.status in (400, 422)


def test_a_newer_version_goes_first_and_a_named_one_is_kept_to() -> None:
    bodies = [
        json.dumps(
            {"resourceType": "CodeSystem", "url": "urn:s", "version": v, "status": "active", "content": "complete",
             "concept": [{"code": v}]}
        ).encode()
        for v in ("2.9", "2.10", "2.2")
    ]  # fmt: skip
    terms = knowing(*bodies, composed("urn:v", include=[{"system": "urn:s"}]))
    assert terms.member("urn:v", "urn:s", "2.10") is True and terms.member("urn:v", "urn:s", "2.9") is False
    assert terms.below("urn:s|2.2", "2.2") is not None and terms.below("urn:s|3", "2.2") is None
