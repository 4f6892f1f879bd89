"""_summary and _elements leave out what they should, keep what a reader must not miss, and mark what they made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onmaru.fhir.structure import decode
from onmaru.fhir.subset import subset

PATIENT = (
    b'{"resourceType":"Patient","id":"a","text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">x'
    b'</div>"},"extension":[{"url":"http://h","valueDecimal":72.50}],"identifier":[{"use":"official","value":"1"}],'
    b'"name":[{"family":"Kim","extension":[{"url":"http://h","valueCode":"x"}]}],"birthDate":"2000-01-01","_birthDate":{"id":'
    b'"b"},"photo":[{"title":"x"}],"contact":[{"gender":"male"}],"link":[{"other":{"reference":"Patient/b"},"type":"seealso"}]}'
)
OBSERVATION = (
    b'{"resourceType":"Observation","id":"o","meta":{"versionId":"3","tag":[{"code":"t"}]},"status":"final","code":{"text":"x"},'
    b'"valueQuantity":{"value":72.50},"note":[{"text":"n"}],"modifierExtension":[{"url":"http://h","valueBoolean":true}]}'
)
TAG = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


@pytest.mark.parametrize(
    ("raw", "asked", "members"),
    [
        (PATIENT, {"summary": "true"}, "resourceType id meta identifier name birthDate _birthDate link"),
        (PATIENT, {"summary": "text"}, "resourceType id meta text"),
        (
            PATIENT,
            {"summary": "data"},
            "resourceType id meta extension identifier name birthDate _birthDate photo contact link",
        ),
        (PATIENT, {"elements": ["birthDate", "Patient.photo"]}, "resourceType id meta birthDate _birthDate photo link"),
        (OBSERVATION, {"summary": "true"}, "resourceType id meta status code valueQuantity modifierExtension"),
        (OBSERVATION, {"summary": "text"}, "resourceType id meta status code"),
        (OBSERVATION, {"elements": ["value"]}, "resourceType id meta status code valueQuantity modifierExtension"),
        (OBSERVATION, {"elements": ["note"]}, "resourceType id meta status code note modifierExtension"),
        (OBSERVATION, {"summary": "text", "elements": ["value"]}, "resourceType id meta status code"),
    ],
)
def test_a_subset_holds_these_members_and_is_sound_and_marked(raw: bytes, asked: dict[str, Any], members: str) -> None:
    part = subset(raw, **asked)
    tree = json.loads(part)
    assert list(tree) == members.split()
    assert TAG in tree["meta"]["tag"]
    assert decode(part).id
    assert subset(part, **asked) == part


def test_a_summary_filters_inside_elements_and_keeps_tokens() -> None:
    assert b'"name":[{"family":"Kim"}]' in subset(PATIENT, summary="true")
    assert b'{"value":72.50}' in subset(OBSERVATION, summary="true")
    assert b'"meta":{"versionId":"3","tag":[{"code":"t"},' in subset(OBSERVATION, summary="true")


def test_no_subset_is_the_resource_itself() -> None:
    assert subset(PATIENT) == subset(PATIENT, summary="false") == PATIENT
    assert subset(PATIENT, summary="count") == b""
