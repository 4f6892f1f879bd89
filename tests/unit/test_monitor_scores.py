"""How a score is put together: what is missing, stale, undecided or double, and what it never does: guess."""

from __future__ import annotations

from onmaru.rooms.monitor.reading import Reading, measures
from onmaru.rooms.monitor.score_table import score_tables
from onmaru.rooms.monitor.scoring import Asked, Scored, score, shock_index

NOW, HOUR = 1_700_000_000_000_000, 3_600_000_000
WELL = {
    "respiratory-rate": "16",
    "oxygen-saturation": "98",
    "oxygen-flow": "0",
    "systolic": "120",
    "heart-rate": "70",
    "consciousness": "A",
    "temperature": "36.8",
}


def at(measure: str, value: str, hours: float = 0, unit: str | None = None) -> Reading:
    known = measures()[measure].unit
    return Reading(measure, value, known if unit is None else unit, NOW - int(hours * HOUR), f"Observation/{measure}")


def news2(changed: dict[str, str | None], *more: Reading, scale: str = "1") -> Scored:
    values = {name: value for name, value in (WELL | changed).items() if value is not None}
    readings = [*(at(name, value) for name, value in values.items()), *more]
    return score(score_tables()["news2"], readings, Asked(NOW, 12 * HOUR, {"scale": scale}))


def test_somebody_well_scores_nothing() -> None:
    found = news2({})
    assert (found.total, found.level, found.verified) == (0, "none", True)
    assert [one.state for one in found.parts] == ["scored"] * 7


def test_the_level_follows_the_total_and_a_single_three() -> None:
    assert news2({"heart-rate": "95"}).level == "low"
    assert news2({"heart-rate": "135"}).level == "low-medium"
    assert news2({"heart-rate": "135", "temperature": "39.5"}).level == "medium"
    assert news2({"heart-rate": "135", "temperature": "39.5", "respiratory-rate": "22"}).level == "high"


def test_a_missing_value_leaves_a_range_and_no_total() -> None:
    found = news2({"respiratory-rate": None, "heart-rate": "135"})
    assert (found.total, found.level, found.least, found.most, found.least_level) == (None, None, 3, 6, "low-medium")
    assert next(one for one in found.parts if one.name == "respiration").state == "missing"


def test_a_stale_value_is_shown_and_not_counted() -> None:
    found = news2({"heart-rate": None}, at("heart-rate", "180", 13))
    part = next(one for one in found.parts if one.name == "pulse")
    assert (part.state, part.points, part.value, found.total) == ("stale", None, "180", None)


def test_the_latest_value_counts_and_of_one_instant_the_worse() -> None:
    assert news2({"heart-rate": "70"}, at("heart-rate", "135", 1)).total == 0
    assert news2({"heart-rate": "70"}, at("heart-rate", "135")).total == 3


def test_a_value_of_the_future_is_not_looked_at() -> None:
    assert news2({}, at("heart-rate", "180", -1)).total == 0


def test_the_second_scale_needs_to_know_whether_oxygen_is_given() -> None:
    assert news2({"oxygen-saturation": "98"}, scale="2").total == 0
    assert news2({"oxygen-saturation": "98", "oxygen-flow": "2"}, scale="2").total == 5
    found = news2({"oxygen-saturation": "98", "oxygen-flow": None}, scale="2")
    part = next(one for one in found.parts if one.name == "saturation")
    assert (part.state, part.least, part.most, found.total) == ("open", 0, 3, None)


def test_below_eighty_eight_the_second_scale_is_the_same_with_and_without_oxygen() -> None:
    found = news2({"oxygen-saturation": "85", "oxygen-flow": None}, scale="2")
    assert next(one for one in found.parts if one.name == "saturation").points == 2


def test_oxygen_is_known_by_flow_or_by_fraction() -> None:
    assert news2({"oxygen-flow": None}, at("oxygen-fraction", "21")).total == 0
    assert news2({"oxygen-flow": None}, at("oxygen-fraction", "0.28", unit="1")).total == 2


def test_sofa_takes_the_worst_of_the_day_and_asks_what_the_record_does_not_say() -> None:
    readings = [
        at("platelets", "160", 1), at("platelets", "45", 6), at("bilirubin", "0.8"), at("mean-pressure", "65"),
        at("coma-scale", "15"), at("creatinine", "1.2"), at("oxygen-pressure", "80", 2), at("oxygen-fraction", "50", 3),
    ]  # fmt: skip
    asked = Asked(NOW, 24 * HOUR, {"support": "no", "pressor": "none"})
    found = score(score_tables()["sofa"], readings, asked)
    points = {one.name: one.points for one in found.parts}
    assert points == {
        "respiration": 2, "coagulation": 3, "liver": 0, "circulation": 1, "nervous-system": 0, "kidney": 1,
    }  # fmt: skip
    assert (found.total, found.level) == (7, "dysfunction")
    ventilated = score(score_tables()["sofa"], readings, Asked(NOW, 24 * HOUR, {"support": "yes", "pressor": "middle"}))
    assert ventilated.total == 3 + 3 + 0 + 3 + 0 + 1
    unknown = score(score_tables()["sofa"], readings, Asked(NOW, 24 * HOUR, {}))
    assert (unknown.total, unknown.least, unknown.most) == (None, 7, 11)


def test_either_of_two_criteria_counts_once() -> None:
    readings = [at("temperature", "38.5"), at("heart-rate", "100"), at("leukocytes", "8")]
    asked = Asked(NOW, 12 * HOUR)
    both = score(
        score_tables()["sirs"], [*readings, at("respiratory-rate", "24"), at("carbon-dioxide-pressure", "30")], asked
    )
    one = score(
        score_tables()["sirs"], [*readings, at("respiratory-rate", "18"), at("carbon-dioxide-pressure", "30")], asked
    )
    none = score(score_tables()["sirs"], readings, asked)
    assert (both.total, one.total, none.total, none.least, none.most) == (3, 3, None, 2, 3)


def test_the_shock_index_is_a_ratio_of_fresh_values() -> None:
    asked = Asked(NOW, HOUR)
    assert shock_index([at("heart-rate", "100"), at("systolic", "80")], asked) == "1.25"
    assert shock_index([at("heart-rate", "100"), at("systolic", "0")], asked) is None
    assert shock_index([at("heart-rate", "100", 2), at("systolic", "80")], asked) is None


def test_a_table_that_nobody_checked_says_so() -> None:
    assert [name for name, table in score_tables().items() if not table.verified] == ["mews"]
