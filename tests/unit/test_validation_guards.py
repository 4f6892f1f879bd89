"""Validation under hostile or careless hands: definitions that say nonsense, expressions that never end, Korean for all."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.made_profiles import coded, component, definition, element, library, observation, paths, sliced

from onmaru.fhir import narrative, primitives, validation
from onmaru.fhir.outcome import Issue
from onmaru.fhir.profiles import visit
from onmaru.fhir.profiles.korean import korean
from onmaru.fhir.profiles.library import Library
from onmaru.fhir.profiles.validator import Wanted, validated

Json = dict[str, Any]
HANGUL = re.compile("[가-힣]")


@pytest.mark.parametrize(
    "elements",
    [
        [element("Patient.name", max="many")],
        [element("Patient.name", max="9" * 5000)],
        [element("Patient.nonsense.more", min=1)],
        [element(".".join(["Patient", *["extension"] * 5000]), min=1)],
        [element("Patient.name:" + "/".join(["a"] * 5000), min=1)],
        [{"path": "Patient.name", "sliceName": "x"}, {"path": "", "id": ""}],
        [sliced("Patient.name", ("value", "((("), ("value", "")), element("Patient.name:a", min=1)],
        [sliced("Patient.name", ("type", "resolve()")), element("Patient.name:a", min=1)],
        [element("Patient.name", binding={"strength": "required"})],
        [
            element("Patient.contact", contentReference="#Patient.nowhere"),
            element("Patient.contact.contact.name", min=1),
        ],
        [element("Patient.name", type=[{"code": "Nonsense", "profile": ["urn:p"]}]), element("Patient.name.a", min=1)],
    ],
)
def test_a_definition_that_says_nonsense_breaks_nothing(elements: list[Json]) -> None:
    known = library(definition("urn:p", "Patient", *elements))
    resource = {"resourceType": "Patient", "meta": {"profile": ["urn:p"]}, "name": [{"text": "김"}]}
    assert all(path.startswith("Patient") for path in paths(resource, known))


def test_nobody_redefines_the_types_of_r4() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/Patient"
    known = library(definition(url, "Patient", element("Patient.name", max="0"), base="urn:nowhere"))
    assert paths({"resourceType": "Patient", "name": [{"text": "김"}]}, known, url) == []


def test_expressions_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "STEPS", 5000)
    rule = {"severity": "error", "human": "-", "xpath": "x", "key": "slow"}
    slow = {**rule, "expression": "%resource.descendants().count() > 0"}
    known = library(definition("urn:slow", "Observation", element("Observation.component", constraint=[slow])))
    resource = observation(component=[component(str(number)) for number in range(100)])
    issues = validated(json.dumps(resource).encode(), known, Wanted(profiles=["urn:slow"]))
    assert [(one.code, one.severity, one.expression) for one in issues if one.code == "too-costly"] == [
        ("too-costly", "error", "Observation")
    ]


def test_no_more_problems_are_told_than_anybody_reads() -> None:
    concepts = [{"coding": [{"system": "urn:x", "code": "x"}], "extension": [{"url": "urn:x"}]}] * 3000
    raw = json.dumps(observation(category=concepts)).encode()
    issues = validated(raw, library(), Wanted())
    assert len(issues) == visit.MOST + 1 and issues[-1].code == "too-costly"


BROKEN: list[Json] = [
    {"resourceType": "Patient", "name": {}, "gender": ["x"], "photo": [], "active": None, "nmae": 1, "link": [{}]},
    {"resourceType": "Patient", "active": "x", "birthDate": "x", "multipleBirthInteger": 1.5, "deceasedBoolean": 1},
    {"resourceType": "Patient", "deceasedBoolean": True, "deceasedDateTime": "2026", "multipleBirthInteger": 2**40},
    {
        "resourceType": "Patient",
        "contained": ["x", {}, {"resourceType": "X"}, {"resourceType": "Basic", "contained": []}],
    },
    {"resourceType": "Patient", "name": ["x", {"given": ["", None, "\u0000"], "_given": [None]}, {"_given": [1]}]},
    {"resourceType": "Patient", "photo": [{"data": "x", "size": -1}], "text": {"status": "x", "div": "<p>"}},
    {
        "resourceType": "Patient",
        "text": {"status": "x", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script/></div>'},
    },
    {"resourceType": "Observation"},
]


@pytest.mark.parametrize("resource", BROKEN)
def test_what_is_said_of_a_broken_shape_is_said_in_korean_too(resource: Json) -> None:
    english = validated(json.dumps(resource).encode(), library(), Wanted(language="en"))
    said = validated(json.dumps(resource).encode(), library(), Wanted(language="ko"))
    assert english and [one.expression for one in english] == [one.expression for one in said]
    assert [one.text for one in said if not HANGUL.search(one.text)] == []


def test_every_text_of_the_decoder_has_its_korean() -> None:
    sources = [Path(str(module.__file__)).read_text("utf-8") for module in (validation, primitives, narrative)]
    texts = re.findall(r'Issue\([^"]*"[a-z-]+"(?: if [^"]*"[^"]*" else "[a-z-]+")?, f?"([^"]+)"', sources[0])
    reasons = re.findall(r'(?:return|else|_Refused\()\s*f?"((?:is|has|must|does) [^"]+)"', "\n".join(sources))
    assert len(texts) >= 12 and len(reasons) >= 12
    # What the program fills in is some word or number
    for text in [*texts, *(f"The string {reason}." for reason in reasons)]:
        plain = re.sub(r"\{[^}]*\}", "7", text)
        told = korean(Issue("structure", plain)).text
        assert HANGUL.search(told), plain
        assert not re.search(r"\b(is|has|must|does) ", told), plain
    assert korean(Issue("structure", "something new")).text == "something new"


def test_a_value_set_that_is_made_of_itself_says_nothing() -> None:
    ring = {
        "resourceType": "ValueSet",
        "url": "urn:r",
        "status": "active",
        "compose": {"include": [{"valueSet": ["urn:r"]}]},
    }
    bound = element("Observation.method", binding={"strength": "required", "valueSet": "urn:r"})
    known = library(ring, definition("urn:p", "Observation", bound))
    assert paths(observation(method=coded("x")), known, "urn:p") == []


def test_validations_at_one_time_all_know_what_one_of_them_is_making() -> None:
    chain = [definition("urn:p0", "Patient", element("Patient.birthDate", min=1))]
    chain += [
        definition(f"urn:p{n}", "Patient", element("Patient.name", min=1), base=f"urn:p{n - 1}") for n in range(1, 20)
    ]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            known, together = library(*chain), threading.Barrier(4)

            def one(known: Library = known, together: threading.Barrier = together) -> tuple[str, ...]:
                together.wait()
                return tuple(sorted(paths({"resourceType": "Patient"}, known, "urn:p19")))

            with ThreadPoolExecutor(4) as threads:
                answers = {future.result() for future in [threads.submit(one) for _ in range(4)]}
            assert answers == {("Patient.birthDate", "Patient.name")}
    finally:
        sys.setswitchinterval(before)


def test_definitions_that_rest_on_one_another_without_end_are_unknown() -> None:
    chain = [
        definition(f"urn:p{n}", "Patient", base=f"urn:p{n - 1}" if n else "", **{"id": f"p{n}"}) for n in range(600)
    ]
    issues = validated(b'{"resourceType":"Patient"}', library(*chain), Wanted(profiles=["urn:p599"]))
    assert any("the profile is not known here" in one.text for one in issues)
    sets = [
        {
            "resourceType": "ValueSet", "url": f"urn:v{n}", "status": "active",
            "compose": {"include": [{"valueSet": [f"urn:v{n + 1}"]}]},
        }
        for n in range(600)
    ]  # fmt: skip
    compiled = library(*sets).members("urn:v0")
    assert compiled is not None and compiled.holds("urn:s", "a") is None


def test_slices_of_slices_that_multiply_are_not_made() -> None:
    inner = [element(f"Patient.contact.extension:e{n}") for n in range(2000)]
    outer = [element(f"Patient.contact:s{n}") for n in range(2000)]
    began = time.monotonic()
    issues = validated(
        b'{"resourceType":"Patient"}',
        library(definition("urn:b", "Patient", *inner, *outer)),
        Wanted(profiles=["urn:b"]),
    )
    assert any("the profile is not known here" in one.text for one in issues) and time.monotonic() - began < 5
