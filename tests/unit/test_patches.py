"""JSON Patch and FHIRPath Patch on the JSON of a resource: what they do, and that a misfit leaves everything alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from onmaru.fhir import fhirpath_patch, json_patch
from onmaru.fhir.fhirpath import read
from onmaru.fhir.outcome import Invalid

encode = msgspec.json.Encoder(decimal_format="number").encode
NOW = datetime(2026, 11, 23, tzinfo=UTC)
PATIENT = (
    b'{"resourceType":"Patient","id":"a","name":[{"family":"Kim","given":["On","Ma"]},{"text":"x"}],"birthDate":"1970-01-02",'
    b'"_birthDate":{"extension":[{"url":"urn:t","valueDecimal":1.50}]},"multipleBirthInteger":2}'
)


def by_json(operations: list[dict[str, Any]], resource: bytes = PATIENT) -> Any:
    found = json_patch.patched(read(resource), json_patch.operations(json.dumps(operations).encode()))
    return json.loads(encode(found))


def by_path(*operations: dict[str, Any], resource: bytes = PATIENT) -> Any:
    given = [
        {"name": "operation", "part": [{"name": name, **value} for name, value in one.items()]} for one in operations
    ]
    parameters = {"resourceType": "Parameters", "parameter": given}
    found = fhirpath_patch.patched(read(resource), fhirpath_patch.operations(parameters), NOW)
    return json.loads(encode(found))


def part(kind: str, path: str, **more: Any) -> dict[str, Any]:
    numbers = {name: {"valueInteger": value} for name, value in more.items() if isinstance(value, int)}
    texts = {name: {"valueString": value} for name, value in more.items() if isinstance(value, str)}
    values = {name: value for name, value in more.items() if isinstance(value, dict)}
    return {"type": {"valueCode": kind}, "path": {"valueString": path}, **texts, **numbers, **values}


@pytest.mark.parametrize(
    ("operations", "path", "expected"),
    [
        ([{"op": "add", "path": "/active", "value": True}], "active", True),
        ([{"op": "add", "path": "/name/0/given/1", "value": "Ru"}], "name.0.given", ["On", "Ru", "Ma"]),
        ([{"op": "add", "path": "/name/0/given/-", "value": "Ru"}], "name.0.given", ["On", "Ma", "Ru"]),
        ([{"op": "remove", "path": "/name/1"}], "name.0.family", "Kim"),
        ([{"op": "replace", "path": "/birthDate", "value": "1971"}], "birthDate", "1971"),
        ([{"op": "move", "from": "/name/1/text", "path": "/name/0/text"}], "name.0.text", "x"),
        ([{"op": "copy", "from": "/name/0", "path": "/name/-"}], "name.2.family", "Kim"),
        ([{"op": "test", "path": "/multipleBirthInteger", "value": 2.0}], "multipleBirthInteger", 2),
        (
            [{"op": "add", "path": "/a~1b", "value": {"~": 1}}, {"op": "test", "path": "/a~1b/~0", "value": 1}],
            "id",
            "a",
        ),
    ],
)
def test_json_patch_does_what_it_says(operations: list[dict[str, Any]], path: str, expected: Any) -> None:
    found = by_json(operations)
    for step in path.split("."):
        found = found[int(step) if step.isdigit() else step]
    assert found == expected


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"op": "jump", "path": "/id"}, 400),
        ({"op": "add", "path": "/id"}, 400),
        ({"op": "add", "path": "id", "value": 1}, 400),
        ({"op": "move", "path": "/name/0", "from": "/name"}, 400),
        ({"op": "move", "path": "/name"}, 400),
        ({"op": "add", "path": "/" * 200, "value": 1}, 400),
        ({"op": "remove", "path": ""}, 422),
        ({"op": "remove", "path": "/nothing"}, 422),
        ({"op": "replace", "path": "/name/2", "value": 1}, 422),
        ({"op": "add", "path": "/name/01", "value": 1}, 422),
        ({"op": "add", "path": "/birthDate/x", "value": 1}, 422),
        ({"op": "test", "path": "/multipleBirthInteger", "value": True}, 422),
    ],
)
def test_what_does_not_fit_is_refused_at_its_number(operation: dict[str, Any], status: int) -> None:
    with pytest.raises(Invalid) as caught:
        by_json([{"op": "test", "path": "/id", "value": "a"}, operation])
    assert caught.value.status == status and caught.value.issues[0].expression == "[1]"


def test_copies_of_copies_are_bounded() -> None:
    with pytest.raises(Invalid) as caught:
        by_json([{"op": "copy", "from": "", "path": f"/c{number}"} for number in range(40)])
    assert caught.value.status == 413


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b'[{"op":"add"}]', b"\xff"])
def test_what_is_no_json_patch_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        json_patch.operations(raw)
    assert caught.value.status == 400


def test_fhirpath_patch_adds_inserts_deletes_replaces_and_moves() -> None:
    assert by_path(part("add", "Patient", name="active", value={"valueBoolean": True}))["active"] is True
    added = by_path(part("add", "Patient.name[0]", name="given", value={"valueString": "Ru"}))
    assert added["name"][0]["given"] == ["On", "Ma", "Ru"]
    contact = {"part": [{"name": "gender", "valueCode": "female"}, {"name": "name", "valueHumanName": {"text": "y"}}]}
    made = by_path(part("add", "Patient", name="contact", value=contact))
    assert made["contact"] == [{"gender": "female", "name": {"text": "y"}}]
    assert by_path(part("insert", "Patient.name[0].given", index=1, value={"valueString": "Ru"}))["name"][0][
        "given"
    ] == [
        "On",
        "Ru",
        "Ma",
    ]
    assert by_path(part("delete", "Patient.name[0].given[0]"))["name"][0]["given"] == ["Ma"]
    gone = by_path(part("delete", "Patient.birthDate"))
    assert "birthDate" not in gone and "_birthDate" not in gone
    assert by_path(part("delete", "Patient.photo"))["id"] == "a"
    assert by_path(part("replace", "Patient.birthDate", value={"valueDate": "1971"}))["birthDate"] == "1971"
    assert by_path(part("move", "Patient.name[0].given", source=1, destination=0))["name"][0]["given"] == ["Ma", "On"]


def test_a_choice_has_one_type_after_a_patch() -> None:
    found = by_path(part("replace", "Patient.multipleBirth", value={"valueBoolean": True}))
    assert found["multipleBirthBoolean"] is True and "multipleBirthInteger" not in found


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (part("replace", "Patient.name.given", value={"valueString": "x"}), 422),
        (part("replace", "Patient.photo", value={"valueString": "x"}), 422),
        (part("delete", "Patient"), 422),
        (part("delete", "Patient.name"), 422),
        (part("add", "Patient", name="nonsense", value={"valueString": "x"}), 422),
        (part("add", "Patient", name="birthDate", value={"valueDate": "x"}), 422),
        (part("add", "Patient", name="active"), 422),
        (part("insert", "Patient.birthDate", index=0, value={"valueString": "x"}), 422),
        (part("insert", "Patient.name", index=3, value={"valueHumanName": {}}), 422),
        (part("insert", "Patient.name.where(family='Kim')", index=0, value={"valueHumanName": {}}), 422),
        (part("move", "Patient.name", source=0, destination=2), 422),
        (part("replace", "today()", value={"valueString": "x"}), 422),
        (part("replace", "Patient.", value={"valueString": "x"}), 400),
    ],
)
def test_a_path_that_does_not_fit_is_refused(operation: dict[str, Any], status: int) -> None:
    with pytest.raises(Invalid) as caught:
        by_path(operation)
    assert caught.value.status == status and caught.value.issues[0].expression == "Parameters.parameter[0]"


@pytest.mark.parametrize(
    "given",
    [{}, [], {"parameter": []}, {"parameter": [{"name": "x"}]}, {"parameter": [{"name": "operation", "part": [1]}]}],
)
def test_what_is_no_fhirpath_patch_is_refused(given: Any) -> None:
    with pytest.raises(Invalid) as caught:
        fhirpath_patch.operations(given)
    assert caught.value.status == 400


@pytest.mark.parametrize("parts", [5, None, ["a"], {"a": 1}])
def test_parts_that_are_no_parameters_are_a_misfit(parts: Any) -> None:
    with pytest.raises(Invalid) as refused:
        by_path(part("add", "Patient", name="contact", value={"part": parts}))
    assert refused.value.status == 422


def test_the_paths_of_a_patch_share_one_budget() -> None:
    many = json.dumps({"resourceType": "Patient", "name": [{"given": ["A"]}] * 2000}).encode()
    costly = part("delete", "Patient.name.where(given.where(length() > 5).exists())")
    by_path(costly, resource=many)
    with pytest.raises(Invalid) as refused:
        by_path(*[costly] * 20, resource=many)
    assert refused.value.status == 422 and "costly" in refused.value.issues[0].text


def test_a_number_out_of_range_is_refused_where_it_stands() -> None:
    with pytest.raises(Invalid) as refused:
        json_patch.patched(
            read(PATIENT), json_patch.operations(b'[{"op":"add","path":"/x","value":' + b"9" * 5000 + b"}]")
        )
    assert refused.value.issues[0].expression == "[0]"
