"""SMART scopes as text and as sets."""

import time

import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.kernel import scope
from onmaru.kernel.caller import Scope


@pytest.mark.parametrize(
    ("written", "context", "type_name", "verbs"),
    [
        ("user/Patient.rs", "user", "Patient", "rs"),
        ("patient/*.cruds", "patient", "*", "cruds"),
        ("system/Observation.c", "system", "Observation", "c"),
        ("user/Observation.read", "user", "Observation", "rs"),
        ("user/Observation.write", "user", "Observation", "cud"),
        ("user/*.*", "user", "*", "cruds"),
    ],
)
def test_a_scope_is_read_as_context_type_and_letters(written: str, context: str, type_name: str, verbs: str) -> None:
    assert scope.parse(written) == (Scope(context, type_name, frozenset(verbs)),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "written",
    ["Patient.rs", "user/Patient", "user/Patient.sr", "user/Patient.rr", "user/Patient.x", "user/patient.r",
     "launch", "user/*.rs?category=laboratory", "user/Observation.rs?", "user/Observation.rs?nonsense=1",
     "user/Observation.rs?_sort=date", "user/Observation.rs?subject:Patient.name=kim", "user/Observation.cud?code=1",
     "user/Patient.rs?_has:Observation:patient:code=1", "user/Patient.", "a" * 16_385],
)  # fmt: skip
def test_a_scope_that_is_not_understood_is_refused(written: str) -> None:
    with pytest.raises(Invalid) as refused:
        scope.parse(f"user/Patient.r {written}" if len(written) < 1000 else written)
    assert refused.value.status == 400


def test_scopes_written_in_version_2_read_back_the_same() -> None:
    parsed = scope.parse("patient/Observation.read user/*.cruds system/Patient.r")
    assert scope.parse(scope.text(parsed)) == parsed


def test_a_search_part_narrows_reading_and_searching_and_grants_no_writing() -> None:
    (laboratory,) = scope.parse("patient/Observation.cruds?category=laboratory")
    assert laboratory == Scope("patient", "Observation", frozenset("rs"), "category=laboratory")
    assert scope.parse(scope.text([laboratory])) == (laboratory,)


def test_a_scope_with_a_search_part_covers_no_whole_type_and_stays_narrow_among_wider_ones() -> None:
    held = scope.parse("user/Observation.rs?category=laboratory")
    assert not scope.covers(held, scope.parse("user/Observation.r")[0])
    assert scope.narrow(scope.parse("user/*.cruds"), held) == held
    both = scope.narrow(held, scope.parse("user/Observation.rs?status=final"))
    assert [one.search for one in both] == ["category=laboratory&status=final"]


def test_two_sets_of_scopes_meet_in_what_both_grant() -> None:
    held = scope.parse("user/*.rs user/Observation.cruds")
    met = scope.narrow(held, scope.parse("patient/Observation.cr system/Patient.cr"))
    assert set(met) == set(scope.parse("patient/Observation.cr user/Patient.r"))
    assert scope.narrow(scope.parse("user/Patient.r"), scope.parse("user/Patient.s user/Observation.r")) == ()


def test_a_needed_scope_is_covered_only_when_every_letter_is_held() -> None:
    held = scope.parse("user/Patient.r patient/*.s")
    assert scope.covers(held, scope.parse("user/Patient.rs")[0])
    assert not scope.covers(held, scope.parse("user/Observation.rs")[0])
    assert scope.allows(held, "Patient", "r") and not scope.allows(held, "Patient", "c")


def test_as_many_scopes_as_a_text_holds_are_simplified_at_once() -> None:
    many = [scope.parse(f"patient/Observation.rs?code={n}")[0] for n in range(20_000)]
    began = time.monotonic()
    wide = scope.parse("patient/Observation.r patient/*.s user/Patient.rs user/Patient.r")
    assert len(scope.simplest([*many, *wide])) == 20_000 + 3
    assert scope.simplest(scope.parse("patient/Observation.r?code=1 patient/*.rs patient/Patient.r")) == scope.parse(
        "patient/*.rs"
    )
    assert time.monotonic() - began < 3


def test_more_scopes_than_can_be_held_against_one_another_are_refused() -> None:
    one = scope.parse(" ".join(f"patient/Observation.r?code=a{n}" for n in range(400)))
    assert len(scope.narrow(one, scope.parse("user/*.rs"))) == 400
    with pytest.raises(Invalid) as refused:
        scope.narrow(one, one)
    assert refused.value.status == 400
