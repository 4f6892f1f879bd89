"""What a Consent says of a caller: it may hide more than it says where it is not understood, but never opens anything."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from onmaru.kernel import consent
from onmaru.kernel.caller import Caller, Purpose
from onmaru.kernel.consent import Consents, Provision, Rule, rule

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


@pytest.mark.parametrize("status", ["draft", "proposed", "rejected", "inactive", "entered-in-error"])
def test_only_an_active_consent_hides(status: str) -> None:
    said = {"status": status, "patient": {"reference": "Patient/p1"}, "provision": DENY}
    assert rule(said, lambda text, end: 0) is None


def test_a_provision_without_a_type_is_an_exception_to_the_one_around_it() -> None:
    assert hidden({"provision": [{"actor": [PHYSICIAN]}]}, caller())
    assert not hidden({**DENY, "provision": [{"actor": [PHYSICIAN]}]}, caller())
    assert hidden(
        {"provision": [{"actor": [PHYSICIAN], "provision": [{"provision": [{"actor": [PHYSICIAN]}]}]}]}, caller()
    )


def test_a_provision_holds_from_its_start_until_just_before_its_end_however_often_it_is_asked() -> None:
    consents = Consents()
    deny = Provision(True, frozenset({"physician"}), frozenset(), 10, 20)
    lifted = Provision(False, frozenset({"kim"}), frozenset(), 14, 16)
    consents.take("c", Rule("p1", msgspec.structs.replace(deny, exceptions=(lifted,))))
    consents.take("d", Rule("p2", msgspec.structs.replace(deny, start=-(2**62), end=2**62)))
    seen = [("p1" in consents.denied(caller(), at), "p2" in consents.denied(caller(), at)) for at in range(25)]
    assert [at for at, (one, _) in enumerate(seen) if one] == [10, 11, 12, 13, 16, 17, 18, 19]
    assert all(other for _, other in seen)
    assert consents.denied(caller(), 15) == {"p2"} and consents.denied(caller(), 10) == {"p1", "p2"}
    consents.take("c", None)
    assert consents.denied(caller(), 10) == {"p2"}


def test_what_was_found_for_one_caller_is_not_looked_for_again_and_is_no_other_callers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consents = Consents()
    consents.take("c", Rule("p1", Provision(True, frozenset({"physician"}), frozenset({"TREAT"}), -(2**62), 2**62)))
    assert consents.denied(caller(), 1) == {"p1"}
    with monkeypatch.context() as patched:
        patched.setattr(consent, "verdict", lambda *_: pytest.fail("looked for again"))
        assert consents.denied(caller(), 2) == {"p1"}
    nurse = msgspec.structs.replace(caller(), roles=frozenset({"nurse"}))
    for other in (caller("HOPERAT"), caller("BTG", glass="p1"), nurse):
        assert consents.denied(other, 2) == frozenset()
    assert consents.denied(caller("BTG", glass="p2"), 2) == {"p1"}
