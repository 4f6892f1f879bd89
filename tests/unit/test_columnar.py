"""Which columns resources fill, how trees join, and what a resource is as a row."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onmaru.fhir.columnar import DEPTH, Column, defined, filled, read, row, table, union

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "birthDate": "1970-06",
    "_birthDate": {"extension": [{"url": "urn:x", "valueBoolean": True}]},
    "name": [{"family": "김", "given": ["하나", None], "_given": [None, {"id": "g2"}]}, {"text": "김하나"}],
    "multipleBirthInteger": 2,
    "contained": [{"resourceType": "Organization", "id": "o", "name": "병원"}],
}


def observation(value: str) -> Any:
    return read(b'{"resourceType":"Observation","id":"o","valueQuantity":{"value":%s,"unit":"mg"}}' % value.encode())


def test_a_table_has_the_columns_that_its_resources_fill_in_the_order_of_the_definitions() -> None:
    tree = filled("Patient", [PATIENT])
    assert list(tree.columns) == ["id", "contained", "name", "birthDate", "_birthDate", "multipleBirthInteger"]
    assert tree.at("name") == Column(
        "HumanName",
        "group",
        True,
        {
            "text": Column("string", "text"),
            "family": Column("string", "text"),
            "given": Column("string", "text", True),
            "_given": Column("Element", "group", True, {"id": Column("string", "text")}),
        },
    )
    assert tree.at("_birthDate", "extension", "valueBoolean") == Column("boolean", "boolean")
    assert tree.at("contained") == Column("Resource", "json", True)
    assert tree.at("name", "period", "start") is None
    assert ("name", "given") in [path for path, _ in tree.leaves()]


def test_a_resource_becomes_a_row_of_plain_values() -> None:
    tree = filled("Patient", [PATIENT, {"resourceType": "Patient", "id": "p2", "active": False}])
    held = row(tree, PATIENT)
    assert held["active"] is None
    assert held["name"][0]["given"] == ["하나", None]
    assert held["name"][0]["_given"] == [None, {"id": "g2"}]
    assert held["name"][1] == {"text": "김하나", "family": None, "given": None, "_given": None}
    assert held["contained"] == ['{"resourceType":"Organization","id":"o","name":"병원"}']


def test_a_contained_resource_keeps_its_tokens() -> None:
    raw = b'{"resourceType":"Patient","contained":[{"resourceType":"Basic","extension":[{"url":"x","valueDecimal":1.50}]}]}'
    held = row(filled("Patient", [read(raw)]), read(raw))
    assert held["contained"] == ['{"resourceType":"Basic","extension":[{"url":"x","valueDecimal":1.50}]}']


@pytest.mark.parametrize("written", ["1.0", "1.00", "0.000000000000000000000000000001", "-12.50", "100", "1E-12"])
def test_a_decimal_keeps_the_precision_that_was_written(written: str) -> None:
    resource = observation(written)
    assert row(filled("Observation", [resource]), resource)["valueQuantity"]["value"] == written


def test_below_the_depth_that_is_held_a_subtree_is_one_json_column() -> None:
    inner: dict[str, Any] = {"url": "urn:last", "valueDecimal": 1}
    for _ in range(DEPTH + 3):
        inner = {"url": "urn:more", "extension": [inner]}
    resource = {"resourceType": "Patient", "extension": [inner]}
    tree = filled("Patient", [resource])
    *path, last = next(path for path, column in tree.leaves() if column.kind == "json")
    assert last == "extension"
    assert len(path) == DEPTH - 1
    held = row(tree, resource)
    for name in path:
        held = held[name][0]
    assert "urn:last" in held[last][0]


def test_members_that_r4_does_not_define_have_no_column() -> None:
    resource = {"resourceType": "Patient", "id": "p", "nickname": "x", "contact": [{"nick": "y"}]}
    assert list(filled("Patient", [resource]).columns) == ["id"]


@pytest.mark.parametrize(
    ("held", "path"),
    [
        ({"active": "yes"}, "Patient.active: expected boolean"),
        ({"name": {"family": "x"}}, "Patient.name: expected a list"),
        ({"name": [{"family": 3}]}, "Patient.name.family: expected text"),
        ({"multipleBirthInteger": "2"}, "Patient.multipleBirthInteger: expected integer"),
        ({"maritalStatus": "S"}, "Patient.maritalStatus: expected an object"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_its_path(held: dict[str, Any], path: str) -> None:
    whole = [
        {"name": [{"family": "x"}]},
        {"active": True},
        {"multipleBirthInteger": 1},
        {"maritalStatus": {"text": "x"}},
    ]
    with pytest.raises(ValueError, match=path):
        row(filled("Patient", whole), held)


def test_trees_join_in_any_order_to_the_tree_of_all_resources(shared_data: Callable[[str], Path]) -> None:
    lines = [
        read(line)
        for file in sorted(shared_data("fhir-bulk-ndjson-10").glob("[A-Z]*.ndjson.gz"))
        for line in gzip.decompress(file.read_bytes()).splitlines()[:15]
    ]
    assert lines
    for name in sorted({line["resourceType"] for line in lines}):
        mine = [line for line in lines if line["resourceType"] == name]
        parts = [filled(name, [one]) for one in mine]
        whole = filled(name, mine)
        assert reduce(union, parts, table(name)) == whole == reduce(union, reversed(parts))
        assert msgspec.json.decode(msgspec.json.encode(whole), type=Column) == whole
        assert all(row(whole, one).keys() == whole.columns.keys() for one in mine)


def test_every_type_says_its_columns() -> None:
    assert defined("Observation")["valueQuantity"] == Column("Quantity", "group")
    assert defined("Observation")["_valueDateTime"] == Column("Element", "group")
    assert defined("Bundle.entry")["resource"] == Column("Resource", "json")
    with pytest.raises(KeyError):
        defined("Spaceship")
