"""Validation on real data: HL7's examples and KR Core's are clean, broken copies fail at the right place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.validation_mutants import Json, mutants, snapshots

from onmaru.fhir.outcome import Issue
from onmaru.fhir.profiles import invariants, package
from onmaru.fhir.profiles.library import Library, core
from onmaru.fhir.profiles.validator import Wanted, validated

NOW = datetime(2026, 11, 23, tzinfo=UTC)
Shared = Callable[[str], Path]
# Decision 0096: what HL7 published and R4's own text forbids
INVALID = {
    "Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe": ["Bundle.entry[3].fullUrl"],
    "Bundle-lri-example": [f"Bundle.entry[{number}].fullUrl" for number in range(1, 17)],
    "DeviceUseStatement-example": ["DeviceUseStatement.reasonReference[0]"],
    "MedicationRequest-medrx0301": ["MedicationRequest.dispenseRequest.performer"],
}


def issues(resource: Json | bytes, library: Library) -> list[Issue]:
    raw = resource if isinstance(resource, bytes) else json.dumps(resource, ensure_ascii=False).encode()
    return validated(raw, library, Wanted(now=NOW))


def errors(resource: Json | bytes, library: Library) -> list[str]:
    return [one.expression for one in issues(resource, library) if one.severity == "error"]


def examples(folder: Path) -> Iterator[tuple[str, Json]]:
    for file in sorted(folder.glob("*.json")):
        yield file.stem, json.loads(file.read_bytes())


def test_the_official_examples_are_clean_but_for_those_that_decision_0096_names(shared_data: Shared) -> None:
    found = {}
    number = 0
    for file in sorted(shared_data("fhir-r4-examples").glob("*.json")):
        number += 1
        where = errors(file.read_bytes(), core())
        if where:
            found[file.stem] = where
    assert number > 400
    assert found == {name: where for name, where in INVALID.items() if name in found}
    assert set(found) <= set(INVALID)


def test_broken_copies_of_the_official_examples_fail_at_the_right_place(shared_data: Shared) -> None:
    [archive] = shared_data("fhir-core").glob("*.tgz")
    definitions = snapshots(archive)
    tried: Counter[str] = Counter()
    missed = []
    for name, resource in examples(shared_data("fhir-r4-examples")):
        if len(json.dumps(resource)) > 40_000:
            continue
        for mutant in mutants(resource, definitions[resource["resourceType"]]):
            if tried[f"{resource['resourceType']} {mutant.kind}"]:
                continue
            tried[f"{resource['resourceType']} {mutant.kind}"] += 1
            if mutant.path not in errors(mutant.resource, core()):
                missed.append((name, mutant.kind, mutant.path))
    assert len(tried) > 400
    assert missed == []


def test_an_invariant_said_again_in_python_says_the_same(shared_data: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    [archive] = shared_data("fhir-core").glob("*.tgz")
    definitions = snapshots(archive)
    resources: list[Json] = []
    kinds: Counter[str] = Counter()
    for _, resource in examples(shared_data("fhir-r4-examples")):
        kinds[resource["resourceType"]] += 1
        if kinds[resource["resourceType"]] <= 2 and len(json.dumps(resource)) < 20_000:
            resources += [resource, *(one.resource for one in mutants(resource, definitions[resource["resourceType"]]))]
    native = [issues(one, core()) for one in resources]
    monkeypatch.setattr(invariants, "NATIVE", {})
    plain = Library()
    assert len(resources) > 500
    assert [i for i, one in enumerate(resources) if set(issues(one, plain)) != set(native[i])] == []


@cache
def _members(file: Path, *, bare: bool) -> dict[tuple[str, str], bytes]:
    """A package's definitions; `bare`: without their snapshots."""
    found = {(one.type, one.url): one.body for one in package.read(file.read_bytes()).members}
    if bare:
        for name, body in found.items():
            tree = json.loads(body)
            if tree.pop("snapshot", None) is not None:
                found[name] = msgspec.json.encode(tree)
    return found


@pytest.fixture(scope="module")
def kr(shared_data: Shared) -> Callable[[bool], Library]:
    [file] = shared_data("korean/krcore-package").glob("*.tgz")
    libraries = {bare: Library(_members(file, bare=bare)) for bare in (False, True)}
    return lambda bare: libraries[bare]


BASE = "http://www.hl7korea.or.kr/fhir/krcore/StructureDefinition/"
Change = Callable[[Json], Any]


def _drop(name: str) -> Change:
    return lambda one: one.pop(name)


def _recode(name: str) -> Change:
    """Another code in the first coding of a concept, so that the slice it belonged to has none."""
    return lambda one: (one[name] if isinstance(one[name], dict) else one[name][0])["coding"][0].update(code="9999-9")


# example → (what is done to it, where that must be found)
KR_BROKEN: dict[str, list[tuple[Change, str]]] = {
    "Patient-krcore-patient-example-01": [
        (_drop("identifier"), "Patient.identifier"),
        (_drop("birthDate"), "Patient.birthDate"),
        (lambda one: one["name"][0].pop("text"), "Patient.name[0]"),
        (lambda one: one.update(gender="F"), "Patient.gender"),
    ],
    "Observation-krcore-bodytemperature-example-01": [
        (_recode("category"), "Observation.category"),
        (lambda one: one["valueQuantity"].update(code="mg"), "Observation.value.code"),
        (lambda one: one.update(subject={"reference": "Device/x"}), "Observation.subject"),
    ],
    "Condition-krcore-condition-encounter-diagnosis-example-01": [
        (_recode("category"), "Condition.category"),
        (_drop("recordedDate"), "Condition.recordedDate"),
        (_drop("code"), "Condition.code"),
    ],
    "Organization-krcore-healthcare-organization-example-01": [
        (_drop("identifier"), "Organization.identifier"),
        (_drop("name"), "Organization.name"),
    ],
    "Procedure-krcore-procedure-example-01": [
        (_drop("performedDateTime"), "Procedure.performed[x]"),
        (_drop("code"), "Procedure.code"),
    ],
    "Medication-krcore-medication-example-01": [(_drop("ingredient"), "Medication.ingredient")],
    "Specimen-krcore-specimen-example-01": [(_drop("subject"), "Specimen.subject")],
}


@pytest.mark.parametrize("bare", [False, True], ids=["with-snapshots", "from-differentials"])
def test_kr_core_examples_are_clean_and_broken_copies_fail(
    shared_data: Shared, kr: Callable[[bool], Library], bare: bool
) -> None:
    library = kr(bare)
    number = 0
    for name, resource in examples(shared_data("korean/krcore-examples-json")):
        number += 1
        assert all(url.startswith(BASE) for url in resource["meta"]["profile"])
        assert errors(resource, library) == [], name
        for change, path in KR_BROKEN.get(name, ()):
            broken = json.loads(json.dumps(resource))
            change(broken)
            assert path in errors(broken, library), (name, path)
    assert number >= 15


def test_a_snapshot_made_from_the_differential_demands_what_the_published_one_does(
    shared_data: Shared, kr: Callable[[bool], Library]
) -> None:
    for name, resource in examples(shared_data("korean/krcore-examples-json")):
        for member in [*resource]:
            broken = {key: value for key, value in resource.items() if key != member or key in ("resourceType", "meta")}
            assert set(issues(broken, kr(False))) == set(issues(broken, kr(True))), (name, member)
