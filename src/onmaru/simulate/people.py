"""A person of the simulated town, made from the seed and a number alone: no other person changes who this one is.

Nothing here can belong to anybody: the MRN starts with SIM, the middle block of the telephone number is 0000, the
resident number has a letter where the law asks for thirteen digits (주민등록법 시행규칙 제2조), building numbers start at
9000 and the postal code is 00000.
"""

from __future__ import annotations

import datetime
from random import Random
from typing import Final

import msgspec

from onmaru.simulate.names import FOR_BOTH, given_name, romanised, surname

# 시·도, 시·군·구, road, 법정동. Real roads as in the order of 도로명주소법 시행령 제6조; the building numbers are invented.
ROADS: Final = (
    ("서울특별시", "강남구", "일원로", "일원동"),
    ("서울특별시", "송파구", "올림픽로", "방이동"),
    ("서울특별시", "마포구", "월드컵로", "망원동"),
    ("서울특별시", "종로구", "종로", "종로1가"),
    ("부산광역시", "해운대구", "센텀중앙로", "우동"),
    ("대구광역시", "수성구", "달구벌대로", "범어동"),
    ("인천광역시", "연수구", "송도과학로", "송도동"),
    ("대전광역시", "유성구", "대학로", "어은동"),
    ("경기도", "성남시 분당구", "판교로", "삼평동"),
    ("경기도", "수원시 영통구", "광교로", "이의동"),
    ("강원특별자치도", "춘천시", "중앙로", "중앙로1가"),
    ("제주특별자치도", "제주시", "연북로", "연동"),
)
ALLERGIES: Final = (
    ("SA001", "페니실린", "Penicillin", "DA", "발진"),
    ("SA002", "요오드 조영제", "Iodinated contrast medium", "DA", "두드러기"),
    ("SA003", "땅콩", "Peanut", "FA", "구순 부종"),
)


class Allergy(msgspec.Struct, frozen=True):
    """`kind` of HL7 table 0127: DA drug, FA food."""

    code: str
    ko: str
    en: str
    kind: str
    reaction: str


class Address(msgspec.Struct, frozen=True):
    province: str
    district: str
    road: str
    building: str
    detail: str
    dong: str


class Person(msgspec.Struct, frozen=True):
    """`second_mrn` is the number of a registration made twice by mistake ("": made once). `sex` is M or F."""

    n: int
    mrn: str
    family: str
    given: str
    family_latin: str
    given_latin: str
    sex: str
    born: datetime.date
    resident: str
    phone: str
    address: Address
    allergies: tuple[Allergy, ...]
    second_mrn: str = ""

    @property
    def name(self) -> str:
        return self.family + self.given


class Wanted(msgspec.Struct, frozen=True):
    """What a course of illness asks of its patient: years of birth, sex ("" either) and whether the name suits both."""

    oldest: int
    youngest: int
    sex: str = ""
    registered_twice: bool = False


def person(seed: int, n: int, wanted: Wanted, namesake_of: Person | None = None) -> Person:
    """Person number `n`. A namesake takes the other's name, the other sex and another birth date."""
    rng = Random(f"{seed}/person/{n}")
    sex = wanted.sex or rng.choice("MF")
    year = rng.randint(wanted.oldest, wanted.youngest)
    born = datetime.date(year, rng.randint(1, 12), rng.randint(1, 28))
    (family, latin), given = surname(rng), given_name(rng, sex, year)
    if namesake_of is not None:
        family, latin, given = namesake_of.family, namesake_of.family_latin, namesake_of.given
        sex = "F" if namesake_of.sex == "M" else "M"
        born = born.replace(day=born.day % 28 + 1) if born == namesake_of.born else born
    return Person(
        n=n,
        mrn=f"SIM-{n:08d}",
        family=family,
        given=given,
        family_latin=latin,
        given_latin=romanised(given),
        sex=sex,
        born=born,
        resident=f"{born:%y%m%d}-S{n % 1_000_000:06d}",
        phone=f"010-0000-{rng.randint(0, 9999):04d}",
        address=_address(rng),
        allergies=tuple(Allergy(*one) for one in ALLERGIES if rng.random() < 0.06),
        second_mrn=f"SIM-9{n:07d}" if wanted.registered_twice else "",
    )


def first_of_two(seed: int, n: int, wanted: Wanted) -> Person:
    """A person whose given name suits both sexes, so that a namesake of the other sex is plausible."""
    one = person(seed, n, wanted)
    given = Random(f"{seed}/namesake/{n}").choice(FOR_BOTH)
    return msgspec.structs.replace(one, given=given, given_latin=romanised(given))


def _address(rng: Random) -> Address:
    province, district, road, dong = rng.choice(ROADS)
    detail = f"{rng.randint(101, 120)}동 {rng.randint(1, 20)}{rng.randint(1, 6):02d}호"
    return Address(province, district, road, str(rng.randint(9000, 9999)), detail, dong)
