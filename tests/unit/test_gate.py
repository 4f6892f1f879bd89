"""What a caller sees: bound to a patient, limited to types, denied somebody; each alone and together."""

from __future__ import annotations

import pytest

from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import ALL, UNKNOWN, Compartments, Gate, Sight
from onmaru.kernel.provision import Provision, Rule

READ = frozenset("rs")
OWN = Scope("patient", "*", READ)
USERS = Scope("user", "Observation", READ)


def sight(*scopes: Scope, patient: str = "p1", verb: str = "r", tenant: str = "main") -> Sight:
    consents = Consents()
    consents.take("c", Rule("p9", Provision(True, frozenset({"kim"}), frozenset(), 0, 100)))
    caller = Caller(tenant, "kim", frozenset({"patient"}), "PATRQT", scopes, patient)
    return Gate("main", consents, lambda: 50).sight(caller, verb)


@pytest.mark.parametrize(
    ("scopes", "patient", "only"),
    [
        ((OWN,), "p1", frozenset({"p1"})),
        ((OWN, USERS), "p1", None),
        ((USERS,), "p1", None),
        ((OWN,), "", None),
    ],
)
def test_only_who_holds_nothing_but_scopes_of_a_patient_is_bound_to_one(
    scopes: tuple[Scope, ...], patient: str, only: frozenset[str] | None
) -> None:
    assert sight(*scopes, patient=patient).only == only


def test_scopes_of_another_verb_or_tenant_show_no_type() -> None:
    assert sight(OWN).types is None
    assert sight(USERS).types == {"Observation"}
    assert sight(USERS, verb="d").types == frozenset()
    assert sight(OWN, tenant="other").types == frozenset()


def test_who_is_bound_to_a_patient_has_nothing_in_anothers_compartment() -> None:
    bound = sight(OWN)
    assert bound.only == {"p1"} and bound.denied == {"p9"}
    assert bound.sees("Observation", Compartments(("p1",)))
    assert not bound.sees("Observation", Compartments(("p2",)))


@pytest.mark.parametrize(
    ("whose", "seen"),
    [
        (Compartments(("p1",)), True),
        (Compartments(("p1", "p9")), False),
        (Compartments((), ("p1",)), True),
        (Compartments((), ("p9",)), False),
        (Compartments((), (UNKNOWN,)), False),
        (Compartments(("p1",), (UNKNOWN,)), False),
        (Compartments(), True),
    ],
)
def test_what_is_anybodys_of_whom_one_is_denied_is_hidden_also_where_nobody_knows(
    whose: Compartments, seen: bool
) -> None:
    assert Sight(None, None, frozenset({"p9"})).sees("Observation", whose) == seen
    assert ALL.sees("Observation", whose)


def test_the_names_for_the_audit_are_those_that_are_known() -> None:
    assert list(Compartments(("b",), ("a", UNKNOWN)).named) == ["a", "b"]


def test_who_is_bound_sees_of_what_is_nobodys_the_hospital_alone() -> None:
    bound = sight(OWN)
    assert bound.sees("Organization", Compartments()) and not bound.sees("Device", Compartments())
    assert not bound.sees("Organization", Compartments(("p2",)))
