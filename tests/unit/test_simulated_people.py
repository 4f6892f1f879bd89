"""People of the simulated town: plausible, and with no identifier that could belong to anybody."""

from __future__ import annotations

import datetime
import re
from collections import Counter

import msgspec
import pytest
from tests.unit.simulated import Read, v2

from onmaru.simulate import NO_FAULTS, Settings, hospital
from onmaru.simulate.names import GENERATIONS, SURNAMES, romanised
from onmaru.simulate.people import Wanted, person
from onmaru.simulate.settings import EARLY, WARDS
from onmaru.simulate.staff import Roster

# Forms in which a real one could stand: 13 digits with or without hyphen, 11-digit mobile numbers, 13-digit drug codes.
REAL = {
    "resident or alien registration number": re.compile(r"(?<![\d.])\d{6}-\d{7}(?!\d)"),
    "thirteen digits": re.compile(r"(?<![\d.])\d{13}(?![\d.])"),
    "mobile number": re.compile(r"(?<![\d.])01[016789]-(?!0000-)\d{3,4}-\d{4}(?!\d)"),
    "mobile number without hyphens": re.compile(r"(?<![\d.A-Z])01[016789]\d{7,8}(?![\d.])"),
    "land line": re.compile(r"(?<![\d.-])0(?:2|[3-6]\d)-\d{3,4}-\d{4}(?!\d)"),
    "drug claim code": re.compile(r"(?<![\d.A-Z])[0-9]{9}(?![\d.])"),
    "e-mail address": re.compile(r"[\w.]+@\w+\.\w+"),
}
NAMES_OF_RESOURCES = re.compile(r"urn:uuid:[0-9a-f-]{36}")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    run = hospital(8, 7.0, patients=30, settings=Settings(vitals_seconds=600))
    whole = [event.payload.decode("euc_kr" if b"|KS X 1001|" in event.payload else "utf-8", "replace") for event in run]
    return [NAMES_OF_RESOURCES.sub("", text) for text in whole]


@pytest.mark.parametrize("form", REAL)
def test_nothing_sent_has_the_form_of_a_real_identifier(texts: list[str], form: str) -> None:
    for text in texts:
        assert not REAL[form].search(text)


def test_every_number_of_a_person_shows_that_it_is_simulated() -> None:
    seen = 0
    for event in v2(hospital(8, 7.0, patients=30, settings=Settings(faults=NO_FAULTS))):
        message = Read(event.payload)
        mrn, resident = (one.split("^")[0] for one in message.one("PID", 3).split("~"))
        assert mrn.startswith("SIM-")
        assert re.fullmatch(r"\d{6}-S\d{6}", resident)
        assert message.one("PID", 13).startswith("010-0000-")
        seen += 1
    assert seen > 500


def test_licence_and_hospital_numbers_carry_letters(texts: list[str]) -> None:
    masters = "".join(
        text for text in texts if '"PractitionerRole"' in text or '"Practitioner"' in text or '"Organization"' in text
    )
    licences = re.findall(r'mohw-md-license-id","value":"([^"]*)"', masters)
    hospitals = re.findall(r'hira-krnpi","value":"([^"]*)"', masters)
    assert licences
    assert hospitals
    assert all(number.startswith("SIM") for number in licences + hospitals)


def test_the_detectors_find_what_they_look_for() -> None:
    samples = {
        "resident or alien registration number": "|900101-1234567|",
        "thirteen digits": "9001011234567",
        "mobile number": "010-1234-5678",
        "mobile number without hyphens": "^01012345678^",
        "land line": "02-123-4567",
        "drug claim code": "^653400910^",
        "e-mail address": "a.b@example.com",
    }
    assert {form for form, text in samples.items() if REAL[form].search(text)} == set(REAL)


def test_a_person_depends_on_seed_and_number_alone() -> None:
    wanted = Wanted(1940, 1980)
    assert person(1, 5, wanted) == person(1, 5, wanted)
    assert person(1, 5, wanted) != person(2, 5, wanted)
    assert person(1, 5, wanted) != msgspec.structs.replace(person(1, 6, wanted), n=5)


def test_surnames_come_as_often_as_in_the_census() -> None:
    people = Counter(person(1, n, Wanted(1940, 2000)).family for n in range(3000))
    total = sum(weight for _, _, weight in SURNAMES)
    assert abs(people["김"] / 3000 - 21.5 / total) < 0.03
    assert people["김"] > people["이"] > people["박"] > people["최"]


def test_given_names_belong_to_the_generation() -> None:
    old, young = (" ".join((men, women)).split() for _, men, women in (GENERATIONS[0], GENERATIONS[-1]))
    assert person(3, 1, Wanted(1935, 1945)).given in old
    assert person(3, 1, Wanted(1995, 2005)).given in young


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [("민준", "Minjun"), ("영숙", "Yeongsuk"), ("혜진", "Hyejin"), ("은지", "Eunji"), ("금자", "Geumja")],
)
def test_names_are_romanised_by_the_national_rule(hangul: str, latin: str) -> None:
    assert romanised(hangul) == latin


@pytest.mark.parametrize(
    ("ward", "time", "shift"),
    [
        ("71W", "06:59", "N"),
        ("71W", "07:00", "D"),
        ("71W", "15:00", "E"),
        ("71W", "23:00", "N"),
        ("62W", "06:30", "D"),
        ("62W", "14:30", "E"),
    ],
)
def test_shifts_begin_when_the_ward_says(ward: str, time: str, shift: str) -> None:
    roster = Roster(1, WARDS)
    assert roster.shift(ward, datetime.datetime.fromisoformat(f"2026-03-02T{time}:00+09:00")).code == shift


def test_a_night_nurse_stays_on_duty_past_midnight() -> None:
    roster = Roster(1, WARDS)
    evening, morning = (
        datetime.datetime.fromisoformat(text) for text in ("2026-03-02T23:30:00+09:00", "2026-03-03T05:00:00+09:00")
    )
    assert roster.nurse("71W", evening) == roster.nurse("71W", morning)
    assert roster.nurse("62W", evening).unit == "62W"
    assert EARLY[0].start == 390
