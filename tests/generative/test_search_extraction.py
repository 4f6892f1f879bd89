"""Compiled extraction gives exactly what a slow, independent evaluation of the same expressions gives."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.generative import plain_search

from onmaru.fhir import structure
from onmaru.fhir.keys import Keys
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.search import extract
from onmaru.fhir.search.catalogue import ID, LAST_UPDATED, answerable, compartment, data, definitions, types
from onmaru.fhir.search.extraction import actions, compiled

Shared = Callable[[str], Path]
LISTS = ("token", "typed", "text", "reference", "date", "string", "quantity")


def rows_of(keys: Keys, sp: int) -> Counter[tuple[Any, ...]]:
    """A parameter's rows in the form of the slow evaluation."""
    found = Counter((name, *row[1:]) for name in LISTS for row in getattr(keys, name) if row[0] == sp)
    for row, parts in keys.composite:
        if row == sp:
            found["composite", tuple(frozenset(all_rows(part).items()) for part in parts)] += 1
    return found


def all_rows(keys: Keys) -> Counter[tuple[Any, ...]]:
    return Counter((name, *row[1:]) for name in LISTS for row in getattr(keys, name))


def agree(raw: bytes) -> set[int]:
    """Compare every parameter of one resource; give the numbers of those that had rows."""
    resource = json.loads(raw)
    type = resource["resourceType"]
    keys = extract(structure.decode(raw, type))
    seen = set()
    for definition in definitions(type).values():
        parameter = definition.parameter
        if not answerable(definition, type) or parameter.sp in (ID, LAST_UPDATED):
            continue
        wanted = plain_search.rows(parameter, definition.expression, definition.components, resource)
        assert rows_of(keys, parameter.sp) == wanted, f"{type}.{parameter.code} of {resource.get('id')}"
        if wanted:
            seen.add(parameter.sp)
    patients = {id for sp, kind, id in keys.reference if kind == "Patient" and sp in compartment(type)}
    assert set(keys.patients) == patients | ({resource["id"]} if type == "Patient" and "id" in resource else set())
    assert len(keys.patients) == len(set(keys.patients))
    labels = [
        (one.get("system", ""), one["code"]) for one in resource.get("meta", {}).get("security", []) if "code" in one
    ]
    assert keys.labels == labels
    return seen


def valid(raws: Iterator[bytes]) -> Iterator[bytes]:
    """Resources that the structure check takes; the others are its tests' business."""
    for raw in raws:
        try:
            structure.decode(raw)
        except Invalid:
            continue
        yield raw


@pytest.mark.parametrize("type", sorted(types()))
def test_every_parameter_of_every_type_compiles(type: str) -> None:
    extractor = compiled(structure.struct(type))
    assert callable(extractor) and len(actions(type)) >= 5


def test_only_parameters_without_a_path_are_left_out() -> None:
    """Of 1,400: 15 have no expression, near and _filter rules of their own, two are examples of something else."""
    fed = {one.parameter.sp for type in types() for one in definitions(type).values() if answerable(one, type)}
    left = [row for sp, row in enumerate(data().parameters) if sp not in fed]
    assert len(left) == 20
    assert all(not row[3] or row[2] == "special" or row[7] for row in left)


def test_official_examples_are_keyed_as_a_slow_evaluation_keys_them(shared_data: Shared) -> None:
    seen: set[int] = set()
    for raw in valid(path.read_bytes() for path in sorted(shared_data("fhir-r4-examples").glob("*.json"))):
        seen |= agree(raw)
    assert len(seen) > 800


def test_synthetic_patients_are_keyed_as_a_slow_evaluation_keys_them(shared_data: Shared) -> None:
    kinds: Counter[str] = Counter()
    for path in sorted(shared_data("fhir-synthea-r4").glob("*.json.gz"))[:8]:
        for entry in json.loads(gzip.decompress(path.read_bytes()))["entry"]:
            type = entry["resource"]["resourceType"]
            kinds[type] += 1
            if kinds[type] <= 150:
                agree(json.dumps(entry["resource"]).encode())
    assert len(kinds) > 12


def thinned(node: Any, data: st.DataObject) -> Any:
    """The same JSON with some members left out and some list items doubled."""
    if isinstance(node, dict):
        kept = {name: one for name, one in node.items() if name == "resourceType" or data.draw(st.integers(0, 9))}
        return {name: thinned(one, data) if name != "contained" else one for name, one in kept.items()}
    if isinstance(node, list):
        return [thinned(one, data) for one in node for _ in range(1 + data.draw(st.integers(0, 9)) // 9)]
    return node


@given(data=st.data())
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_examples_with_parts_left_out_are_keyed_alike(shared_data: Shared, data: st.DataObject) -> None:
    paths = [path for path in sorted(shared_data("fhir-r4-examples").glob("*.json")) if path.stat().st_size < 8_000]
    resource = thinned(json.loads(data.draw(st.sampled_from(paths)).read_bytes()), data)
    try:
        structure.decode(json.dumps(resource).encode())
    except Invalid:
        assume(False)
    agree(json.dumps(resource).encode())
