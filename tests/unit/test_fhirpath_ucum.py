"""UCUM unit expressions: exact factors, dimensions, and what is no unit."""

from __future__ import annotations

from fractions import Fraction

import pytest

from onmaru.fhir.fhirpath import ucum


def factor(text: str) -> Fraction:
    found = ucum.unit(text)
    assert found is not None, text
    return found.factor


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("[in_i]", "cm", "2.54"),
        ("[lb_av]", "g", "453.59237"),
        ("kg", "mg", "1000000"),
        ("mm[Hg]", "Pa", "133.322"),
        ("10*3/uL", "/L", "1000000000"),
        ("mg/dL", "g/L", "0.01"),
        ("wk", "d", "7"),
        ("a", "d", "365.25"),
        ("%", "1", "0.01"),
        ("kg.m/s2", "N", "1"),
        ("mL/min/{1.73_m2}", "mL/min", "1"),
        ("/(s.s)", "s-2", "1"),
        ("m[H2O]", "cm[H2O]", "100"),
    ],
)
def test_one_unit_is_so_many_of_another(one: str, other: str, ratio: str) -> None:
    first, second = ucum.unit(one), ucum.unit(other)
    assert first is not None and second is not None
    assert first.dimensions == second.dimensions
    assert first.factor / second.factor == Fraction(ratio)


NO_UNITS = ["", "furlongs", "kg m", "mg//dL", "(m", "m)", "m.", "0", "k", "{a", "m99", "[in", "한", "m" * 300]


@pytest.mark.parametrize("text", NO_UNITS)
def test_what_is_no_unit_means_nothing(text: str) -> None:
    assert ucum.unit(text) is None


@pytest.mark.parametrize("text", ["[iU]", "Cel", "[degF]", "[pH]", "mCel"])
def test_a_special_or_arbitrary_unit_is_a_dimension_of_its_own(text: str) -> None:
    found = ucum.unit(text)
    assert found is not None and found.dimensions == ((text, 1),)


def test_an_annotation_alone_is_one() -> None:
    assert factor("{score}") == 1
    assert factor("/{HPF}") == 1


def test_a_product_is_written_as_a_unit_again() -> None:
    one, other = ucum.unit("mg/dL"), ucum.unit("dL")
    assert one is not None and other is not None
    assert ucum.written(ucum.times(one, other)) == "mg"
    assert ucum.written(ucum.over(other, one)) == "dL2/mg"
