"""Which group a patient is in, by seven dimensions, as SQL over views of the chart.

Its one law: a value is what the record says. Where it says nothing, or the site has not said how to read it, it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from onmaru.fhir.columnar import read
from onmaru.fhir.outcome import invalid
from onmaru.fhir.views import ViewDefinition, parse
from onmaru.kernel.lake import Lake
from onmaru.kernel.measures import REACHED, viewed

REGIONS = "equity_region"
PEOPLE = "equity_person"
VIEWS = ("person", "stay", "coverage", "condition")
_NUMBERS = re.compile(r"\d{1,4}(?:\.\d{1,3})?(?: +\d{1,4}(?:\.\d{1,3})?)*")
_PLACE = re.compile(r"(-?\d{1,3}(?:\.\d{1,9})?)[ ,]+(-?\d{1,3}(?:\.\d{1,9})?)")
EARTH_KM = 6371.0088  # mean radius, IUGG


class Stratifier(msgspec.Struct, frozen=True):
    """A dimension. `sql`: the group of person p, NULL where it is missing; `why`: it is missing of everybody, and why."""

    name: str
    sql: str
    ordered: bool = False
    why: str = ""


@cache
def view(name: str) -> ViewDefinition:
    """One of this room's views."""
    return parse(read((files(__package__) / "views" / f"{name}.json").read_bytes()))


def tables() -> tuple[str, ...]:
    """The resource tables that the views read."""
    return tuple(dict.fromkeys(view(name).resource for name in VIEWS))


def stratifiers(settings: Mapping[str, Any], regions: bool) -> list[Stratifier]:
    """The seven dimensions by the site's settings. `regions`: whether a table of regions was published."""
    place, codes = str(settings.get("place", "")).strip(), str(settings.get("disability", "")).split()
    none = "CAST(NULL AS VARCHAR)"
    return [
        Stratifier("sex", "CASE WHEN p.gender IN ('male', 'female', 'other') THEN p.gender END"),
        Stratifier("age", _age(_bands(str(settings.get("ages", ""))))),
        Stratifier("insurance", "i.code"),
        Stratifier("deprivation", "r.deprivation" if regions else none, True, "" if regions else "no-table"),
        Stratifier("disability", _disability(codes) if codes else none, False, "" if codes else "no-codes"),
        Stratifier("language", "nullif(lower(split_part(coalesce(p.preferred, p.spoken), '-', 1)), '')"),
        Stratifier("distance", _distance(place, settings) if place else none, True, "" if place else "no-place"),
    ]


def statements(lake: Lake, asked: Sequence[Stratifier]) -> list[str]:
    """SQL that makes PEOPLE: `patient`, `passed` and a column a dimension, a row for each person who counts."""
    made = [viewed(lake, view(name)) for name in VIEWS]
    columns = ", ".join(f"{one.sql} AS {one.name}" for one in asked)
    regions = REGIONS in lake.published()
    join = f"LEFT JOIN {_REGION} r ON r.patient = w.patient" if regions else ""
    people = (
        f"CREATE TABLE {PEOPLE} AS SELECT w.patient, w.passed, {columns} FROM {REACHED} w "  # noqa: S608 - texts of our own
        f"JOIN equity_patient p ON p.patient = w.patient LEFT JOIN {_INSURANCE} i ON i.patient = w.patient {join} "
        "WHERE NOT w.excluded"
    )
    return [*made, people]


# The kind of insurance hangs on the visit (KR Core, krcore-insuranceTypes): the last one said until the year's end, else the
# kind of the Coverage begun last. Codes of KR Core's hira-insurance-types are marked: others' mean other things.
_INSURANCE = """(
    SELECT patient, coalesce(max(visit), max(cover)) AS code FROM (
        SELECT patient, 'hira:' || arg_max(code, began || stay) AS visit, NULL AS cover
        FROM equity_stay WHERE code IS NOT NULL AND began < (SELECT before FROM period) GROUP BY patient
        UNION ALL
        SELECT patient, NULL, arg_max(coalesce('hira:' || hira, code), coalesce(began, '') || coverage)
        FROM equity_coverage
        WHERE coalesce(hira, code) IS NOT NULL AND coalesce(began, '') < (SELECT before FROM period) GROUP BY patient
    ) GROUP BY patient
)"""

# The narrowest of the levels that the site's table has
_REGION = f"""(
    SELECT patient, arg_min(deprivation, level) AS deprivation FROM (
        SELECT p.patient, t.deprivation,
            CASE t.field WHEN 'postalCode' THEN 1 WHEN 'district' THEN 2 WHEN 'city' THEN 3 ELSE 4 END AS level
        FROM equity_patient p JOIN {REGIONS} t ON t.region = CASE t.field WHEN 'postalCode' THEN p.postal
            WHEN 'district' THEN coalesce(p.district, p.road_district) WHEN 'city' THEN p.city WHEN 'state' THEN p.state END
    ) GROUP BY patient
)"""  # noqa: S608 - a name of our own


def _bands(text: str) -> list[str]:
    if not _NUMBERS.fullmatch(text.strip()):
        raise invalid("value", "a band's beginnings are numbers with spaces between", "settings", 422)
    found = text.split()
    if sorted({float(one) for one in found}) != [float(one) for one in found]:
        raise invalid("value", "a band's beginnings rise", "settings", 422)
    return found


def _banded(value: str, bands: Sequence[str], *, whole: bool = False) -> str:
    """Which band from 0 a value is in. `whole`: of whole numbers, where a band is named by the last that it has."""
    edges = ["0", *bands]
    ends = [str(int(float(high)) - 1) for high in bands] if whole else bands
    names = [f"{low}–{end}" for low, end in zip(edges, ends, strict=False)] + [f"{bands[-1]}+"]
    whens = " ".join(f"WHEN {value} < {high} THEN '{name}'" for high, name in zip(bands, names, strict=False))
    return f"CASE WHEN {value} IS NULL OR {value} < 0 THEN NULL {whens} ELSE '{names[-1]}' END"


def _age(bands: Sequence[str]) -> str:
    """The age that is reached in the year: a year of birth is enough for it."""
    return _banded(
        "(CAST((SELECT since FROM period) AS INTEGER) - TRY_CAST(left(p.born, 4) AS INTEGER))", bands, whole=True
    )


def _disability(codes: Sequence[str]) -> str:
    """Whether it is recorded; that nothing is recorded does not say that there is none, and is called so."""
    pairs = []
    for code in codes:
        system, bar, value = code.rpartition("|")
        if not bar or not system or "'" in code or not value:
            raise invalid("value", "codes are written as system|code", "settings.disability", 422)
        pairs.append(f"('{system}', '{value}')")
    there = f"SELECT patient FROM equity_condition WHERE (system, code) IN ({', '.join(pairs)})"  # noqa: S608 - read above
    return f"CASE WHEN w.patient IN ({there}) THEN 'recorded' ELSE 'not-recorded' END"


def _distance(place: str, settings: Mapping[str, Any]) -> str:
    """Great-circle distance of the home's geolocation, by the haversine formula."""
    found = _PLACE.fullmatch(place)
    if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        raise invalid("value", "is written as `latitude longitude`", "settings.place", 422)
    latitude, longitude = "TRY_CAST(p.latitude AS DOUBLE)", "TRY_CAST(p.longitude AS DOUBLE)"
    half = (
        f"(pow(sin(radians({latitude} - {found[1]}) / 2), 2) + cos(radians({found[1]})) * cos(radians({latitude})) "
        f"* pow(sin(radians({longitude} - {found[2]}) / 2), 2))"
    )
    # `least` would take the 1 where the other is NULL
    kilometres = f"(CASE WHEN {half} IS NOT NULL THEN 2 * {EARTH_KM} * asin(sqrt(least(1.0, {half}))) END)"
    return _banded(kilometres, _bands(str(settings.get("distances", ""))))


def ranked(name: str, groups: Sequence[str]) -> list[str]:
    """Groups in the order that they are shown in; of an ordered dimension from the most disadvantaged on."""
    if name in ("age", "distance"):
        return sorted(groups, key=lambda one: float(re.split("[–+]", one)[0]), reverse=name == "distance")
    return sorted(groups)
