"""Fields of identity, diagnosis, drug, dose, result, unit and time reach an element of the standard's, in every corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from onmaru.adapters.hl7v2 import er7, whereabouts
from onmaru.adapters.hl7v2.refused import Refused

HEAD = "MSH|^~\\&|EMR|HOSP|||20260301||{}|1|P|2.5.1\rPID|1||1^^^HOSP^MR||홍^길동||19800101|M\r"


def test_no_vital_field_of_any_corpus_is_lost_or_only_in_an_extension_of_ours(
    shared_data: Callable[[str], Path],
) -> None:
    places: Counter[str] = Counter()
    wrong, seen = [], set[tuple[str, str, int]]()
    # A third of them, which is every kind of message; `onmaru prove 2.vital` takes all
    for file in sorted(shared_data("hl7v2").glob("*/*.hl7"))[::3]:
        for piece in er7.split(file.read_bytes()):
            try:
                message = er7.parse(piece)
            except Refused:
                continue
            for one in whereabouts.trace(message, seen):
                places[one.place] += 1
                if one.place in (whereabouts.EXTENSION, whereabouts.NOWHERE):
                    wrong.append(f"{file.name} {one} {one.place}")
    assert not wrong
    assert places[whereabouts.ELEMENT] > 10 * places[whereabouts.ALIKE]


@pytest.mark.parametrize(
    ("event", "lines", "field", "place"),
    [
        ("ORU^R01", "OBR|1||F1|GLU|||20260301\rOBX|1|NM|GLU||98|mg/dL", "OBX[1]-6", whereabouts.ELEMENT),
        ("ORU^R01", "OBR|1||F1|GLU|||20260301\rOBX|1|ST|GLU||positive|mg/dL", "OBX[1]-6", whereabouts.EXTENSION),
        ("ORU^R01", "OBR|1||F1|GLU|||20260301\rOBX|1|NM|GLU||98||||||F|||20260301", "OBX[1]-14", whereabouts.ALIKE),
    ],
)
def test_the_report_tells_element_extension_and_what_is_said_twice(
    event: str, lines: str, field: str, place: str
) -> None:
    message = er7.parse((HEAD.format(event) + lines).encode())
    assert {str(one): one.place for one in whereabouts.trace(message)}[field] == place


def test_the_report_names_the_element() -> None:
    message = er7.parse((HEAD.format("ORU^R01") + "OBR|1||F1|GLU\rOBX|1|NM|GLU||98|mg/dL").encode())
    found = {str(one): one.paths for one in whereabouts.trace(message)}
    assert found["OBX[1]-6"] == ("Observation.valueQuantity.unit",)
    assert found["PID[1]-8"] == ("Patient.gender",)
