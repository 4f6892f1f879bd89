"""UCUM codes as wards write them. A code that is not in the table is shown as it is; no value is ever converted."""

from __future__ import annotations

from collections.abc import Mapping

# The same table as `shown` in ui/src/words/format.ts; a test holds the two together
SHOWN: Mapping[str, str] = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "[degF]": "°F",
    "{beats}/min": "/min",
    "{breaths}/min": "/min",
    "10*3/uL": "×10³/µL",
    "10*6/uL": "×10⁶/µL",
    "10*9/L": "×10⁹/L",
    "10*12/L": "×10¹²/L",
    "ug": "µg",
    "ug/dL": "µg/dL",
    "ug/mL": "µg/mL",
    "ug/L": "µg/L",
    "uL": "µL",
    "umol/L": "µmol/L",
    "kg/m2": "kg/m²",
    "{score}": "",
    "1": "",
}


def written(value: str, unit: str) -> str:
    """A value and its unit side by side: `38.6 °C`, `97%`."""
    text = SHOWN.get(unit, unit)
    return f"{value}{text}" if text == "%" else f"{value} {text}".strip()
