"""The difference of two resources: its patch, made on the first, gives the second."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onmaru.fhir import fhirpath_patch
from onmaru.fhir.difference import difference
from onmaru.fhir.fhirpath import read
from onmaru.fhir.fhirpath.results import encode

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def carried(old: Any, new: Any) -> tuple[list[Any], bytes]:
    """The operations, and what their patch makes of `old`."""
    found = difference(read(encode(old)), read(encode(new)))
    made = read(encode(old))
    if found:
        given = fhirpath_patch.operations({"resourceType": "Parameters", "parameter": found[:100]})
        for start in range(100, len(found), 100):
            given += fhirpath_patch.operations({"resourceType": "Parameters", "parameter": found[start : start + 100]})
        made = fhirpath_patch.patched(made, given, NOW)
    return found, encode(made)


def same(one: bytes, other: Any) -> bool:
    return json.loads(one, parse_float=str) == json.loads(encode(other), parse_float=str)


OLD = read(
    b'{"resourceType":"Patient","id":"a","meta":{"versionId":"1","tag":[{"code":"x"}]},"active":true,"birthDate":"1970",'
    b'"name":[{"family":"Kim","given":["On",null],"_given":[null,{"id":"g"}]},{"text":"x"}],"multipleBirthInteger":2,'
    b'"contained":[{"resourceType":"Organization","id":"o"}],"contact":[{"name":{"text":"y"},"gender":"male"}],'
    b'"text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">a</div>"},'
    b'"extension":[{"url":"urn:x","valueDecimal":1.50}]}'
)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"meta": {"versionId": "9", "lastUpdated": "2026-01-01T00:00:00Z", "tag": [{"code": "x"}]}, "id": "b"}, []),
        ({"active": False}, ["replace"]),
        ({"active": None}, ["delete"]),
        ({"gender": "male"}, ["add"]),
        ({"_birthDate": {"extension": [{"url": "urn:t", "valueCode": "z"}]}}, ["replace"]),
        ({"multipleBirthInteger": None, "multipleBirthBoolean": True}, ["replace"]),
        ({"name": [{"text": "x"}]}, ["delete"]),
        ({"name": [{"family": "Kim", "given": ["On", "Ma"]}, {"text": "x"}]}, ["replace"]),
        ({"name": [{"text": "new"}, *OLD["name"]]}, ["insert"]),
        ({"name": [*OLD["name"], {"text": "new"}]}, ["add"]),
        ({"name": None}, ["delete", "delete"]),
        ({"telecom": [{"value": "1"}, {"value": "2"}]}, ["add", "add"]),
        ({"contact": [{"name": {"text": "z"}, "gender": "male", "telecom": [{"value": "1"}]}]}, ["replace", "add"]),
        ({"contact": [*OLD["contact"], {"telecom": [{"value": "1"}], "period": {"start": "2026"}}]}, ["add"]),
        ({"contained": [{"resourceType": "Organization", "id": "o", "name": "n"}]}, ["replace"]),
        ({"text": {"status": "additional", "div": OLD["text"]["div"]}}, ["replace"]),
        ({"text": None}, ["delete"]),
        ({"extension": [{"url": "urn:x", "valueDecimal": read(b"1.5")}]}, ["replace"]),
        ({"extension": [{"url": "urn:x", "extension": [{"url": "a", "valueCode": "b"}]}]}, ["add", "delete"]),
    ],
)
def test_a_difference_is_told_and_its_patch_makes_it(change: dict[str, Any], kinds: list[str]) -> None:
    new = {name: value for name, value in {**OLD, **change}.items() if value is not None}
    found, made = carried(OLD, new)
    assert sorted(one["part"][0]["valueCode"] for one in found) == sorted(kinds)
    server = {"id": OLD["id"], "meta": OLD["meta"]}
    assert same(made, {**new, **server})


def test_every_official_example_is_made_of_another_of_its_type(shared_data: Callable[[str], Path]) -> None:
    last: dict[str, Any] = {}
    for file in sorted(shared_data("fhir-r4-examples").glob("*.json"))[::3]:
        new = read(file.read_bytes())
        if new["resourceType"] in last and file.stat().st_size < 40_000:
            old = last[new["resourceType"]]
            _, made = carried(old, new)
            server = {key: value for key, value in old.items() if key == "id"}
            expected = {key: value for key, value in new.items() if key != "id"} | server
            result = json.loads(made, parse_float=str)
            for one in (result, expected):
                for name in ("versionId", "lastUpdated"):
                    one.get("meta", {}).pop(name, None)
                if not one.get("meta", True):
                    del one["meta"]
            assert result == json.loads(encode(expected), parse_float=str), file.name
        last[new["resourceType"]] = new


LEAVES = st.sampled_from(
    [{"text": "a"}, {"text": "b"}, {"family": "c"}, {"family": "c", "text": "a"}, {"given": ["d", "e"]}]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LEAVES, max_size=5), st.lists(LEAVES, max_size=5))
def test_lists_of_any_kind_become_one_another(old: list[Any], new: list[Any]) -> None:
    head = {"resourceType": "Patient"}
    made = carried({**head, **({"name": old} if old else {})}, {**head, **({"name": new} if new else {})})[1]
    assert msgspec.json.decode(made).get("name", []) == new
