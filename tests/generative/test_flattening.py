"""The fast way from JSON to columns gives what the plain way gives, and knows whose a resource is as the index does."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from onmaru.engines.duck.nested.flatten import flatten
from onmaru.engines.duck.nested.shape import elements
from onmaru.engines.duck.nested.whose import labels, paths, patients
from onmaru.fhir import columnar, search, verbatim
from onmaru.fhir.structure import RESOURCE_TYPES, stored
from onmaru.kernel.compartment import place

TEXTS = st.sampled_from(["", "x", '"value":5', '"contained":[', "가\n\\", "é\u0001", '{"value":1}'])
NUMBERS = st.sampled_from([b"1.50", b"-0.0", b"5", b"1E3", b"0.1000000000000000000000000001", b"12345678901234567890"])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    parts: list[bytes] = [b'"resourceType":"Observation"', b'"id":"o"']

    def text() -> bytes:
        return msgspec.json.encode(draw(TEXTS))

    options = {
        "status": lambda: b'"status":' + text(),
        "value": lambda: b'"valueQuantity":{"value":%s,"unit":%s}' % (draw(NUMBERS), text()),
        "integer": lambda: b'"valueInteger":7,"_valueInteger":{"id":"i"}',
        "range": lambda: b'"referenceRange":[{"low":{"value":%s}},{"text":%s}]' % (draw(NUMBERS), text()),
        "subject": lambda: draw(
            st.sampled_from(
                [
                    b'"subject":{"reference":"Patient/p1/_history/2"}',
                    b'"subject":{"reference":"Group/g"},"performer":[{"display":"x"},{"reference":"Patient/p2"}]',
                    b'"subject":{"reference":"Patient/p1"},"performer":[{"reference":"Patient/p2"},{"reference":"Patient/p1"}]',
                    b'"subject":{"reference":"http://else.where/Patient/p1"}',
                ]
            )
        ),
        "meta": lambda: b'"meta":{"security":[{"code":"R"},{"system":"urn:s","code":"V"},{"system":"x"}]}',
        "contained": lambda: b'"contained":[{"resourceType":"Patient","id":"c","x":%s}]' % draw(NUMBERS),
        "extension": lambda: b'"extension":[{"url":"u","extension":[{"url":"v","valueDecimal":%s}]}]' % draw(NUMBERS),
        "dates": lambda: b'"effectiveDateTime":"2020-01-01T00:00:00Z","issued":"2020-01-01T00:00:00Z"',
        "nulls": lambda: b'"note":[{"text":"a"}],"category":[{"coding":[{"code":"a"}]},{"text":"b"}]',
    }
    for name in draw(st.lists(st.sampled_from(sorted(options)), unique=True)):
        parts.append(options[name]())
    return b"{" + b",".join(parts) + b"}"


@given(st.lists(st.lists(bodies(), min_size=1, max_size=4), min_size=1, max_size=3))
@settings(max_examples=30)
def test_the_fast_way_gives_what_the_plain_way_gives(batches: list[list[bytes]]) -> None:
    tree = columnar.table("Observation")
    for batch in batches:
        table, grown = flatten(tree, batch)
        read = [columnar.read(body) for body in batch]
        assert grown == columnar.union(tree, columnar.filled("Observation", read))
        assert table.schema == elements(grown)
        assert table.to_pylist() == [columnar.row(grown, resource) for resource in read]
        expected = [_marks(resource) for resource in read]
        assert [
            (set(whose.split()), bears)
            for whose, bears in zip(patients("Observation", table).to_pylist(), labels(table), strict=True)
        ] == expected
        tree = grown


def _marks(resource: dict[str, Any]) -> tuple[set[str], str]:
    """By the words of the test's own few references."""
    named = [resource.get("subject", {}), *resource.get("performer", [])]
    texts = [one.get("reference", "").split("/") for one in named]
    found = {parts[1] for parts in texts if parts[0] == "Patient"}
    return found, "|R urn:s|V" if "meta" in resource else ""


def test_bundles_and_parameters_hold_resources_as_text() -> None:
    body = (
        b'{"resourceType":"Parameters","id":"a","parameter":[{"name":"x","resource":{"resourceType":"Basic","n":1.0}}]}'
    )
    table, _ = flatten(columnar.table("Parameters"), [body])
    assert table.to_pylist() == [
        {"id": "a", "parameter": [{"name": "x", "resource": '{"resourceType":"Basic","n":1.0}'}]}
    ]


def test_decimals_in_a_list_are_as_they_were_written() -> None:
    body = b'{"resourceType":"MolecularSequence","id":"a","quality":[{"roc":{"score":[1,2],"precision":[0.50,1]}}]}'
    table, _ = flatten(columnar.table("MolecularSequence"), [body])
    assert table.to_pylist()[0]["quality"] == [{"roc": {"score": [1, 2], "precision": ["0.50", "1"]}}]


def test_real_resources_belong_to_whom_the_index_says(shared_data: Callable[[str], Path]) -> None:
    by: dict[str, list[bytes]] = {}
    for path in sorted(shared_data("fhir-synthea-r4").glob("*.json.gz"))[:3]:
        for number, entry in enumerate(verbatim.entries(gzip.decompress(path.read_bytes()))[1]):
            raw = verbatim.compact(entry.resource or b"").replace(b'"reference":"urn:uuid:', b'"reference":"Patient/')
            by.setdefault(entry.url, []).append(verbatim.stamp(raw, f"r{number}", 1, 0))
    assert len(by) > 10
    for type, resources in by.items():
        table, _ = flatten(columnar.table(type), resources)
        keys = [place(search.extract(stored(raw, type)), type, f"r{n}", raw) for n, raw in enumerate(resources)]
        if type != "Patient":
            assert [set(one.patients) for one in keys] == [
                set(one.split()) for one in patients(type, table).to_pylist()
            ]


def test_every_type_tells_where_it_names_its_patients() -> None:
    found = {type: paths(type) for type in RESOURCE_TYPES}
    assert found["Observation"] == (("subject",), ("performer",)) and found["Appointment"] == (
        ("participant", "actor"),
    )
    assert all(path for one in found.values() for path in one)
