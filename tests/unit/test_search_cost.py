"""What a query may cost is told from its shape alone, and too much is refused by a sum instead of by waiting."""

import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.search import parse
from onmaru.fhir.search.cost import ALWAYS, MOST_ROWS, check, passes


def cost(type: str, *pairs: tuple[str, str]) -> int:
    return passes(parse((type,), pairs))


def test_alternatives_that_lie_apart_share_one_pass() -> None:
    assert cost("Observation", ("code", "a,b,c")) == 1
    assert cost("Observation", ("subject", "a,b,c")) == 1
    assert cost("Patient", ("birthdate", "1980,1981,1982-05")) == 1
    assert cost("Patient", ("_id", "a,b,c"), ("_lastUpdated", "gt2020")) == 0


def test_open_ranges_and_searches_within_words_need_a_pass_each() -> None:
    assert cost("Patient", ("birthdate", "lt1980,gt1990")) == 2
    assert cost("Patient", ("birthdate", "1980,1980-05")) == 2
    assert cost("Patient", ("name:contains", "a,b,c")) == 3
    assert cost("Observation", ("code:missing", "true")) == 2
    assert cost("Observation", ("code-value-quantity", "a$gt5,b$gt6")) == 4


def test_each_word_of_free_text_is_looked_for() -> None:
    assert cost("Observation", ("_content", "(a OR b) c,d")) == 8


def test_a_chain_adds_up_and_never_multiplies() -> None:
    """A `_has` within a `_has` is two steps more, however many levels there are."""
    name, costs = "code", []
    for _ in range(5):
        name = f"_has:Observation:has-member:{name}"
        costs.append(cost("Observation", (name, "x")))
    assert costs == [3, 5, 7, 9, 11]


def test_all_codes_and_references_together_read_every_row_once_at_most() -> None:
    assert cost("Observation", *[("code", f"c{n}") for n in range(40)]) == 10


def test_what_many_types_of_a_chain_ask_alike_counts_once() -> None:
    alike = cost("Provenance", ("target.identifier", "x"))
    assert alike == cost("Provenance", ("target.identifier", "x"), ("target.identifier", "x"))
    assert cost("Provenance", ("target._tag", "x")) == 3


def test_a_search_is_refused_for_what_it_may_touch_in_the_worst_case() -> None:
    query = parse(("Observation",), [("subject:Patient.name:contains", ",".join(f"n{n}" for n in range(500)))])
    check(query, 1000)
    with pytest.raises(Invalid) as refused:
        check(query, 1_000_000)
    assert refused.value.issues[0].code == "too-costly" and refused.value.status == 400
    check(parse(("Observation",), [("code", "a"), ("date", "gt2020")]), MOST_ROWS * ALWAYS)


def test_lists_and_chains_beyond_the_limits_are_too_costly() -> None:
    asked = [
        ("Patient", [("_id", ",".join(map(str, range(10_000))))]),
        ("Observation", [("_has:Observation:has-member:" * 8 + "code", "x")]),
        ("Observation", [("subject:Patient.name:contains", f"n{n}") for n in range(60)]),
    ]
    for type, pairs in asked:
        with pytest.raises(Invalid) as refused:
            parse((type,), pairs)
        assert {issue.code for issue in refused.value.issues} == {"too-costly"}
