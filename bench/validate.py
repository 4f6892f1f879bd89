"""Profile validation on one core: resources of the Synthea bundles a second, beside Python's own reading of their JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from _corpus import corpus
from onmaru.app.bench import Result, result
from onmaru.fhir.profiles.library import core
from onmaru.fhir.profiles.validator import Wanted, validated

BASE = "http://hl7.org/fhir/StructureDefinition/"
# LOINC code → R4's own profile of that vital sign (observation-vitalsigns.html)
VITAL = {
    "85353-1": "vitalspanel",
    "9279-1": "resprate",
    "8867-4": "heartrate",
    "2708-6": "oxygensat",
    "8310-5": "bodytemp",
    "8302-2": "bodyheight",
    "9843-4": "headcircum",
    "29463-7": "bodyweight",
    "39156-5": "bmi",
    "85354-9": "bp",
}


def asked(type_name: str, raw: bytes) -> Wanted:
    """A resource's type and, for a vital sign, its profile."""
    codes = json.loads(raw)["code"]["coding"] if type_name == "Observation" else ()
    profiles = [BASE + VITAL[one["code"]] for one in codes if one["code"] in VITAL]
    return Wanted(profiles=profiles, now=datetime(2026, 11, 23, tzinfo=UTC))


def run(quick: bool) -> Result:
    """Every resource once to compile what it needs, then all of them for ours and for the floor, turn about."""
    found = corpus(full=False, limit=8 if quick else 40).resources[: 2_000 if quick else 40_000]
    jobs = [(raw, asked(type_name, raw)) for type_name, _, raw in found]
    for raw, wanted in jobs[:: 1 if quick else 10]:
        validated(raw, core(), wanted)
    seconds: list[float] = []
    floor = 0.0
    for start in range(0, len(jobs), 500):
        part = jobs[start : start + 500]
        seconds += _ours(part)
        began = time.perf_counter()
        for raw, _ in part:
            json.loads(raw)
        floor += time.perf_counter() - began
    return result("validate", seconds, len(seconds) / sum(seconds), len(jobs) / floor)


def _ours(part: Sequence[tuple[bytes, Wanted]]) -> list[float]:
    taken = []
    for raw, wanted in part:
        began = time.perf_counter()
        validated(raw, core(), wanted)
        taken.append(time.perf_counter() - began)
    return taken
