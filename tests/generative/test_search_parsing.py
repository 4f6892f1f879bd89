"""Parsing never crashes, refuses only as Invalid, and reads back what was written; matching agrees with set logic."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from onmaru.fhir.keys import MAX, MIN, Keys
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.query import Clause, Date, Missing, Number, Parameter, Query, Text, Token
from onmaru.fhir.search import matches, normal, parameters, parse, sort_key
from onmaru.fhir.search.catalogue import types
from onmaru.fhir.search.dates import span
from onmaru.fhir.search.matching import compare_ranges, compare_values

TYPES = st.sampled_from(sorted(types()))
NOISE = st.text(alphabet=st.sampled_from([*"|$,\\:._-+eEgtsaTZ 0123456789/#?&é김\x00\ud800"]), max_size=24)
MODIFIERS = ["exact", "contains", "text", "not", "missing", "identifier", "Patient", "above", "iterate", ""]
RESULTS = ["_sort", "_count", "_include", "_revinclude", "_summary", "_elements", "_total", "_cursor", "_type", "_has"]
PLAIN = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20)


def escaped(text: str) -> str:
    return "".join("\\" + c if c in "\\,$|" else c for c in text)


@st.composite
def names(draw: st.DrawFn, type: str) -> str:
    """Parameter names as clients write them, right and wrong."""
    codes = st.sampled_from(sorted(parameters(type)))
    name = draw(st.one_of(codes, st.sampled_from(RESULTS), NOISE))
    if draw(st.booleans()):
        name += ":" + draw(st.sampled_from(MODIFIERS) | NOISE)
    if draw(st.booleans()):
        name += "." + draw(codes | NOISE)
    return draw(st.sampled_from(["", "", "", "_has:Observation:patient:", "_has:" + type + ":"])) + name


@given(st.data())
def test_parsing_gives_a_query_or_says_why_not(data: st.DataObject) -> None:
    type = data.draw(TYPES)
    pairs = data.draw(
        st.lists(st.tuples(names(type), NOISE | st.sampled_from(["2020", "true", "1", "a|b"])), max_size=4)
    )
    try:
        query = parse((type,), pairs, lenient=data.draw(st.booleans()))
    except Invalid as refused:
        assert refused.status == 400 and refused.issues
        assert all(issue.text for issue in refused.issues)
        return
    assert isinstance(query, Query)
    assert parse((type,), query.pairs, now=lambda: 0) == parse((type,), query.pairs, now=lambda: 0)
    assert parse((type,), query.pairs).pairs == query.pairs


@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=5))
def test_tokens_read_back_as_they_were_written(wanted: list[tuple[str, str]]) -> None:
    written = ",".join(f"{escaped(system)}|{escaped(code)}" for system, code in wanted)
    (clause,) = parse(("Observation",), [("code", written)]).clauses
    assert isinstance(clause, Clause)
    assert clause.values == tuple(Token(system, code) for system, code in dict.fromkeys(wanted))


@given(st.lists(PLAIN, min_size=1, max_size=5))
def test_strings_read_back_as_they_were_written(wanted: list[str]) -> None:
    (clause,) = parse(("Patient",), [("name:exact", ",".join(map(escaped, wanted)))]).clauses
    assert isinstance(clause, Clause) and clause.values == tuple(map(Text, dict.fromkeys(wanted)))
    keys = Keys(string=[(clause.parameter.sp, wanted[-1])])
    assert matches(keys, clause)


@given(st.text(alphabet=string.digits, min_size=1, max_size=12), st.text(alphabet=string.digits, max_size=6))
def test_a_number_finds_itself(whole: str, fraction: str) -> None:
    written = f"{whole}.{fraction}" if fraction else whole
    (clause,) = parse(("RiskAssessment",), [("probability", written)]).clauses
    assert isinstance(clause, Clause)
    (value,) = clause.values
    assert isinstance(value, Number) and value.low <= float(written) <= value.high
    assert matches(Keys(quantity=[(clause.parameter.sp, "", "", float(written))]), clause)


MOMENTS = st.integers(span("1900")[0], span("2100")[1])


@given(MOMENTS, st.integers(1, 10**12), MOMENTS, st.integers(1, 10**12))
def test_date_prefixes_keep_their_logic(a: int, long: int, b: int, wide: int) -> None:
    low, high = b, b + wide

    def holds(prefix: str) -> bool:
        return compare_ranges(Date(prefix, a, a + long), low, high)  # type: ignore[arg-type]

    assert holds("ne") != holds("eq")
    assert not (holds("eq") and not (holds("ge") and holds("le") and holds("ap")))
    assert not holds("sa") or (holds("gt") and holds("ge") and not holds("le"))
    assert not holds("eb") or (holds("lt") and holds("le") and not holds("ge"))
    assert holds("ap") != (holds("sa") or holds("eb"))
    assert not holds("gt") or holds("ge")
    assert not holds("lt") or holds("le")


@given(MOMENTS)
def test_an_open_range_reaches_every_later_date(a: int) -> None:
    assert compare_ranges(Date("ge", a, a + 1), 0, MAX) and compare_ranges(Date("le", a, a + 1), MIN, 0)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_number_prefixes_keep_their_logic(wanted: float, value: float) -> None:
    def holds(prefix: str) -> bool:
        return compare_values(Number(prefix, wanted, wanted - 0.5, wanted + 0.5), value)  # type: ignore[arg-type]

    assert holds("ne") != holds("eq")
    assert holds("gt") == holds("sa") == (not holds("le"))
    assert holds("lt") == holds("eb") == (not holds("ge"))


@given(st.text(max_size=40))
def test_the_normal_form_is_final(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(st.lists(st.tuples(st.integers(5, 6), PLAIN, PLAIN), max_size=4), PLAIN)
def test_not_is_the_complement_and_missing_tells_absence(rows: list[tuple[int, str, str]], code: str) -> None:
    keys = Keys(token=rows)
    parameter = Parameter(5, "code", "token")
    plain = matches(keys, Clause(parameter, "", (Token(None, code),)))
    assert matches(keys, Clause(parameter, "not", (Token(None, code),))) != plain
    absent = all(sp != 5 for sp, _, _ in rows)
    assert matches(keys, Clause(parameter, "missing", (Missing(True),))) == absent
    assert matches(keys, Clause(parameter, "missing", (Missing(False),))) != absent
    assert (sort_key(keys, parameter, False) is None) == absent


@given(st.lists(st.tuples(st.just(7), MOMENTS, st.integers(1, 10**9)), min_size=1, max_size=5))
def test_sorting_looks_at_the_earliest_or_the_latest_beginning(rows: list[tuple[int, int, int]]) -> None:
    keys = Keys(date=[(sp, low, low + length) for sp, low, length in rows])
    parameter = Parameter(7, "date", "date")
    assert sort_key(keys, parameter, False) == min(low for _, low, _ in rows)
    assert sort_key(keys, parameter, True) == max(low for _, low, _ in rows)
