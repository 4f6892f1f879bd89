"""The Synthea load as research tables: the figures that the vocabulary's own codes give, and no row uncounted.

The figures are of the whole load, which `onmaru prove 2.omop` makes; else a part of it is counted.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onmaru.app.house import House, Place, system
from onmaru.kernel import bundle
from onmaru.kernel.caller import Caller, Scope
from onmaru.rooms.omop import asking
from onmaru.rooms.omop.coverage import coverage
from onmaru.rooms.omop.reconcile import reconcile
from onmaru.rooms.omop.vocabulary import read

ASKER = Caller("main", "kim", frozenset({"data-manager"}), "HRESCH", (Scope("user", "*", frozenset("rs")),))
OF_CODES = (
    "person",
    "visit_occurrence",
    "condition_occurrence",
    "drug_exposure",
    "procedure_occurrence",
    "device_exposure",
    "measurement",
    "observation",
)
FOLLOWED = frozenset(
    {"Patient", "Encounter", "Observation", "Condition", "Procedure", "Immunization", "MedicationRequest"}
) | {"AllergyIntolerance"}
# Of these a resource without words, or without a visit, is counted as dropped
WORDLESS = frozenset({"DiagnosticReport", "DocumentReference", "ExplanationOfBenefit", "Coverage"})


# A part holds the smallest files
PART = 12


@pytest.mark.slow
def test_the_synthea_figures(tmp_path: Path, shared_data: Callable[[str], Path]) -> None:
    house = House(Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness"))
    record, seat, loaded = house.hall(system("main")).record, house.seat("main"), 0
    every = 0
    whole = bool(os.environ.get("ONMARU_PROVE"))
    files = sorted(shared_data("fhir-synthea-r4").glob("*.json.gz"), key=lambda file: file.stat().st_size)
    for file in files if whole else files[:PART]:
        raw = gzip.decompress(file.read_bytes())
        types = [entry["resource"]["resourceType"] for entry in msgspec.json.decode(raw)["entry"]]
        every += len(types)
        loaded += sum(1 for type in types if type in FOLLOWED)
        bundle.process(record, raw, bundle.Limits(10**6))
        seat.home.wait(seat.home.tip())
    house.catch_up("main")
    hall = house.hall(ASKER)
    for name, file in read(shared_data("omop") / "synthea27nj").items():
        hall.lake.publish(name, file.batches)
    found = coverage(hall)()
    if whole:
        expected(found)
    total = found["total"]
    reconciled = reconcile(hall)
    assert reconciled["total"]["resources"] == every > 0
    assert reconciled["total"]["reconciled"]
    wordless = sum(line["resources"] for line in found["balance"] if line["type"] in WORDLESS)
    assert total["resources"] - wordless == loaded > 0
    assert total["rows"] == total["mapped"] + total["unmapped"] + total["dropped"]
    out = sum(asking.table(hall, table).table.num_rows for table in OF_CODES)
    assert out == total["mapped"] + total["unmapped"]
    assert asking.report(hall, "status")()[0]["shared_ids"] == 0
    house.close()


def expected(found: dict[str, Any]) -> None:
    """The figures of the whole load."""
    loinc = {one["table"]: one for one in found["tables"] if one["system"] == "http://loinc.org"}
    assert sum(one["resources"] for one in loinc.values()) == 13_875
    assert {table: one["mapped_resources"] for table, one in loinc.items()} == {
        "measurement": 12_497,
        "observation": 1_185,
        "procedure_occurrence": 1,
    }
    assert [(one["code"], one["rows"]) for one in found["unmapped"] if one["reason"] == "not-standard"] == [
        ("33914-3", 192)
    ]
    rxnorm = next(one for one in found["tables"] if one["system"].endswith("rxnorm"))
    assert (rxnorm["table"], rxnorm["rows"], rxnorm["mapped_rows"]) == ("drug_exposure", 547, 426)
    assert sum(line["resources"] for line in found["balance"] if line["type"] in FOLLOWED) == 21_219
