"""What security labels mean, who sees which, and what lowers one."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from onmaru.kernel.caller import Caller, Purpose, Role
from onmaru.kernel.labels import LEAST, Labels, allowance, borne, hides, lowered, meanings, rows, standard

CONF = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
KOREAN = "urn:onmaru:sensitivity"
R, V, SUD = (CONF, "R"), (CONF, "V"), (ACT, "SUD")


@pytest.mark.parametrize(
    ("coding", "rank"),
    [
        ((CONF, "U"), 0),
        ((CONF, "N"), 3),
        (V, 5),
        ((CONF, "secret"), 5),
        (("", "R"), 4),
        (SUD, None),
        ((CONF, "HIV"), None),
    ],
)
def test_a_confidentiality_has_its_rank_and_an_unknown_one_the_highest(
    coding: tuple[str, str], rank: int | None
) -> None:
    assert meanings().rank(coding) == rank


def test_a_code_that_the_system_does_not_have_is_strange() -> None:
    assert meanings().strange((CONF, "secret")) and not meanings().strange(("urn:x", "secret"))
    assert not any(meanings().strange((CONF, code)) for code in ("V", "HIV", "T"))


def test_a_class_has_those_below_it_and_a_retired_code_means_the_same() -> None:
    within = meanings().within((ACT, "SPI"))
    assert {(ACT, "SUD"), (ACT, "OPIOIDUD"), (ACT, "COGN")} <= within and (ACT, "HIV") not in within
    assert meanings().kind((CONF, "HIV")) == (ACT, "HIV") and meanings().kind(("", "PSY")) == (ACT, "PSY")
    assert meanings().kind((KOREAN, "genetic")) and meanings().kind(("urn:other", "PSY")) is None


@pytest.mark.parametrize(
    ("role", "purpose", "hidden"),
    [
        ("physician", "TREAT", {V}),
        ("nurse", "ETREAT", {V}),
        ("physician", "HRESCH", {R, V, SUD}),
        ("registrar", "HPAYMT", {R, V, SUD}),
        ("patient", "PATRQT", set()),
        ("data-manager", "HOPERAT", set()),
        ("data-manager", "HRESCH", {R, V, SUD}),
        ("system", "HOPERAT", set()),
    ],
)
def test_a_role_sees_for_its_purpose_what_the_table_says(
    role: Role, purpose: Purpose, hidden: set[tuple[str, str]]
) -> None:
    labels = Labels()
    labels.take("Observation", "o", [R, V, SUD, (CONF, "L"), ("urn:x", "test-data")])
    caller = Caller("main", "kim", frozenset({role}), purpose, ())
    assert labels.masked(caller) == (hidden, frozenset())
    labels.take("Patient", "vip", [V])
    assert labels.masked(caller)[1] == ({"vip"} if V in hidden else set())
    labels.take("Patient", "vip", [])
    assert labels.masked(caller)[1] == frozenset()


def test_nothing_is_masked_while_no_label_occurs_that_hides() -> None:
    labels = Labels()
    labels.take("Observation", "o", [(CONF, "N"), ("urn:x", "y")])
    assert labels.masked(Caller("main", "kim", frozenset({"researcher"}), "HRESCH", ())) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    ("before", "after", "lower"),
    [
        ([R], [], True),
        ([R], [V], False),
        ([], [(CONF, "L")], True),
        ([SUD], [], True),
        ([SUD], [(ACT, "OPIOIDUD")], False),
        ([(ACT, "OPIOIDUD")], [SUD], True),
        ([("urn:x", "y")], [], False),
        ([R, SUD], [V, SUD, ("urn:x", "y")], False),
    ],
)
def test_what_lowers_labels(before: list[tuple[str, str]], after: list[tuple[str, str]], lower: bool) -> None:
    assert lowered(before, after) == lower


@pytest.mark.parametrize(
    "table",
    [
        '[[row]]\nroles=["physician"]\npurposes=["TREAT"]\nmost="X"\nclasses=[]',
        '[[row]]\nroles=["physician"]\npurposes=["TREAT"]\nmost="R"\nclasses=["SUDS"]',
        '[[row]]\nroles=["doctor"]\npurposes=["TREAT"]\nmost="R"\nclasses=[]',
    ],
)
def test_a_table_that_says_what_nobody_knows_is_refused(table: str) -> None:
    with pytest.raises(ValueError):
        rows(table)


def test_a_row_with_classes_shows_these_and_those_below_them() -> None:
    table = rows('[[row]]\nroles=["nurse"]\npurposes=["TREAT"]\nmost="R"\nclasses=["SUD"]')
    allowed = allowance({"nurse"}, "TREAT", table)
    assert not hides(allowed, (ACT, "OPIOIDUD")) and hides(allowed, (ACT, "HIV")) and hides(LEAST, SUD)
    assert allowance({"nurse"}, "HRESCH", table) == LEAST and len(standard()) == 6


def test_labels_are_read_from_a_body_however_they_are_written() -> None:
    body = b'{"resourceType":"Observation","meta":{"secur\\u0069ty":[{"code":"R"},{"display":"x"}]}}'
    assert borne(body) == [("", "R")] and borne(b'{"resourceType":"Observation","note":"\\ud55c"}') == ()


def test_the_codes_are_those_of_the_core_package(shared_data: Callable[[str], Path]) -> None:
    """Every code of the table is a concept of the package, in the same place."""
    with tarfile.open(next(shared_data("fhir-core").glob("*.tgz"))) as packed:
        found = packed.extractfile("package/CodeSystem-v3-ActCode.json")
        assert found is not None
        concepts = json.load(found)["concept"]
    compared = 0
    while concepts:
        one = concepts.pop()
        concepts += one.get("concept", ())
        if len(meanings().within((ACT, one["code"]))) > 1:
            compared += 1
            below = {code for child in one["concept"] for _, code in meanings().within((ACT, child["code"]))}
            assert {code for _, code in meanings().within((ACT, one["code"]))} == {one["code"], *below}
    assert compared == 7
