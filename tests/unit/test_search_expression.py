"""The FHIRPath subset of SearchParameters."""

import pytest

from onmaru.fhir.search.branches import Branch, Field, Where, branches
from onmaru.fhir.search.catalogue import data
from onmaru.fhir.search.expression import Unreadable, parse_expression


def test_every_expression_of_r4_is_inside_the_subset() -> None:
    texts = [row[3] for row in data().parameters if row[3]]
    texts += [text for row in data().parameters for _, text in row[6]]
    assert len(texts) > 1384
    for text in texts:
        parse_expression(text)


@pytest.mark.parametrize(
    "text", ["(a", "a.b(", "a.first()", "a + b", "a.where(b", "a[", "a b", "a as 5", "'open", "", "a..b"]
)
def test_what_is_outside_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_expression(text)


def test_alternatives_of_other_types_are_left_out() -> None:
    found = branches(parse_expression("Patient.name | Person.name"), "Patient")
    assert found == [Branch((Field("name"),))]


@pytest.mark.parametrize("text", ["(a.value as Quantity)", "a.value.as(Quantity)", "a.value.ofType(Quantity)"])
def test_a_cast_narrows_the_last_element(text: str) -> None:
    assert branches(parse_expression(text), "Patient") == [Branch((Field("a"), Field("value", "Quantity")))]


def test_a_condition_becomes_a_step() -> None:
    (branch,) = branches(parse_expression("Account.subject.where(resolve() is Patient)"), "Account")
    assert isinstance(branch.steps[1], Where)
