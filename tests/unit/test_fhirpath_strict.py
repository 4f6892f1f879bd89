"""Strict evaluation: what is certainly wrong is refused before data are seen, and nothing else is."""

from __future__ import annotations

import pytest

from onmaru.fhir.fhirpath import PathError, checked


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.name.given1",
        "name.first().families",
        "Encounter.status",
        "deceasedBoolean",
        "name.where(giben.exists())",
        "(deceased as dateTime).year",
        "children().first()",
        "descendants()[0]",
        "iif('x', 1, 2)",
        "name.count().given",
        "name.select(given.length().family)",
        "'a'.length",
        "contact.name.period.begin",
        "gender.coding",
    ],
)
def test_what_cannot_be_is_refused_with_its_place(expression: str) -> None:
    with pytest.raises(PathError) as caught:
        checked(expression, "Patient")
    assert caught.value.kind == "semantic"
    assert caught.value.at >= 0


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.name.given.first()",
        "Resource.id",
        "deceased.ofType(boolean)",
        "generalPractitioner.resolve().anything.at.all",
        "contained.name",
        "birthDate.extension('urn:x').value.unit",
        "children().where($this is HumanName).given",
        "name.select(given | family).where(length() > 1)",
        "%resource.anything",
        "{}.x",
        "iif(active, 1, 2)",
        "name.sort(family desc, given.first())",
        "contact.repeat(name).family",
        "gender.id",
        "(name | contact.name).family",
    ],
)
def test_what_may_be_is_not_refused(expression: str) -> None:
    assert checked(expression, "Patient").text == expression


def test_without_a_type_only_the_syntax_is_looked_at() -> None:
    assert checked("anything.at.all").text == "anything.at.all"
