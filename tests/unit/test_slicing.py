"""Slicing: every kind of discriminator, rules and order, slices of slices, on made profiles."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.made_profiles import (
    BASE,
    LOINC,
    UCUM,
    coded,
    component,
    definition,
    element,
    library,
    observation,
    paths,
    patterned,
    sliced,
)

from onmaru.fhir.profiles.validator import Wanted, validated

PRESSURE = (
    element("Observation.component:systolic", min=1, max="1"),
    element("Observation.component:systolic.code", **patterned("8480-6")),
    element("Observation.component:systolic.value[x]", min=1, type=[{"code": "Quantity"}]),
    element("Observation.component:diastolic", max="1"),
    element("Observation.component:diastolic.code", **patterned("8462-4")),
)


@pytest.mark.parametrize("kind", ["value", "pattern"])
def test_slices_by_value_are_counted_and_judged(kind: str) -> None:
    known = library(definition("urn:bp", "Observation", sliced("Observation.component", (kind, "code")), *PRESSURE))
    value = {"valueQuantity": {"value": 120}}
    assert paths(observation(component=[component("8480-6", **value), component("1")]), known, "urn:bp") == []
    assert paths(observation(), known, "urn:bp") == ["Observation.component"]
    assert paths(observation(component=[component("8480-6")]), known, "urn:bp") == ["Observation.component[0].value[x]"]
    text = component("8480-6", valueString="120")
    assert paths(observation(component=[text]), known, "urn:bp") == ["Observation.component[0].value"]
    twice = [component("8480-6", **value), component("8462-4"), component("8462-4")]
    assert paths(observation(component=twice), known, "urn:bp") == ["Observation.component[2]"]


@pytest.mark.parametrize(
    ("rules", "ordered", "codes", "where"),
    [
        ("open", False, ["1", "8462-4", "8480-6"], []),
        ("closed", False, ["8480-6", "1"], ["Observation.component[1]"]),
        ("openAtEnd", False, ["8462-4", "8480-6", "1"], []),
        ("openAtEnd", False, ["8480-6", "1", "8462-4"], ["Observation.component[1]"]),
        ("open", True, ["8480-6", "8462-4"], []),
        ("open", True, ["8462-4", "8480-6"], ["Observation.component[1]"]),
        ("closed", True, ["8462-4", "8480-6"], ["Observation.component[1]"]),
    ],
)
def test_what_lies_between_and_beside_slices_follows_the_rules(
    rules: str, ordered: bool, codes: list[str], where: list[str]
) -> None:
    slicing = sliced("Observation.component", ("value", "code"), rules=rules, ordered=ordered)
    known = library(definition("urn:bp", "Observation", slicing, *PRESSURE))
    items = [component(code, valueQuantity={"value": 1}) for code in codes]
    assert paths(observation(component=items), known, "urn:bp") == where


def test_a_value_deeper_than_the_discriminators_path_tells_the_slice() -> None:
    rules = (
        sliced("Observation.component", ("value", "code.coding.code"), ("value", "code.coding.system")),
        element("Observation.component:a", min=1, max="1"),
        element("Observation.component:a.code.coding", min=1),
        element("Observation.component:a.code.coding.system", min=1, fixedUri=LOINC),
        element("Observation.component:a.code.coding.code", min=1, fixedCode="8480-6"),
    )
    known = library(definition("urn:deep", "Observation", *rules))
    assert paths(observation(component=[component("8480-6")]), known, "urn:deep") == []
    assert paths(observation(component=[component("1")]), known, "urn:deep") == ["Observation.component"]
    whole = (sliced("Observation.component", ("value", "code")), *rules[1:])
    known = library(definition("urn:deep", "Observation", *whole))
    assert paths(observation(component=[component("8480-6")]), known, "urn:deep") == []
    assert paths(observation(component=[component("1")]), known, "urn:deep") == ["Observation.component"]


def test_slices_by_existence() -> None:
    known = library(
        definition(
            "urn:exists",
            "Observation",
            sliced("Observation.component", ("exists", "dataAbsentReason"), rules="closed"),
            element("Observation.component:missing", max="1"),
            element("Observation.component:missing.dataAbsentReason", min=1),
            element("Observation.component:there"),
            element("Observation.component:there.dataAbsentReason", max="0"),
            element("Observation.component:there.value[x]", min=1),
        )
    )
    absent = component("1", dataAbsentReason={"text": "-"})
    assert paths(observation(component=[absent, component("2", valueString="x")]), known, "urn:exists") == []
    assert paths(observation(component=[absent, absent]), known, "urn:exists") == ["Observation.component[1]"]
    assert paths(observation(component=[component("2")]), known, "urn:exists") == ["Observation.component[0].value[x]"]


def test_slices_by_type_of_a_choice_and_of_a_target() -> None:
    known = library(
        definition(
            "urn:type",
            "Observation",
            sliced("Observation.value[x]", ("type", "$this"), rules="closed"),
            element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
            element("Observation.value[x]:valueQuantity.code", min=1),
            sliced("Observation.performer", ("type", "resolve()")),
            element(
                "Observation.performer:person",
                min=1,
                type=[{"code": "Reference", "targetProfile": [BASE + "Practitioner"]}],
            ),
        )
    )
    doctor = {"resourceType": "Practitioner", "id": "d"}
    ward = {"resourceType": "Organization", "id": "w", "name": "내과"}
    quantity = {"value": 1, "system": UCUM, "code": "mg"}
    sound = observation(contained=[doctor], performer=[{"reference": "#d"}], valueQuantity=quantity)
    assert paths(sound, known, "urn:type") == []
    assert paths({**sound, "valueQuantity": {"value": 1}}, known, "urn:type") == ["Observation.value.code"]
    other = {name: value for name, value in sound.items() if name != "valueQuantity"} | {"valueString": "x"}
    assert paths(other, known, "urn:type") == ["Observation.value"]
    wrong = observation(contained=[ward], performer=[{"reference": "#w"}])
    assert paths(wrong, known, "urn:type") == ["Observation.performer"]


def test_slices_by_profile_and_targets_that_must_conform() -> None:
    named = definition("urn:named", "Patient", element("Patient.name", min=1))
    target = [{"code": "Reference", "targetProfile": ["urn:named"]}]
    known = library(
        named,
        definition("urn:subject", "Observation", element("Observation.subject", type=target)),
        definition(
            "urn:of-profile",
            "Observation",
            sliced("Observation.focus", ("profile", "resolve()"), rules="closed"),
            element("Observation.focus:named", type=target),
        ),
    )
    nobody, somebody = (
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Patient", "id": "p", "name": [{"text": "김"}]},
    )
    for profile, member in (("urn:subject", "subject"), ("urn:of-profile", "focus")):
        link: Any = {"reference": "#p"} if member == "subject" else [{"reference": "#p"}]
        place = "Observation.subject" if member == "subject" else "Observation.focus[0]"
        assert paths(observation(contained=[somebody], **{member: link}), known, profile) == []
        assert paths(observation(contained=[nobody], **{member: link}), known, profile) == [place]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": "http://h/Patient/p", "resource": nobody},
            {
                "fullUrl": "http://h/Observation/o",
                "resource": observation(id="o", meta={"profile": ["urn:subject"]}, subject={"reference": "Patient/p"}),
            },
        ],
    }
    assert paths(bundle, known) == ["Bundle.entry[1].resource.subject"]
    resolver = {"Patient/p": nobody, "Patient/q": somebody}.get
    for name, where in (("p", ["Observation.subject"]), ("q", []), ("elsewhere", [])):
        raw = json.dumps(observation(subject={"reference": f"Patient/{name}"})).encode()
        issues = validated(raw, known, Wanted(profiles=["urn:subject"], resolver=resolver))
        assert [one.expression for one in issues if one.severity == "error"] == where


def test_a_slice_is_sliced_again() -> None:
    known = library(
        definition(
            "urn:re",
            "Observation",
            sliced("Observation.category", ("value", "coding.system")),
            element("Observation.category:a", min=1),
            element("Observation.category:a.coding.system", fixedUri="urn:a"),
            sliced("Observation.category:a", ("value", "coding.code"), rules="closed"),
            element("Observation.category:a/one", min=1),
            element("Observation.category:a/one.coding.code", fixedCode="1"),
        )
    )
    one, two, other = coded("1", "urn:a"), coded("2", "urn:a"), coded("1", "urn:b")
    assert paths(observation(category=[one, other]), known, "urn:re") == []
    assert paths(observation(category=[two, other]), known, "urn:re") == [
        "Observation.category",
        "Observation.category[0]",
    ]


def test_a_document_is_sliced_by_what_its_entries_hold() -> None:
    """The form of the International Patient Summary: entries by type and profile, sections by code and what they list."""
    allergy = element("Composition.section:allergies", min=1, max="1")
    known = library(
        definition("urn:allergy", "AllergyIntolerance", element("AllergyIntolerance.code", min=1)),
        definition(
            "urn:composition",
            "Composition",
            sliced("Composition.section", ("value", "code")),
            allergy,
            element("Composition.section:allergies.code", min=1, **patterned("48765-2")),
            sliced("Composition.section:allergies.entry", ("profile", "resolve()")),
            element(
                "Composition.section:allergies.entry:allergy",
                min=1,
                type=[{"code": "Reference", "targetProfile": ["urn:allergy"]}],
            ),
        ),
        definition(
            "urn:document",
            "Bundle",
            sliced("Bundle.entry", ("type", "resource"), ("profile", "resource")),
            element("Bundle.entry:composition", min=1, max="1"),
            element(
                "Bundle.entry:composition.resource",
                min=1,
                type=[{"code": "Composition", "profile": ["urn:composition"]}],
            ),
        ),
    )

    def document(code: dict[str, Any] | None, section: str = "48765-2") -> dict[str, Any]:
        composition = {
            "resourceType": "Composition",
            "id": "c",
            "status": "final",
            "type": coded("60591-5"),
            "date": "2026-11-23",
            "author": [{"display": "내과"}],
            "title": "-",
            "section": [{"title": "-", "code": coded(section), "entry": [{"reference": "AllergyIntolerance/a"}]}],
        }
        intolerance = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"display": "-"}}
        intolerance |= {"clinicalStatus": {"coding": [{"system": STATUS, "code": "active"}]}}
        intolerance |= {"code": code} if code else {}
        held = [composition, intolerance]
        return {
            "resourceType": "Bundle",
            "type": "document",
            "identifier": {"system": "urn:ids", "value": "1"},
            "timestamp": "2026-11-23T00:00:00Z",
            "entry": [{"fullUrl": f"http://h/{one['resourceType']}/{one['id']}", "resource": one} for one in held],
        }

    assert paths(document({"text": "-"}), known, "urn:document") == []
    # No entry is of the slice, because the one that could be does not meet its profile: both are told
    section = "Bundle.entry[0].resource.section"
    assert paths(document(None), known, "urn:document") == ["Bundle.entry", f"{section}[0].entry"]
    assert paths(document({"text": "-"}, "1"), known, "urn:document") == ["Bundle.entry", section]


STATUS = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
