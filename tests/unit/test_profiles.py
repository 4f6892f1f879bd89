"""Profiles made for the purpose: each thing that a profile can say, on a resource that meets it and on one that does not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.made_profiles import Json, coded, definition, element, found, library, observation, paths, patterned, sliced

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.profiles.validator import validated
from onmaru.fhir.profiles.visit import strings


def test_fixed_pattern_range_and_length() -> None:
    known = library(
        definition(
            "urn:values",
            "Observation",
            element("Observation.status", fixedCode="final"),
            element("Observation.code", **patterned("85354-9")),
            element("Observation.value[x]", type=[{"code": "integer"}], minValueInteger=0, maxValueInteger=10),
            element("Observation.note", max="1"),
            element("Observation.method.text", maxLength=3),
        )
    )
    assert paths(observation(valueInteger=10, method={"text": "abc"}), known, "urn:values") == []
    broken = observation(valueInteger=11, method={"text": "abcd"}, note=[{"text": "a"}, {"text": "b"}])
    broken |= {"status": "amended", "code": coded("1")}
    assert sorted(paths(broken, known, "urn:values")) == [
        "Observation.code",
        "Observation.method.text",
        "Observation.note",
        "Observation.status",
        "Observation.value",
    ]


CODES = {
    "resourceType": "CodeSystem",
    "url": "urn:codes",
    "status": "active",
    "content": "complete",
    "concept": [{"code": "a", "concept": [{"code": "a1"}, {"code": "a2"}]}, {"code": "b"}],
}


def value_set(*include: Json, exclude: list[Json] | None = None, url: str = "urn:set") -> Json:
    compose: Json = {"include": list(include), **({"exclude": exclude} if exclude else {})}
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose}


def is_a(code: str, op: str = "is-a") -> Json:
    return {"system": "urn:codes", "filter": [{"property": "concept", "op": op, "value": code}]}


@pytest.mark.parametrize(
    ("include", "inside", "outside"),
    [
        ({"system": "urn:codes"}, "b", "c"),
        ({"system": "urn:codes", "concept": [{"code": "a1"}]}, "a1", "a2"),
        (is_a("a"), "a1", "b"),
        (is_a("a", "descendent-of"), "a2", "a"),
        (is_a("a", "is-not-a"), "b", "a1"),
        ({"valueSet": ["urn:inner"]}, "b", "a"),
    ],
)
@pytest.mark.parametrize(("strength", "severity"), [("required", "error"), ("extensible", "warning")])
def test_bindings_draw_on_what_is_at_hand(
    include: Json, inside: str, outside: str, strength: str, severity: str
) -> None:
    bound = element("Observation.method", binding={"strength": strength, "valueSet": "urn:set|1"})
    inner = value_set({"system": "urn:codes"}, exclude=[is_a("a")], url="urn:inner")
    known = library(CODES, inner, value_set(include), definition("urn:bound", "Observation", bound))
    asked = lambda code, system: found(  # noqa: E731
        observation(method=coded(code, system)), known, "urn:bound", severity=severity
    )
    assert [one for one in asked(inside, "urn:codes") if "urn:set" in one[1]] == []
    for code, system in ((outside, "urn:codes"), (inside, "urn:other")):
        assert [path for path, text in asked(code, system) if "urn:set" in text] == ["Observation.method"]


@pytest.mark.parametrize(
    "include",
    [
        {"system": "http://snomed.info/sct"},
        {"system": "urn:codes", "filter": [{"property": "colour", "op": "=", "value": "red"}]},
        {"valueSet": ["urn:nowhere"]},
        {"valueSet": ["urn:set"]},
    ],
)
def test_codes_that_are_not_at_hand_are_a_note_and_no_error(include: Json) -> None:
    bound = element("Observation.method", binding={"strength": "required", "valueSet": "urn:set"})
    known = library(CODES, value_set(include), definition("urn:bound", "Observation", bound))
    resource = observation(method=coded("x", include.get("system", "urn:codes")))
    assert found(resource, known, "urn:bound") == []
    notes = found(resource, known, "urn:bound", severity="information")
    assert ("Observation.method", strings("en")["code-unknown"].format(url="urn:set")) in notes
    assert paths(observation(method={"text": "x"}), known, "urn:bound") == ["Observation.method"]


def extension_of(url: str, *elements: Json, context: str = "Observation", kind: str = "element", **more: Any) -> Json:
    return definition(url, "Extension", *elements, context=[{"type": kind, "expression": context}], **more)


def test_extensions_are_judged_by_their_own_definition() -> None:
    known = library(
        extension_of(
            "urn:coded",
            element("Extension.value[x]", min=1, type=[{"code": "code"}]),
            element("Extension.url", fixedUri="urn:coded"),
        ),
        extension_of("urn:modifying", element("Extension", isModifier=True)),
        extension_of("urn:named", context="Patient.name"),
        extension_of("urn:canonical", context="CanonicalResource"),
        extension_of("urn:within", context="urn:coded", kind="extension"),
        extension_of("urn:final", context="Observation.where(status = 'final')", kind="fhirpath"),
        extension_of(
            "urn:parts",
            sliced("Extension.extension", ("value", "url")),
            element("Extension.extension:one", min=1),
            element("Extension.extension:one.url", fixedUri="one"),
            element("Extension.extension:one.value[x]", min=1, type=[{"code": "integer"}]),
        ),
    )

    def asked(url: str, member: str = "extension", **value: Any) -> list[str]:
        return paths(observation(**{member: [{"url": url, **(value or {"valueBoolean": True})}]}), known)

    assert asked("urn:coded", valueCode="x") == []
    assert asked("urn:coded", valueString="x") == ["Observation.extension[0].value"]
    assert asked("urn:nobody-knows") == []
    assert asked("urn:nobody-knows", "modifierExtension") == ["Observation.modifierExtension[0]"]
    assert asked("urn:modifying", "modifierExtension") == []
    assert asked("urn:modifying") == ["Observation.extension[0]"]
    assert asked("urn:coded", "modifierExtension", valueCode="x") == ["Observation.modifierExtension[0]"]
    assert asked("urn:named") == ["Observation.extension[0]"]
    assert asked("urn:within") == ["Observation.extension[0]"]
    assert asked("urn:canonical") == ["Observation.extension[0]"]
    library_of = {"resourceType": "CodeSystem", "status": "active", "content": "complete"}
    assert paths({**library_of, "extension": [{"url": "urn:canonical", "valueBoolean": True}]}, known) == []
    assert asked("urn:final") == []
    assert asked("urn:parts", extension=[{"url": "one", "valueInteger": 1}]) == []
    assert asked("urn:parts", extension=[{"url": "two", "valueInteger": 1}]) == ["Observation.extension[0].extension"]
    named = {
        "resourceType": "Patient",
        "name": [{"text": "김", "extension": [{"url": "urn:named", "valueBoolean": True}]}],
    }
    assert paths(named, known) == []
    born = {"resourceType": "Patient", "_birthDate": {"extension": [{"url": "urn:named", "valueBoolean": True}]}}
    assert paths(born, known) == ["Patient.birthDate.extension[0]"]


def test_an_extension_that_a_profile_wants_is_a_slice_by_url() -> None:
    known = library(
        extension_of("urn:wanted"),
        definition(
            "urn:with",
            "Observation",
            element("Observation.extension:wanted", min=1, type=[{"code": "Extension", "profile": ["urn:wanted"]}]),
        ),
    )
    assert paths(observation(), known, "urn:with") == ["Observation.extension"]
    assert paths(observation(extension=[{"url": "urn:wanted", "valueBoolean": True}]), known, "urn:with") == []


def test_a_profile_of_a_profile_demands_what_both_say() -> None:
    known = library(
        definition("urn:one", "Patient", element("Patient.name", min=1), element("Patient.name.family", min=1)),
        definition("urn:two", "Patient", element("Patient.birthDate", min=1), base="urn:one"),
    )
    nobody = {"resourceType": "Patient", "active": True}
    assert sorted(paths(nobody, known, "urn:two")) == ["Patient.birthDate", "Patient.name"]
    half = {**nobody, "birthDate": "2026", "name": [{"text": "김"}]}
    assert paths(half, known, "urn:two") == ["Patient.name[0].family"]


def test_invariants_of_a_profile_and_those_that_cannot_be_evaluated() -> None:
    rule = {"severity": "error", "human": "이름이 있어야 합니다", "xpath": "x"}
    own = [
        {**rule, "key": "own-1", "expression": "name.exists()"},
        {**rule, "key": "own-2", "expression": "nothing("},
        {**rule, "key": "ext-1", "expression": "active"},
    ]
    known = library(definition("urn:own", "Patient", element("Patient", constraint=own)))
    resource = {"resourceType": "Patient", "active": False}
    assert [text for _, text in found(resource, known, "urn:own")] == [
        "이름이 있어야 합니다 (own-1)",
        "이름이 있어야 합니다 (ext-1)",
    ]
    assert "own-2" in found(resource, known, "urn:own", severity="information")[0][1]


def test_a_profile_for_another_type_and_one_on_an_unknown_base() -> None:
    known = library(
        definition("urn:one", "Patient"),
        definition("urn:lost", "Patient", base="urn:nowhere"),
        definition("urn:loop", "Patient", base="urn:loop"),
    )
    assert paths(observation(), known, "urn:one") == ["Observation"]
    for url in ("urn:lost", "urn:loop", "urn:unknown"):
        assert paths({"resourceType": "Patient", "active": True}, known, url) == ["Patient"]
    claimed = {"resourceType": "Patient", "active": True, "meta": {"profile": ["urn:unknown"]}}
    assert found(claimed, known) == []
    assert "Patient.meta.profile[0]" in [path for path, _ in found(claimed, known, severity="warning")]


def test_two_profiles_that_name_each_other_come_to_an_end() -> None:
    target = [{"code": "Reference", "targetProfile": ["urn:ring"]}]
    known = library(definition("urn:ring", "Patient", element("Patient.link.other", type=target)))
    ring = {"resourceType": "Patient", "link": [{"type": "seealso", "other": {"reference": "#"}}]}
    assert paths(ring, known, "urn:ring") == []


def test_a_fullurl_names_what_its_entry_holds() -> None:
    patient = {"resourceType": "Patient", "id": "p", "active": True}

    def asked(url: str) -> list[str]:
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": url, "resource": patient}]}
        return paths(bundle, library())

    assert asked("http://h/fhir/Patient/p") == asked(f"urn:uuid:{'0' * 8}-0000-4000-8000-{'0' * 12}") == []
    assert asked("http://h/fhir/Patient/q") == asked("urn:uuid:1") == ["Bundle.entry[0].fullUrl"]
    assert "Bundle.entry[0].fullUrl" in asked("http://h/fhir/Patient/p/_history/1")


def test_every_message_is_there_in_both_languages_with_the_same_parts() -> None:
    korean, english = strings("ko"), strings("en")
    assert korean.keys() == english.keys()
    for key, text in english.items():
        names = lambda said: {part.partition("}")[0] for part in said.split("{")[1:]}  # noqa: E731
        assert names(text) == names(korean[key]), key


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(Invalid):
        validated(b"{", library())
