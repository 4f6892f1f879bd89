"""What a search finds, case by case: the table in search.toml is the manual, and the oracle must obey it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onmaru.fhir import structure
from onmaru.fhir.query import Clause
from onmaru.fhir.search import extract, matches, parse

CHARTS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("search.toml").read_text())["chart"]
TODAY = 1_577_836_800_000_000  # 2020-01-01


def cases() -> Iterator[Any]:
    for chart in CHARTS:
        for search in chart["finds"]:
            yield pytest.param(chart["resource"], search, True, id=f"{chart['says'][:24]}… is found by {search}")
        for search in chart["misses"]:
            yield pytest.param(chart["resource"], search, False, id=f"{chart['says'][:24]}… is missed by {search}")


@pytest.mark.parametrize(("resource", "search", "found"), list(cases()))
def test_a_search_finds_what_the_table_says(resource: str, search: str, found: bool) -> None:
    type = json.loads(resource)["resourceType"]
    keys = extract(structure.decode(resource.encode(), type))
    pairs = [(name, value) for name, _, value in (one.partition("=") for one in search.split("&"))]
    query = parse((type,), pairs, now=lambda: TODAY)
    clauses = [clause for clause in query.clauses if isinstance(clause, Clause)]
    assert len(clauses) == len(pairs)
    assert all(matches(keys, clause) for clause in clauses) is found
