"""FHIRPath on whatever comes: writing and reading a tree gives it back, and nothing crashes, hangs or leaks a value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fhirpath_suite import NOW
from onmaru.fhir.fhirpath import Environment, PathError, checked, compiled, read, root
from onmaru.fhir.fhirpath.equality import items_equal
from onmaru.fhir.fhirpath.functions import TABLE
from onmaru.fhir.fhirpath.lab import answer
from onmaru.fhir.fhirpath.parser import parse
from onmaru.fhir.fhirpath.temporal import DateTime, compare
from onmaru.fhir.fhirpath.written import write
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.xml_form import to_json

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "온마루", "given": ["비밀", None], "_given": [None, {"id": "x"}]}],
    "birthDate": "1974-12",
    "deceasedDateTime": "2020-01-01T10:00:00+09:00",
    "extension": [
        {"url": "urn:q", "valueQuantity": {"value": 72.5, "system": "http://unitsofmeasure.org", "code": "kg"}}
    ],
}
LITERALS = st.sampled_from(
    [
        "{}",
        "true",
        "1",
        "2147483647",
        "0.10",
        "5L",
        "'a'",
        "'\\''",
        "@2015",
        "@2015-02-04T10:00Z",
        "@2015T",
        "@T10:30",
        "4 days",
        "4.5 'mg'",
    ]
)
TERMS = LITERALS | st.sampled_from(
    [
        "name",
        "Patient",
        "$this",
        "$index",
        "$total",
        "%resource",
        "%`vs-x`",
        "birthDate",
        "`div`",
        "extension.value",
        "deceased",
    ]
)
BINARY = st.sampled_from(
    [
        "+",
        "-",
        "*",
        "/",
        "&",
        "|",
        "=",
        "~",
        "!=",
        "!~",
        "<",
        ">=",
        "and",
        "or",
        "xor",
        "implies",
        "in",
        "contains",
        "div",
        "mod",
    ]
)
CHILDREN = st.sampled_from(["name", "given", "value", "first()", "exists()"])
TYPES = st.sampled_from(["Patient", "FHIR.string", "System.Date", "Quantity"])
FUNCTIONS = st.sampled_from(sorted(TABLE))


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=2).map(", ".join)
    return st.one_of(
        st.tuples(inner, BINARY, inner).map(" ".join),
        inner.map("({})".format),
        inner.map("-({})".format),
        st.tuples(inner, st.sampled_from(["name", "given", "value", "first()", "exists()"])).map(
            lambda p: f"({p[0]}).{p[1]}"
        ),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]"),
        st.tuples(inner, FUNCTIONS, arguments).map(lambda p: f"({p[0]}).{p[1]}({p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}).sort({p[1]} desc, -({p[1]}))"),
        st.tuples(
            inner, st.sampled_from(["is", "as"]), st.sampled_from(["Patient", "FHIR.string", "System.Date", "Quantity"])
        ).map(lambda p: f"({p[0]}) {p[1]} {p[2]}"),
    )


EXPRESSIONS = st.recursive(TERMS, grown, max_leaves=12)
NOISE = st.text(alphabet="abP.()[]{}'`\"@%$|&<>=~!+-*/,:0123456789T \n\\Lu한", max_size=60)
SMALL = Environment({}, now=NOW, steps=20_000)


def bare(tree: Any) -> Any:
    """A tree without places."""
    if isinstance(tree, tuple):
        return tuple(map(bare, tree))
    if isinstance(tree, msgspec.Struct):
        fields = {
            name: bare(value) for name, value in msgspec.structs.asdict(tree).items() if name not in ("at", "end")
        }
        return (type(tree).__name__, tuple(fields.items()))
    return (type(tree).__name__, str(tree)) if isinstance(tree, Decimal) else tree


@given(EXPRESSIONS)
def test_a_tree_written_and_read_again_is_the_same_tree(expression: str) -> None:
    tree = parse(expression)
    assert bare(parse(write(tree))) == bare(tree)


@given(EXPRESSIONS | NOISE)
def test_an_expression_is_answered_or_refused_and_tells_no_value(expression: str) -> None:
    node = root(read(msgspec.json.encode(PATIENT)))
    try:
        compiled(expression)(node, SMALL)
        checked(expression, "Patient")
    except PathError as error:
        assert "비밀" not in str(error) and "온마루" not in str(error)
        assert error.at <= len(expression)


@given(EXPRESSIONS)
def test_an_answer_does_not_depend_on_what_was_evaluated_before(expression: str) -> None:
    node = root(read(msgspec.json.encode(PATIENT)))

    def texts() -> list[str] | str:
        try:
            return list(map(str, compiled(expression)(node, SMALL)))
        except PathError as error:
            return str(error)

    first = texts()
    assert len(first) == len(texts())


DAYS = st.dates().map(str)
MOMENTS = st.one_of(
    DAYS.map(lambda day: day[:4]),
    DAYS.map(lambda day: day[:7]),
    DAYS,
    st.tuples(
        DAYS,
        st.times(),
        st.sampled_from(["", "Z", "+09:00", "-12:00", "+14:00", "-03:30"]),
        st.sampled_from([2, 5, 8, 12]),
    ).map(lambda p: f"{p[0]}T{f'{p[1]:%H:%M:%S}.{p[1].microsecond // 1000:03d}'[: p[3]]}{p[2]}"),
)


@given(MOMENTS, MOMENTS)
def test_order_is_the_same_from_both_sides(one: str, other: str) -> None:
    left, right = DateTime.read(one), DateTime.read(other)
    there, back = compare(left, right), compare(right, left)
    assert there == (None if back is None else -back)
    assert compare(left, left) == 0
    assert str(DateTime.read(str(left))) == str(left)


VALUES = st.sampled_from(
    ["1", "1.0", "1 'kg'", "1000 'g'", "1 'a'", "1 year", "12 months", "'1'", "@2012", "@2012-01", "true", "1 'Cel'"]
)


@given(VALUES, VALUES)
def test_equality_is_the_same_from_both_sides_and_distinct_agrees(one: str, other: str) -> None:
    left, right = compiled(one)([])[0], compiled(other)([])[0]
    assert items_equal(left, right) == items_equal(right, left)
    together = compiled(f"({one}).combine({other}).distinct().count()")([])
    assert together == [1 if items_equal(left, right) else 2]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_are_no_resource_or_are_refused(raw: bytes) -> None:
    for work in (to_json, lambda body: answer(body, now=NOW, evaluator="x")):
        try:
            work(raw)
        except Invalid as error:
            assert 400 <= error.status < 500


WORDS = st.sampled_from(["expression", "resource", "variables", "name"])
MEMBERS = st.sampled_from(["name", "part", "valueString", "resource", "resourceType", "extension", "url"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(JSON, max_size=4), EXPRESSIONS)
def test_parameters_of_any_shape_are_answered_or_refused(listed: list[Any], expression: str) -> None:
    posted = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "expression", "valueString": expression},
            *listed,
            {"name": "resource", "resource": PATIENT},
        ],
    }
    try:
        found = msgspec.json.decode(answer(msgspec.json.encode(posted), now=NOW, evaluator="x"))
        assert found["resourceType"] == "Parameters"
    except Invalid as error:
        assert error.status in (400, 422)
        assert "비밀" not in str(error)
