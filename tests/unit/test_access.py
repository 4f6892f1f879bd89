"""The roles table."""

import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.kernel import access, scope
from onmaru.kernel.caller import ROLES, Caller


def test_every_role_has_a_row_with_a_purpose() -> None:
    assert set(access.standard()) == set(ROLES)


def test_a_table_that_lacks_a_role_is_refused() -> None:
    with pytest.raises(ValueError, match="nurse"):
        access.duties('[physician]\nscopes = ""\npurposes = ["TREAT"]\npages = []\n')


@pytest.mark.parametrize(
    ("role", "type_name", "verb", "expected"),
    [
        ("physician", "Observation", "c", True),
        ("nurse", "MedicationRequest", "c", False),
        ("nurse", "MedicationRequest", "r", True),
        ("registrar", "Observation", "r", False),
        ("researcher", "Patient", "r", False),
        ("board-member", "Patient", "r", False),
        ("patient", "Observation", "r", True),
        ("patient", "Observation", "c", False),
        ("admin", "Patient", "r", False),
        ("system", "Patient", "c", True),
    ],
)
def test_a_role_holds_what_the_table_says(role: str, type_name: str, verb: str, expected: bool) -> None:
    scopes = access.scopes_of([role], access.standard())  # type: ignore[list-item]
    assert scope.allows(scopes, type_name, verb) is expected


def test_only_the_patient_role_holds_patient_scopes_and_it_holds_no_others() -> None:
    for role, duty in access.standard().items():
        assert {s.context == "patient" for s in duty.scopes} == {role == "patient"}


def test_a_purpose_no_role_allows_is_refused() -> None:
    table = access.standard()
    assert access.purpose_for("", ["nurse"], table) == "TREAT"
    assert access.purpose_for("HRESCH", ["nurse", "researcher"], table) == "HRESCH"
    with pytest.raises(Invalid) as refused:
        access.purpose_for("HRESCH", ["nurse"], table)
    assert refused.value.status == 403


def test_a_page_opens_for_the_roles_that_the_table_names() -> None:
    def caller(role: str) -> Caller:
        return Caller("main", "u", frozenset({role}), "TREAT", ())  # type: ignore[arg-type]

    assert access.may_open(caller("admin"), "users", access.standard())
    assert not access.may_open(caller("physician"), "users", access.standard())
