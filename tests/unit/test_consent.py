"""What a Consent says of a caller: it may hide more than it says where it is not understood, but never opens anything."""

from __future__ import annotations

from typing import Any

import pytest

from onmaru.kernel.caller import Caller, Purpose
from onmaru.kernel.consent import Consents, rule

PHYSICIAN = {"role": {"coding": [{"code": "physician"}]}, "reference": {"display": "의사"}}
GP = {"role": {"coding": [{"code": "PRCP"}]}, "reference": {"display": "주치의"}}
DENY: dict[str, Any] = {"type": "deny", "actor": [PHYSICIAN]}


def caller(purpose: Purpose = "TREAT", glass: str = "") -> Caller:
    return Caller("main", "kim", frozenset({"physician"}), purpose, (), patient=glass)


def hidden(provision: dict[str, Any], by: Caller, patient: str = "Patient/p1") -> bool:
    consents = Consents()
    said = {"status": "active", "patient": {"reference": patient}, "provision": provision}
    consents.take("c", rule(said, lambda text, end: 0))
    return "p1" in consents.denied(by, 1)


@pytest.mark.parametrize(
    "reference",
    ["Patient/p1", "https://emr.example/fhir/Patient/p1", "Patient/p1/_history/2", "http://h/Patient/p1/_history/1"],
)
def test_the_patient_is_meant_however_the_reference_is_written(reference: str) -> None:
    assert hidden(DENY, caller(), reference)


@pytest.mark.parametrize("reference", ["Group/p1", "Patient/p1/Observation", "OtherPatient/p1", "Patient/", "#p1"])
def test_a_reference_to_something_else_hides_nobody(reference: str) -> None:
    assert not hidden(DENY, caller(), reference)


@pytest.mark.parametrize(
    "part",
    [
        {"actor": [GP]},
        {"purpose": [{"display": "진료"}]},
        {"class": [{"code": "Immunization"}]},
        {"action": [{"text": "collect"}]},
        {"securityLabel": [{"code": "N"}]},
        {"code": [{"text": "혈압"}]},
        {"dataPeriod": {"end": "2020"}},
        {"data": [{"meaning": "instance", "reference": {"reference": "Observation/o"}}]},
    ],
)
def test_an_exception_that_is_not_understood_opens_nothing(part: dict[str, Any]) -> None:
    assert hidden({**DENY, "provision": [{"type": "permit", **part}]}, caller())
    inner = {"type": "permit", **part, "provision": [{"type": "deny"}]}
    assert hidden({"type": "permit", "provision": [inner]}, caller())


def test_an_exception_that_is_understood_opens() -> None:
    assert not hidden({**DENY, "provision": [{"type": "permit", "purpose": [{"code": "TREAT"}]}]}, caller())


@pytest.mark.parametrize("purpose", ["TREAT", "ETREAT"])
def test_a_denied_purpose_means_those_below_it_too(purpose: Purpose) -> None:
    assert hidden({**DENY, "purpose": [{"code": "TREAT"}]}, caller(purpose))
    assert not hidden({**DENY, "purpose": [{"code": "HRESCH"}]}, caller(purpose))


def test_breaking_the_glass_of_one_patient_opens_no_other() -> None:
    denied = {**DENY, "purpose": [{"code": "TREAT"}]}
    assert hidden(denied, caller("BTG", glass="somebody-else"))
    assert not hidden(denied, caller("BTG", glass="p1"))


def test_a_consent_that_names_breaking_the_glass_is_not_broken_wherever_it_says_so() -> None:
    named = {**DENY, "purpose": [{"code": "BTG"}]}
    assert hidden(named, caller("BTG", glass="p1"))
    assert hidden({"type": "permit", "provision": [named]}, caller("BTG", glass="p1"))
