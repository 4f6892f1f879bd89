"""Expressions from strangers: each is answered or refused soon, with the place and never with a value of the data."""

from __future__ import annotations

import time
from typing import Any

import pytest

from onmaru.fhir.fhirpath import Environment, PathError, compiled, read, root
from onmaru.fhir.fhirpath import node as fhirpath_node

DEEP: Any = {"resourceType": "Basic", "extension": [{"url": "a"}]}
for _ in range(50):
    DEEP["extension"] = [{"url": "a", "extension": DEEP["extension"]}]


@pytest.mark.parametrize(
    "expression",
    [
        "'x'.repeatAll('x')",
        "1.repeat($this + 1)",
        "'a'.repeat($this & 'a')",
        "'aaaaaaaaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaaaaaaaa')" * 20,
        "(1 | 2 | 3)" + ".select(1 | 2 | 3).combine($this | 4 | 5)" + ".select($this.combine(1 | 2))" * 40,
        "(1|2|3|4|5|6|7|8|9)" + ".select('0123456789'.toChars())" * 9,
        "'0123456789'" + ".join(',')" + ".split(',').select($this & $this)" * 40,
        "(" * 60 + "1" + ")" * 60,
        "1" + " + 1" * 400,
        "a" + ".a" * 2000,
        "-" * 100 + "1",
        "'" + "a" * 70_000 + "'",
        "9" * 200,
        "where(" * 60 + "true" + ")" * 60,
        "(1|2|3|4|5|6|7|8|9).aggregate($total.combine($total), 1 | 2)" + ".select('0123456789'.toChars())" * 6,
    ],
)
def test_a_hostile_expression_is_refused_soon(expression: str) -> None:
    started = time.perf_counter()
    with pytest.raises(PathError) as caught:
        compiled(expression)(root(DEEP), Environment(steps=200_000))
    assert caught.value.kind in ("too-costly", "syntax")
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize(
    "expression",
    [
        "('a' & 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!').matches('(a+)+$')",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.matchesFull('(a|a)*b')",
        "2.power(1000000000)",
        "1.0000000000000000000000001.power(999999)",
        "99.exp()",
        "descendants().descendants().count()",
        "descendants() = descendants()",
        "descendants().distinct().count()",
        "descendants() ~ descendants()",
        "1 '" + "m." * 90 + "m' * 1 '" + "m." * 90 + "m'",
    ],
)
def test_what_would_be_slow_elsewhere_is_answered_soon(expression: str) -> None:
    started = time.perf_counter()
    compiled(expression)(root(DEEP))
    assert time.perf_counter() - started < 5


NUMBERS = ["1e999999999", "1e-999999999", "-1e400", "9" * 400, "1." + "9" * 400, "1E2", "-0.0", "0e0"]
USES = [
    *("value = 1", "value > 1 'kg'", "value * 2", "value.toString()", "value.lowBoundary()", "value.round(2)"),
    *("value ~ 1.5", "value.value.toQuantity('g') = 1 'kg'", "value.value.power(3)", "value.value | 1"),
    *("value.value.exp()", "value.precision()"),
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("expression", USES)
def test_a_monstrous_number_in_the_data_does_no_harm(expression: str, number: str) -> None:
    raw = (
        b'{"resourceType":"Observation","valueQuantity":{"value":%s,"system":"http://unitsofmeasure.org","code":"kg"}}'
    )
    node = root(read(raw % number.encode()))
    started = time.perf_counter()
    try:
        compiled(expression)(node)
    except PathError as error:
        assert number not in str(error)
    assert time.perf_counter() - started < 2


def test_an_error_names_the_place_in_the_expression() -> None:
    with pytest.raises(PathError) as caught:
        compiled("name.given + 'x'")(root({"resourceType": "Patient", "name": [{"given": ["온", "마"]}]}))
    assert (caught.value.kind, caught.value.at) == ("execution", 0)
    with pytest.raises(PathError) as caught:
        compiled("name.where(given.single() = 'x')")(
            root({"resourceType": "Patient", "name": [{"given": ["온", "마"]}]})
        )
    assert caught.value.at == 17
    assert "온" not in str(caught.value)


def test_without_a_clock_now_is_refused() -> None:
    with pytest.raises(PathError):
        compiled("now()")(root({"resourceType": "Patient"}))


def test_what_strangers_call_a_type_is_not_remembered() -> None:
    before = fhirpath_node._labels.cache_info().currsize
    for number in range(50):
        resource = {"resourceType": f"Nonsense{number}", "a": {"b": 1}}
        assert compiled("a.b")(root(resource))[0].value == 1
        compiled("children() | descendants() | type()")(root(resource))
    assert fhirpath_node._labels.cache_info().currsize <= before + 1


def test_a_long_expression_is_not_remembered() -> None:
    long = "1" + " " * 3000 + "+ 1"
    assert compiled(long) is not compiled(long)
    assert compiled("1 + 1") is compiled("1 + 1")
