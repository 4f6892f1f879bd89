"""Units on paper and on the screen are the same, and are those that wards write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onmaru.rooms.journey.detail import dosage
from onmaru.rooms.journey.units import SHOWN, written

FORMAT = Path(__file__).resolve().parents[2] / "ui" / "src" / "words" / "format.ts"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("38.6", "Cel", "38.6 °C"),
        ("120/80", "mm[Hg]", "120/80 mmHg"),
        ("97", "%", "97%"),
        ("3", "{score}", "3"),
        ("72.50", "mmol/L", "72.50 mmol/L"),
        ("yes", "", "yes"),
    ],
)
def test_a_unit_is_written_as_on_the_ward(value: str, unit: str, text: str) -> None:
    assert written(value, unit) == text


def test_paper_and_screen_write_the_same_units() -> None:
    table = FORMAT.read_text("utf-8").split("const shown = new Map([", 1)[1].split("]);", 1)[0]
    assert dict(re.findall(r"\['([^']*)', '([^']*)'\]", table)) == SHOWN


def test_a_dose_that_was_asked_for_and_given_alike_is_said_once() -> None:
    two = [{"doseQuantity": {"value": 4.5, "unit": "g"}}, {"doseQuantity": {"value": 4.5, "unit": "g"}}]
    assert dosage({"doseAndRate": two}).count("4.5 g") == 1
    assert dosage({"doseAndRate": [*two, {"doseQuantity": {"value": 2, "unit": "g"}}]}) == "4.5 g 2 g"


def test_the_rate_of_an_infusion_and_what_is_taken_only_when_needed_are_said() -> None:
    rate = {"rateRatio": {"numerator": {"value": 100, "unit": "mL"}, "denominator": {"value": 1, "unit": "h"}}}
    assert dosage({"doseAndRate": [{"doseQuantity": {"value": 500, "unit": "mL"}, **rate}]}) == "500 mL 100 mL / 1 h"
    assert dosage({"dose": {"value": 5, "unit": "mg"}, "rateQuantity": {"value": 0.1, "unit": "mg/min"}}) == (
        "5 mg 0.1 mg/min"
    )
    range_ = {"low": {"value": 1, "unit": "tab"}, "high": {"value": 2, "unit": "tab"}}
    most = {"numerator": {"value": 4, "unit": "g"}, "denominator": {"value": 24, "unit": "h"}}
    needed = {"doseAndRate": [{"doseRange": range_}], "asNeededBoolean": True, "maxDosePerPeriod": most}
    assert dosage(needed) == "1–2 tab prn (≤ 4 g / 24 h)"
    assert dosage({"asNeededCodeableConcept": {"text": "통증"}}) == "prn 통증"
