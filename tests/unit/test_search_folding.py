"""What the string normal form keeps and what it folds."""

import pytest

from onmaru.fhir.search import normal


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Gödel   Ångström ", "godel angstrom"),
        ("STRASSE Straße", "strasse strasse"),
        ("김철수", "김철수"),
        ("김철수".encode("utf-16").decode("utf-16"), "김철수"),
        ("\u1100\u1175\u11b7", "김"),
        ("ＫＩＭ", "kim"),
        ("İzmir", "izmir"),
        ("ﬁbrosis", "fibrosis"),
        ("ガス", "ガス"),
        ("", ""),
    ],
)
def test_letters_compare_without_case_accents_and_width(text: str, folded: str) -> None:
    assert normal(text) == folded


def test_a_consonant_is_not_the_beginning_of_a_syllable() -> None:
    assert not normal("김").startswith(normal("기"))
