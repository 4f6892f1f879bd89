"""Every cell and edge of the shipped scores, written down a second time from the sources, apart from the room's tables."""

from __future__ import annotations

from decimal import Decimal

import pytest

from onmaru.rooms.monitor.reading import Reading, measures
from onmaru.rooms.monitor.score_table import NAMES, score_tables
from onmaru.rooms.monitor.scoring import Asked, Part, Scored, score

NOW = 1_700_000_000_000_000
UNITS = {"oxygen": "", "oxygenation": "mm[Hg]", "pressor": ""}

# (score, given, part, measure, step): value → points, as printed. An edge is each value beside which the points change.
PRINTED: dict[tuple[str, str, str, str, str], list[tuple[str, str, int]]] = {
    ("news2", "", "respiration", "respiratory-rate", "1"): [
        ("0", "8", 3), ("9", "11", 1), ("12", "20", 0), ("21", "24", 2), ("25", "90", 3)],
    ("news2", "scale=1", "saturation", "oxygen-saturation", "1"): [
        ("40", "91", 3), ("92", "93", 2), ("94", "95", 1), ("96", "100", 0)],
    ("news2", "scale=2 oxygen=air", "saturation", "oxygen-saturation", "1"): [
        ("40", "83", 3), ("84", "85", 2), ("86", "87", 1), ("88", "100", 0)],
    ("news2", "scale=2 oxygen=oxygen", "saturation", "oxygen-saturation", "1"): [
        ("40", "83", 3), ("84", "85", 2), ("86", "87", 1), ("88", "92", 0),
        ("93", "94", 1), ("95", "96", 2), ("97", "100", 3)],
    ("news2", "", "systolic", "systolic", "1"): [
        ("20", "90", 3), ("91", "100", 2), ("101", "110", 1), ("111", "219", 0), ("220", "300", 3)],
    ("news2", "", "pulse", "heart-rate", "1"): [
        ("10", "40", 3), ("41", "50", 1), ("51", "90", 0), ("91", "110", 1), ("111", "130", 2), ("131", "250", 3)],
    ("news2", "", "temperature", "temperature", "0.1"): [
        ("30.0", "35.0", 3), ("35.1", "36.0", 1), ("36.1", "38.0", 0), ("38.1", "39.0", 1), ("39.1", "43.0", 2)],
    ("qsofa", "", "respiration", "respiratory-rate", "1"): [("0", "21", 0), ("22", "90", 1)],
    ("qsofa", "", "systolic", "systolic", "1"): [("20", "100", 1), ("101", "300", 0)],
    ("sirs", "", "temperature", "temperature", "0.1"): [("30.0", "35.9", 1), ("36.0", "38.0", 0), ("38.1", "43.0", 1)],
    ("sirs", "", "pulse", "heart-rate", "1"): [("10", "90", 0), ("91", "250", 1)],
    ("sirs", "", "respiration", "respiratory-rate", "1"): [("0", "20", 0), ("21", "90", 1)],
    ("sirs", "", "carbon-dioxide", "carbon-dioxide-pressure", "1"): [("10", "31", 1), ("32", "90", 0)],
    ("sirs", "", "leukocytes", "leukocytes", "0.1"): [("0.1", "3.9", 1), ("4.0", "12.0", 0), ("12.1", "90.0", 1)],
    ("sofa", "support=yes", "respiration", "oxygenation", "0.1"): [
        ("40.0", "99.9", 4), ("100.0", "199.9", 3), ("200.0", "299.9", 2), ("300.0", "399.9", 1), ("400.0", "600.0", 0)],
    ("sofa", "support=no", "respiration", "oxygenation", "0.1"): [
        ("40.0", "299.9", 2), ("300.0", "399.9", 1), ("400.0", "600.0", 0)],
    ("sofa", "", "coagulation", "platelets", "1"): [
        ("1", "19", 4), ("20", "49", 3), ("50", "99", 2), ("100", "149", 1), ("150", "900", 0)],
    ("sofa", "", "liver", "bilirubin", "0.1"): [
        ("0.1", "1.1", 0), ("1.2", "1.9", 1), ("2.0", "5.9", 2), ("6.0", "11.9", 3), ("12.0", "40.0", 4)],
    ("sofa", "pressor=none", "circulation", "mean-pressure", "1"): [("20", "69", 1), ("70", "150", 0)],
    ("sofa", "", "nervous-system", "coma-scale", "1"): [
        ("3", "5", 4), ("6", "9", 3), ("10", "12", 2), ("13", "14", 1), ("15", "15", 0)],
    ("sofa", "", "kidney", "creatinine", "0.1"): [
        ("0.1", "1.1", 0), ("1.2", "1.9", 1), ("2.0", "3.4", 2), ("3.5", "4.9", 3), ("5.0", "15.0", 4)],
}  # fmt: skip
ANSWERS = {
    ("news2", "consciousness", "consciousness"): {"A": 0, "C": 3, "V": 3, "P": 3, "U": 3},
    ("news2", "oxygen", "oxygen"): {"air": 0, "oxygen": 2},
    ("qsofa", "consciousness", "consciousness"): {"A": 0, "C": 1, "V": 1, "P": 1, "U": 1},
}


def taken(name: str, given: str, readings: list[Reading]) -> Scored:
    asked = dict(pair.split("=") for pair in given.split())
    return score(score_tables()[name], readings, Asked(NOW, 60_000_000, asked))


def part(found: Scored, name: str) -> Part:
    return next(one for one in found.parts if one.name == name)


def reading(measure: str, value: str, unit: str | None = None) -> Reading:
    known = measures().get(measure)
    return Reading(measure, value, known.unit if known and unit is None else unit or UNITS.get(measure, ""), NOW, "X/1")


@pytest.mark.parametrize("row", PRINTED, ids=lambda row: " ".join(filter(None, row[:3])))
def test_every_value_between_the_printed_edges_has_the_printed_points(row: tuple[str, str, str, str, str]) -> None:
    name, given, which, measure, step = row
    for low, high, points in PRINTED[row]:
        value = Decimal(low)
        while value <= Decimal(high):
            found = part(taken(name, given, [reading(measure, str(value))]), which)
            assert (found.state, found.points) == ("scored", points), f"{which} {value}"
            value += Decimal(step)


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: " ".join(row[:2]))
def test_every_answer_has_the_printed_points(row: tuple[str, str, str]) -> None:
    name, which, measure = row
    given = {letter: part(taken(name, "", [reading(measure, letter)]), which).points for letter in ANSWERS[row]}
    assert given == ANSWERS[row]


def test_no_row_of_a_verified_table_is_left_out_of_the_second_copy() -> None:
    copied = {(row[0], row[2], row[3]) for row in PRINTED} | set(ANSWERS) | {("sofa", "circulation", "pressor")}
    shipped = {
        (name, item.name, measure)
        for name in NAMES
        if score_tables()[name].verified
        for item in score_tables()[name].items
        for measure in item.measures
    }
    assert shipped == copied


@pytest.mark.parametrize(
    ("measure", "which", "value", "points"),
    [
        ("respiratory-rate", "respiration", "20.4", 0),
        ("respiratory-rate", "respiration", "20.5", 2),
        ("respiratory-rate", "respiration", "8.5", 1),
        ("temperature", "temperature", "35.04", 3),
        ("temperature", "temperature", "35.05", 1),
        ("temperature", "temperature", "38.05", 1),
        ("temperature", "temperature", "38.0499999999999", 0),
        ("temperature", "temperature", "3.61e1", 0),
    ],
)
def test_a_value_is_first_brought_to_the_steps_of_the_table(measure: str, which: str, value: str, points: int) -> None:
    assert part(taken("news2", "scale=1", [reading(measure, value)]), which).points == points


@pytest.mark.parametrize(
    ("measure", "which", "value", "unit", "points"),
    [
        ("temperature", "temperature", "95.0", "[degF]", 3),
        ("temperature", "temperature", "98.6", "degF", None),
        ("temperature", "temperature", "102.4", "°F", 2),
        ("temperature", "temperature", "310", "K", None),
        ("systolic", "systolic", "12.0", "kPa", 3),
        ("oxygen-saturation", "saturation", "0.96", "1", 0),
        ("heart-rate", "pulse", "131", "{beats}/min", 3),
        ("heart-rate", "pulse", "131", "bpm", 3),
        ("heart-rate", "pulse", "131", "mm[Hg]", None),
        ("heart-rate", "pulse", "many", "/min", None),
        ("heart-rate", "pulse", "1e999999", "/min", None),
    ],
)
def test_units_are_converted_exactly_and_a_foreign_one_makes_the_part_unreadable(
    measure: str, which: str, value: str, unit: str, points: int | None
) -> None:
    found = part(taken("news2", "scale=1", [reading(measure, value, unit)]), which)
    assert (found.points, found.state) == (points, "scored" if points is not None else "unreadable")
