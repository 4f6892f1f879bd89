"""The dimensions of equity as SQL: bands, distances and what a site may say of them."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.rooms.equity.stratifiers import ranked, stratifiers

SITE = {"ages": "18 40 65", "distances": "320 330", "place": "37.5665 126.9780", "disability": "urn:x|1"}


def value(name: str, person: str) -> Any:
    """The group of a person with these columns, in 2025."""
    sql = next(one.sql for one in stratifiers(SITE, regions=False) if one.name == name)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE period AS SELECT '2025' AS since, '2026' AS before")
        found = connection.execute(f"SELECT {sql} FROM (SELECT {person}) p").fetchone()
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("born", "band"),
    [("'2008-12-31'", "0–17"), ("'2007'", "18–39"), ("'1960-06'", "65+"), ("'2026-01-01'", None), ("NULL", None)],
)
def test_age_is_what_is_reached_in_the_year(born: str, band: str | None) -> None:
    assert value("age", f"{born} AS born") == band


@pytest.mark.parametrize(
    ("where", "band"),
    [
        # Seoul to Busan: 325 km on the great circle
        ("'35.1796' AS latitude, '129.0756' AS longitude", "320–330"),
        ("'37.5665' AS latitude, '126.9780' AS longitude", "0–320"),
        ("'-33.9' AS latitude, '151.2' AS longitude", "330+"),
        ("CAST(NULL AS VARCHAR) AS latitude, '129' AS longitude", None),
        ("'far' AS latitude, '129' AS longitude", None),
    ],
)
def test_distance_is_that_of_the_great_circle(where: str, band: str | None) -> None:
    assert value("distance", where) == band


def test_language_is_the_preferred_one_without_its_region() -> None:
    assert value("language", "'KO-kr' AS preferred, 'en' AS spoken") == "ko"
    assert value("language", "NULL AS preferred, '' AS spoken") is None


def test_ordered_groups_go_from_the_most_disadvantaged_on() -> None:
    assert ranked("distance", ["0–5", "50+", "5–20"]) == ["50+", "5–20", "0–5"]
    assert ranked("age", ["65+", "0–17", "18–39"]) == ["0–17", "18–39", "65+"]
    assert ranked("deprivation", ["5", "1"]) == ["1", "5"]


@pytest.mark.parametrize(
    "wrong",
    [{"ages": "40 18"}, {"ages": "x"}, {"ages": ""}, {"place": "200 1"}, {"place": "here"}, {"disability": "1"},
     {"disability": "urn:'x|1"}],
)  # fmt: skip
def test_a_setting_that_says_nothing_usable_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        stratifiers({**SITE, **wrong}, regions=False)
