"""FHIRPath as its users meet it: the FHIRPath Lab's operation over HTTP, and the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web_house import Answer, House

from onmaru.app.cli import run
from onmaru.fhir import structure

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "김", "given": ["온", "마"]}, {"family": "박", "given": ["루"]}],
    "birthDate": "1974-12-25",
    "contact": [{"name": {"family": "최"}}],
    "extension": [{"url": "urn:w", "valueDecimal": 72.5}],
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def parameters(expression: str, resource: Any = PATIENT, **more: Any) -> dict[str, Any]:
    listed = [{"name": "expression", "valueString": expression}]
    listed += [{"name": name, **value} for name, value in more.items()]
    return {"resourceType": "Parameters", "parameter": [*listed, {"name": "resource", "resource": resource}]}


def ask(house: House, body: Any, headers: dict[str, str] | None = None) -> Answer:
    return house.ask("POST", "/fhir/$fhirpath", body, headers or {}, house.token("doctor", "physician"))


def results(answer: Answer) -> list[Any]:
    assert answer.status == 200, answer.body
    structure.decode(answer.body)
    return [one for one in answer.json["parameter"] if one["name"] == "result"]


def test_the_answer_tells_evaluator_tree_and_results_with_their_places(house: House) -> None:
    answer = ask(house, parameters("name.given.first() | birthDate | 1 'mg'"))
    told = {one["name"]: one for one in answer.json["parameter"][0]["part"]}
    assert told["evaluator"]["valueString"].startswith("Onmaru ") and "(R4)" in told["evaluator"]["valueString"]
    assert told["parseDebug"]["valueString"] == "(name.given.first() | birthDate) | (1 'mg')"
    tree = json.loads(told["parseDebugTree"]["valueString"])
    assert (tree["ExpressionType"], tree["Name"], tree["Position"]) == ("BinaryExpression", "|", 0)
    assert told["resource"]["resource"] == PATIENT
    [result] = results(answer)
    assert "valueString" not in result
    assert [(part["name"], part.get("valueString") or part.get("valueDate")) for part in result["part"][:2]] == [
        ("string", "온"),
        ("date", "1974-12-25"),
    ]
    assert result["part"][0]["extension"][0]["valueString"] == "Patient.name[0].given[0]"
    assert result["part"][2]["valueQuantity"]["code"] == "mg"


def test_each_item_of_a_context_has_its_result_and_traces(house: House) -> None:
    body = parameters(
        "given.trace('t', length()).join('-') & %mark",
        context={"valueString": "name"},
        variables={"part": [{"name": "mark", "valueString": "!"}]},
    )
    first, second = results(ask(house, body))
    assert (first["valueString"], second["valueString"]) == ("Patient.name[0]", "Patient.name[1]")
    assert first["part"][0] == {"name": "string", "valueString": "온-마!"}
    assert first["part"][1]["name"] == "trace" and first["part"][1]["valueString"] == "t"
    assert [one["valueInteger"] for one in first["part"][1]["part"]] == [1, 1]


def test_what_parameters_cannot_hold_comes_as_json(house: House) -> None:
    [result] = results(ask(house, parameters("contact | @2012-01-01T10:30 | 5L | '' | id.type()")))
    backbone, minute, long, nothing, info = result["part"]
    assert backbone["name"] == "Patient#contact"
    assert json.loads(backbone["extension"][1]["valueString"]) == PATIENT["contact"][0]
    assert minute["extension"][0]["valueString"] == '"2012-01-01T10:30"'
    assert long["extension"][0]["valueString"] == "5"
    assert nothing == {"name": "empty-string"}
    assert json.loads(info["extension"][0]["valueString"])["namespace"] == "FHIR"


def test_a_decimal_comes_back_digit_for_digit(house: House) -> None:
    raw = json.dumps(parameters("extension.value | 1.500")).replace("72.5", "72.50").encode()
    answer = house.ask("POST", "/fhir/$fhirpath", raw, {}, house.token("doctor", "physician"))
    assert b'"valueDecimal":72.50' in answer.body and b'"valueDecimal":1.500' in answer.body


def test_a_resource_may_come_as_xml_or_json_text(house: House) -> None:
    xml = '<Patient xmlns="http://hl7.org/fhir"><birthDate value="1974"/></Patient>'
    base = "http://fhir.forms-lab.com/StructureDefinition/"
    for kind, source in (
        ("xml-value", xml),
        ("json-value", json.dumps({"resourceType": "Patient", "birthDate": "1974"})),
    ):
        body = parameters("birthDate")
        body["parameter"][-1] = {"name": "resource", "extension": [{"url": base + kind, "valueString": source}]}
        assert results(ask(house, body))[0]["part"][0]["valueDate"] == "1974"


REFUSED: list[tuple[Any, int, str]] = [
    (b"{", 400, "structure"),
    ({"resourceType": "Patient"}, 400, "structure"),
    ({"resourceType": "Parameters", "parameter": []}, 400, "required"),
    (parameters("name.", PATIENT), 400, "invalid"),
    (parameters("nothing()", PATIENT), 400, "invalid"),
    (parameters("name.single()", PATIENT), 422, "processing"),
    (parameters("'x'.repeatAll('x')", PATIENT), 422, "too-costly"),
    (parameters("name", {"resourceType": "Nonsense"}), 400, "structure"),
    (parameters("name", {}), 400, "structure"),
    (
        {
            "resourceType": "Parameters",
            "parameter": [{"name": "expression", "valueString": "a"}, {"name": "resource", "extension": True}],
        },
        400,
        "required",
    ),
    (parameters("name", variables={"part": [True]}), 400, "required"),
]


@pytest.mark.parametrize(("body", "status", "code"), REFUSED)
def test_a_refusal_says_why_and_never_what(house: House, body: Any, status: int, code: str) -> None:
    answer = ask(house, body)
    assert (answer.status, answer.issues[0]["code"]) == (status, code)
    assert "김" not in answer.body.decode()


def test_an_answer_cannot_be_blown_up(house: House) -> None:
    big = {**PATIENT, "name": [{"family": "김" * 1000}] * 300}
    answer = ask(house, parameters("name.select(%resource)", big))
    assert (answer.status, answer.issues[0]["code"]) == (422, "too-costly")


def test_the_operation_is_named_audited_and_only_posted(house: House) -> None:
    token = house.token("doctor", "physician")
    listed = house.ask("GET", "/fhir/metadata", b"", {}, token).json["rest"][0]["operation"]
    assert "fhirpath" in [one["name"] for one in listed]
    assert house.ask("GET", "/fhir/$fhirpath", b"", {}, token).status == 405
    assert house.ask("POST", "/fhir/$fhirpath", parameters("id"), {}, "").status == 401
    assert house.ask("POST", "/fhir/$fhirpath", parameters("id"), {"content-type": "text/plain"}, token).status == 415
    ask(house, parameters("managingOrganization.resolve()"))
    keeper = house.token("keeper", "admin")
    rows = house.ask("GET", "/api/audit", b"", {}, keeper).json["items"]
    assert any(row["path"] == "$fhirpath" and row["user"] == "doctor" for row in rows)


def test_the_command_prints_results_for_people_and_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "patient.json"
    file.write_text(json.dumps(PATIENT))
    assert run(["fhirpath", "name.given.trace('t') | contact", str(file)]) == 0
    out = capsys.readouterr()
    assert out.out.splitlines() == ["온", "마", "루", '{"name":{"family":"최"}}']
    assert out.err == "t: 온, 마, 루\n"
    assert run(["fhirpath", "name.given.first()", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "results": [{"type": "string", "value": "온", "path": "Patient.name[0].given[0]"}],
        "traces": [],
    }


@pytest.mark.parametrize("arguments", [["name."], ["name.single()"], ["name.giben", "--strict"]])
def test_the_command_refuses_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    file = tmp_path / "patient.json"
    file.write_text(json.dumps(PATIENT))
    assert run(["fhirpath", arguments[0], str(file), *arguments[1:]]) == 3
    out = capsys.readouterr()
    assert out.out == "" and len(out.err.splitlines()) == 1 and "김" not in out.err


def test_the_command_takes_xml_and_refuses_what_is_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "patient.xml"
    file.write_text('<Patient xmlns="http://hl7.org/fhir"><birthDate value="1974"/></Patient>')
    assert run(["fhirpath", "birthDate + 1 year", str(file)]) == 0
    assert capsys.readouterr().out == "1975\n"
    file.write_text("MSH|^~\\&|")
    assert run(["fhirpath", "birthDate", str(file)]) == 3
