"""FHIRPath's meaning, expression by expression (fhirpath_cases.txt), on one patient."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fhirpath_suite import NOW, written
from onmaru.fhir.fhirpath import Environment, Hooks, Node, PathError, compiled, read, root
from onmaru.fhir.fhirpath.results import line

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">김</div>'},
    "contained": [{"resourceType": "Organization", "id": "o1", "name": "서울병원"}],
    "name": [
        {
            "family": "김",
            "given": ["온마", "루"],
            "_given": [None, {"extension": [{"url": "urn:a", "valueString": "빛"}]}],
        },
        {"family": "박", "given": ["미"]},
    ],
    "telecom": [
        {"value": "02-123"},
        {"_value": {"extension": [{"url": "urn:absent", "valueCode": "asked-declined"}]}},
    ],
    "gender": "unknown",
    "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "urn:birth-time", "valueDateTime": "1974-12-25T14:35:45+09:00"}]},
    "deceasedBoolean": True,
    "maritalStatus": {"coding": [{"system": "urn:s", "code": "M"}]},
    "multipleBirthInteger": 2,
    "contact": [{"name": {"family": "최"}}],
    "generalPractitioner": [{"reference": "Practitioner/d1"}],
    "managingOrganization": {"reference": "#o1"},
}


def resolve(reference: str) -> Any:
    return {"resourceType": "Practitioner", "id": "d1"} if reference == "Practitioner/d1" else None


HOOKS = Hooks(
    resolve=resolve,
    member_of=lambda item, url: url == "urn:genders",
    subsumes=lambda general, special: general.data["code"] == special.data["code"],
    conforms=lambda node, url: True if url == "urn:profile" else None,
)


def cases() -> Iterator[Any]:
    group = ""
    for row in Path(__file__).with_name("fhirpath_cases.txt").read_text().splitlines():
        if row.startswith("## "):
            group = row[3:]
        elif row and not row.startswith("# "):
            expression, _, wanted = row.rpartition(" ==> ")
            yield pytest.param(expression, wanted, id=f"{group}: {expression}")


@pytest.mark.parametrize(("expression", "wanted"), list(cases()))
def test_an_expression_means_what_the_specification_says(expression: str, wanted: str) -> None:
    patient = root(read(msgspec.json.encode(PATIENT)))
    environment = Environment({"given": 7, "none": None}, now=NOW, hooks=HOOKS)
    try:
        answer = " | ".join(map(shown, compiled(expression)(patient, environment))) or "{}"
    except PathError as error:
        assert not str(error).count("온마")
        answer = f"! {error.kind}"
    assert answer == wanted


def shown(item: Any) -> str:
    if isinstance(item, Node) and isinstance(item.data, dict):
        return line(item)
    return written(item) or '""'
