"""Whatever is done to a resource, validation answers: problems with places inside it, or a refusal of what is no JSON."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.profiles.library import core
from onmaru.fhir.profiles.validator import Wanted, validated

ODD = [
    None,
    "",
    {},
    [],
    1,
    -1,
    True,
    "x",
    "#",
    "urn:uuid:x",
    "Patient/1",
    "2020-01-01",
    [{}],
    {"reference": "#"},
    10**30,
]
BASE = "http://hl7.org/fhir/StructureDefinition/"
PROFILES = {
    "Observation": ["vitalsigns", "bp", "bmi", "devicemetricobservation"],
    "DiagnosticReport": ["hlaresult", "lipidprofile"],
    "Bundle": [],
    "ValueSet": ["shareablevalueset"],
    "PlanDefinition": ["computableplandefinition", "shareableplandefinition"],
}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) of a JSON tree."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            found.append((one, key))
            waiting.append(one[key])
    return found


def spoil(resource: Any, chance: random.Random) -> None:
    """Take away, replace, double or move one part."""
    holder, key = chance.choice(places(resource))
    if key == "resourceType":
        return
    way = chance.randrange(4)
    if way == 0:
        del holder[key]
    elif way == 1:
        holder[key] = chance.choice(ODD)
    elif way == 2:
        other, name = chance.choice(places(resource))
        holder[key] = copy.deepcopy(other[name])
    elif isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))


@given(seed=st.integers(0, 2**32))
def test_a_spoilt_example_is_answered_with_places_inside_it(shared_data: Callable[[str], Path], seed: int) -> None:
    chance = random.Random(seed)
    file = chance.choice(sorted(shared_data("fhir-r4-examples").glob("*.json")))
    resource = json.loads(file.read_bytes())
    for _ in range(chance.randint(1, 3)):
        spoil(resource, chance)
    type_name = resource["resourceType"]
    profiles = [BASE + name for name in PROFILES.get(type_name, ())]
    try:
        found = validated(json.dumps(resource).encode(), core(), Wanted(profiles=profiles, language="ko"))
    except Invalid as refused:
        assert refused.status == 400
        return
    assert all(one.expression.startswith(type_name) for one in found if one.code != "too-costly")
