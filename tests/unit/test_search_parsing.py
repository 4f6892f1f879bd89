"""From name-value pairs to a Query, and what is refused on the way."""

import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.query import Chain, Clause, Date, Has, Missing, Number, Parts, Query, Ref, Text, Token, Typed, Wide
from onmaru.fhir.search import Limits, parse
from onmaru.fhir.search.dates import DAY, span


def one(type: str, name: str, text: str) -> Clause:
    (clause,) = parse((type,), [(name, text)]).clauses
    assert isinstance(clause, Clause)
    return clause


def refused(type: str, *pairs: tuple[str, str], **options: object) -> list[str]:
    with pytest.raises(Invalid) as caught:
        parse((type,) if type else (), pairs, **options)  # type: ignore[arg-type]
    assert caught.value.status == 400
    return [issue.text for issue in caught.value.issues]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8302-2", Token(None, "8302-2")),
        ("http://loinc.org|8302-2", Token("http://loinc.org", "8302-2")),
        ("|8302-2", Token("", "8302-2")),
        ("http://loinc.org|", Token("http://loinc.org", None)),
        (r"a\|b\,c\$d\\e", Token(None, r"a|b,c$d\e")),
    ],
)
def test_a_token_is_read_with_system_and_escapes(text: str, value: Token) -> None:
    assert one("Observation", "code", text).values == (value,)


def test_alternatives_are_split_at_bare_commas_only() -> None:
    assert one("Patient", "name:exact", r"Kim\, A,Lee").values == (Text("Kim, A"), Text("Lee"))


def test_the_system_that_a_code_implies_may_be_written() -> None:
    plain = Token("", "male")
    assert one("Patient", "gender", "http://hl7.org/fhir/administrative-gender|male").values == (plain,)
    assert one("Patient", "gender", "http://loinc.org|male").values == (Token("http://loinc.org", "male"),)
    assert one("Patient", "gender", "male").values == (Token(None, "male"),)


def test_a_token_over_a_string_is_folded() -> None:
    assert one("Patient", "email", "Kim@Hospital.KR").values == (Token(None, "kim@hospital.kr"),)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("23", Ref("", "23")),
        ("Patient/23", Ref("Patient", "23")),
        ("Patient/23/_history/4", Ref("Patient", "23")),
        ("http://other/fhir/Patient/23/_history/4", Ref("", "http://other/fhir/Patient/23")),
        ("urn:uuid:6f", Ref("", "urn:uuid:6f")),
    ],
)
def test_a_reference_is_read_without_its_version(text: str, value: Ref) -> None:
    assert one("Observation", "subject", text).values == (value,)


def test_an_absolute_reference_to_this_server_counts_as_relative() -> None:
    for name in ("subject", "subject:Patient"):
        pairs = [(name, "https://h/fhir/Patient/23")]
        (clause,) = parse(("Observation",), pairs, base="https://h/fhir").clauses
        whole = (Ref("", pairs[0][1]),) if name == "subject" else ()  # as who writes it whole has it kept
        assert isinstance(clause, Clause) and clause.values == (Ref("Patient", "23"), *whole)
        (other,) = parse(("Observation",), pairs, base="https://h/t/a/fhir").clauses
        assert isinstance(other, Clause) and other.values == (Ref("", "https://h/fhir/Patient/23"),)


def test_a_type_modifier_becomes_part_of_the_reference() -> None:
    assert one("Observation", "subject:Patient", "23") == one("Observation", "subject", "Patient/23")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100", Number("eq", 100.0, 99.5, 100.5)),
        ("100.00", Number("eq", 100.0, 99.995, 100.005)),
        ("1e2", Number("eq", 100.0, 95.0, 105.0)),
        ("5.40e-3", Number("eq", 0.0054, 0.005395, 0.005405)),
        ("lt-5", Number("lt", -5.0, -5.5, -4.5)),
        ("ap200", Number("ap", 200.0, 180.0, 220.0)),
        ("5.4|http://unitsofmeasure.org|mg", Number("eq", 5.4, 5.35, 5.45, "http://unitsofmeasure.org", "mg")),
        ("5.4||mg", Number("eq", 5.4, 5.35, 5.45, None, "mg")),
    ],
)
def test_a_number_implies_the_range_of_its_digits(text: str, value: Number) -> None:
    assert one("Observation", "value-quantity", text).values == (value,)


def test_a_date_has_a_prefix_and_a_range() -> None:
    assert one("Observation", "date", "ge2013-01").values == (Date("ge", *span("2013-01")),)


def test_a_plus_sign_that_became_a_blank_is_still_a_zone() -> None:
    assert one("Observation", "date", "2013-01-01T09:00:00 09:00").values == (
        Date("eq", *span("2013-01-01T00:00:00Z")),
    )


def test_about_a_date_means_a_tenth_of_its_distance_from_today() -> None:
    now = span("2020-04-10")[0] + 12_345
    (clause,) = parse(("Observation",), [("date", "ap2020-01-01")], now=lambda: now).clauses
    assert clause == one_approximate(10 * DAY, 99 * DAY // 10)


def one_approximate(before: int, after: int) -> Clause:
    exact = one("Observation", "date", "2020-01-01")
    (value,) = exact.values
    assert isinstance(value, Date)
    return Clause(exact.parameter, "", (Date("ap", value.low - before, value.high + after),))


def test_a_composite_has_one_value_a_component() -> None:
    value = one("Observation", "code-value-quantity", "http://loinc.org|8302-2$gt170").values[0]
    assert value == Parts((Token("http://loinc.org", "8302-2"), Number("gt", 170.0, 169.5, 170.5)))


def test_missing_is_true_or_false() -> None:
    assert one("Patient", "birthdate:missing", "true").values == (Missing(True),)
    assert refused("Patient", ("birthdate:missing", "perhaps")) == [
        "parameter birthdate:missing: :missing is true or false"
    ]


def test_a_chain_follows_every_target_type_that_knows_the_inner_parameter() -> None:
    (chain,) = parse(("Observation",), [("subject.name", "Kim")]).clauses
    assert isinstance(chain, Chain)
    assert [type for type, _ in chain.inner] == ["Location", "Patient"]


def test_a_chain_can_be_narrowed_to_one_type_and_go_on() -> None:
    (chain,) = parse(
        ("Observation",), [("subject:Patient.general-practitioner:Practitioner.family:exact", "Lee")]
    ).clauses
    assert isinstance(chain, Chain)
    ((type, inner),) = chain.inner
    assert isinstance(inner, Chain) and type == "Patient"
    ((type, last),) = inner.inner
    assert isinstance(last, Clause) and (type, last.modifier) == ("Practitioner", "exact")


def test_a_reverse_chain_names_type_reference_and_parameter() -> None:
    (has,) = parse(("Patient",), [("_has:Observation:patient:code", "8302-2")]).clauses
    assert isinstance(has, Has) and isinstance(has.inner, Clause)
    assert (has.type, has.parameter.code, has.inner.parameter.code) == ("Observation", "patient", "code")


def test_what_stands_for_more_than_is_written_waits_to_be_widened() -> None:
    for type, name, text, value in (
        ("Observation", "code:in", "http://x/vs", Text("http://x/vs")),
        ("Observation", "code:below", "http://x|a", Token("http://x", "a")),
        ("Observation", "subject:below", "Location/a", Ref("Location", "a")),
    ):
        (wide,) = parse((type,), [(name, text)]).clauses
        assert isinstance(wide, Wide) and wide.clause.values == (value,)
    (plain,) = parse(("Patient",), [("identifier:of-type", r"http://x|MR|a\|b")]).clauses
    assert isinstance(plain, Clause) and plain.values == (Typed("http://x", "MR", "a|b"),)


def test_a_list_is_asked_as_what_points_from_it() -> None:
    assert parse(("Patient",), [("_list", "42")]).clauses == parse(("Patient",), [("_has:List:item:_id", "42")]).clauses
    for text in ("$current-allergies", "a,b", ""):
        assert refused("Patient", ("_list", text))
    assert refused("Patient", ("_list:not", "42"))


def test_result_parameters_are_read_beside_the_clauses() -> None:
    query = parse(
        ("Observation",),
        [("_sort", "-date,code"), ("_count", "5"), ("_include", "Observation:subject:Patient"), ("_include", "*"),
         ("_revinclude", "Provenance:target"), ("_elements", "id,code"), ("_total", "none"), ("_cursor", "abc"),
         ("_format", "json"), ("_id", "a,b"), ("_lastUpdated", "gt2020")],
    )  # fmt: skip
    assert [(sort.parameter.code, sort.descending) for sort in query.sort] == [("date", True), ("code", False)]
    assert (query.count, query.elements, query.total, query.cursor) == (5, ("id", "code"), "none", "abc")
    assert [(i.source, i.parameter and i.parameter.code, i.target) for i in query.include] == [
        ("Observation", "subject", "Patient"),
        ("*", None, ""),
    ]
    assert query.revinclude[0].source == "Provenance"
    assert [c.parameter.kind for c in query.clauses if isinstance(c, Clause)] == ["special", "special"]
    assert ("_format", "json") not in query.pairs and len(query.pairs) == 10


def test_an_include_that_iterates_may_start_anywhere() -> None:
    query = parse(
        ("Observation",),
        [("_include:iterate", "Patient:link"), ("_include:recurse", "Patient:organization"), ("_revinclude", "Provenance:*"),
         ("_revinclude:iterate", "*"), ("_revinclude", "Observation:*:Patient")],
    )  # fmt: skip
    assert [(i.source, i.parameter and i.parameter.code, i.iterate) for i in query.include] == [
        ("Patient", "link", True),
        ("Patient", "organization", True),
    ]
    assert [(i.source, i.parameter, i.target, i.iterate) for i in query.revinclude] == [
        ("Provenance", None, "", False),
        ("*", None, "", True),
        ("Observation", None, "Patient", False),
    ]


def test_a_count_is_cut_to_the_limit_and_zero_asks_for_the_total_alone() -> None:
    assert parse(("Patient",), [("_count", "999999")], limits=Limits(count=100)).count == 100
    assert parse(("Patient",), [("_count", "0")]).summary == "count"


def test_every_problem_is_told_at_once_by_name_and_never_by_value() -> None:
    texts = refused(
        "Patient", ("nickname", "s3cret"), ("birthdate", "s3cret"), ("name:above", "s3cret"), ("_sort", "s3cret")
    )
    assert len(texts) == 4
    assert "parameter nickname: there is no such search parameter for Patient" in texts
    assert not any("s3cret" in text for text in texts)


def test_an_unprintable_name_is_not_repeated() -> None:
    assert refused("Patient", ("김철수", "1")) == [
        "parameter (unprintable name): there is no such search parameter for Patient"
    ]


def test_lenient_drops_unknown_parameters_and_shows_what_was_used() -> None:
    query = parse(("Patient",), [("nickname", "x"), ("name", "Kim")], lenient=True)
    assert (len(query.clauses), query.pairs) == (1, (("name", "Kim"),))
    assert refused("Patient", ("birthdate", "x"), lenient=True)
    assert refused("Patient", ("name:above", "x"), lenient=True)


@pytest.mark.parametrize(
    ("type", "name", "text"),
    [
        ("Observation", "_filter", "name eq x"),
        ("Location", "near", "1|2|3"),
        ("Observation", "_include:deep", "Observation:subject"),
        ("Observation", "_include:iterate", "Observation:code"),
        ("Observation", "_include", "Patient:link"),
        ("Observation", "_include", "Observation:code"),
        ("Observation", "_revinclude", "Observation:subject"),
        ("Observation", "_has:Patient:name:name", "x"),
        ("Observation", "_has:Observation", "x"),
        ("Observation", "code.text", "x"),
        ("Observation", "subject:Observation.code", "x"),
        ("Observation", "subject:Observation", "x"),
        ("Observation", "subject:Patient", "Group/1"),
        ("Observation", "subject", "a b"),
        ("Observation", "code", ""),
        ("Observation", "code", "a,,b"),
        ("Observation", "code", "|"),
        ("Observation", "code", r"a\b"),
        ("Observation", "code", "a\\"),
        ("Observation", "code-value-quantity:missing", "true"),
        ("Observation", "code", "a|b|c"),
        ("Observation", "code:below", "x"),
        ("Observation", "code:in", "not a url"),
        ("Observation", "code:of-type", "a|b"),
        ("Observation", "_id", "a\x00"),
        ("Observation", "value-string:contains", "\x00"),
        ("Observation", "patient:below", "1"),
        ("Observation", "subject:below", "Patient/1"),
        ("ValueSet", "url:below", "http://x" + "/x" * 80),
        ("Observation", "code:", "x.y"),
        ("Observation", "value-quantity", "5.4|mg"),
        ("Observation", "value-quantity", "five"),
        ("Observation", "value-quantity", "1e999"),
        ("Observation", "value-quantity", "nan"),
        ("Observation", "code-value-quantity", "a"),
        ("Observation", "date", "eq"),
        ("Observation", "date:exact", "2020"),
        ("Observation", "_summary", "most"),
        ("Observation", "_total", "2"),
        ("Observation", "_count", "-1"),
        ("Observation", "_sort", "code-value-quantity"),
        ("Observation", "_elements", "a b"),
        ("Observation", "_cursor", "a b"),
        ("Observation", "_id:exact", "1"),
        ("Observation", "_type", "Patient"),
        ("Observation", "subject.subject.subject.subject.subject.subject", "1"),
        ("", "_type", "Nothing"),
        ("", "code", "x"),
        ("Nothing", "code", "x"),
    ],
)  # fmt: skip
def test_what_is_not_answered_is_refused(type: str, name: str, text: str) -> None:
    assert refused(type, (name, text))


def test_limits_are_refused_as_too_much() -> None:
    assert refused("Patient", *[("name", "x")] * 3, limits=Limits(clauses=2)) == ["at most 2 clauses are taken"]
    assert refused("Patient", ("name", "a,b,c"), limits=Limits(values=2))
    assert refused("Patient", ("name", "abc"), limits=Limits(characters=2))
    assert refused("Patient", *[("_format", "json")] * 101) == ["at most 100 parameters are taken"]
    assert refused("Patient", ("_sort", ",".join(["name"] * 51)))


def test_a_chain_over_references_to_anything_is_refused_before_it_grows() -> None:
    (text,) = refused("List", ("item.subject.subject.subject.name", "x"))
    assert "too many types" in text
    assert parse(("List",), [("item:Observation.subject:Patient.name", "x")]).clauses


def test_result_parameters_may_be_given_once() -> None:
    assert refused("Patient", ("_count", "1"), ("_count", "2")) == ["parameter _count: is given twice"]


def test_a_search_over_the_system_can_be_narrowed_to_types_that_share_the_parameter() -> None:
    query: Query = parse((), [("_type", "Observation,Condition"), ("patient", "1")])
    assert query.types == ("Observation", "Condition")
    assert refused("", ("_type", "Observation,Patient"), ("code", "x"))
    assert refused("", ("_type", "Observation,Account"), ("status", "x"))
