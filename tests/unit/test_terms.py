"""Terms: what value sets hold and what stands above what; what is not at hand is None."""

from __future__ import annotations

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
