"""Korean names by generation, with their romanised form. Illustrative data: no list of real people lies behind it.

The ten commonest surnames carry their share of the 2015 census (Statistics Korea, press release of 7 September 2016);
the others, and all given names, are plausible choices with weights of our own.
"""

from __future__ import annotations

from random import Random
from typing import Final

SURNAMES: Final = (
    ("김", "Kim", 21.5),
    ("이", "Lee", 14.7),
    ("박", "Park", 8.4),
    ("최", "Choi", 4.7),
    ("정", "Jung", 4.3),
    ("강", "Kang", 2.4),
    ("조", "Cho", 2.1),
    ("윤", "Yoon", 2.1),
    ("장", "Jang", 2.0),
    ("임", "Lim", 1.7),
    ("한", "Han", 1.5),
    ("오", "Oh", 1.5),
    ("서", "Seo", 1.5),
    ("신", "Shin", 1.5),
    ("권", "Kwon", 1.4),
    ("황", "Hwang", 1.4),
    ("안", "Ahn", 1.4),
    ("송", "Song", 1.4),
    ("류", "Ryu", 1.3),
    ("홍", "Hong", 1.1),
)
_WEIGHTS: Final = [weight for _, _, weight in SURNAMES]

# The last year of birth of a generation, then its given names for men and for women.
GENERATIONS: Final = (
    (1949, "영수 영호 영철 정웅 광수 종수 상철 병호 덕수 기환", "영자 정자 순자 춘자 옥순 정순 영숙 복순 금자 말례"),
    (1969, "성수 경수 상훈 정호 영진 동수 재호 용석 창호 기영", "미숙 경숙 정숙 미경 현숙 은숙 명희 혜경 경희 영미"),
    (1989, "성호 정훈 동현 상현 성민 준호 민수 재영 태훈 진우", "은주 지영 은영 미영 지은 은정 수진 현정 선영 혜진"),
    (9999, "민준 지훈 준영 민재 승현 도현 건우 우진 시우 재윤", "유진 수빈 민지 예진 서연 은지 하은 채원 다은 서윤"),
)
FOR_BOTH: Final = ("지원", "정민", "현진", "은수", "지우", "승민")

_INITIALS: Final = ["g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h"]
_VOWELS: Final = [
    "a",
    "ae",
    "ya",
    "yae",
    "eo",
    "e",
    "yeo",
    "ye",
    "o",
    "wa",
    "wae",
    "oe",
    "yo",
    "u",
    "wo",
    "we",
    "wi",
    "yu",
    "eu",
    "ui",
    "i",
]
_FINALS: Final = [
    "",
    "k",
    "k",
    "k",
    "n",
    "n",
    "n",
    "t",
    "l",
    "k",
    "m",
    "p",
    "l",
    "l",
    "p",
    "l",
    "m",
    "p",
    "p",
    "t",
    "t",
    "ng",
    "t",
    "t",
    "k",
    "t",
    "p",
    "t",
]


def romanised(text: str) -> str:
    """Revised Romanization (국립국어원), each syllable by itself as personal names are written: 민준 → Minjun."""
    out = []
    for letter in text:
        initial, rest = divmod(ord(letter) - 0xAC00, 588)
        vowel, final = divmod(rest, 28)
        out.append(_INITIALS[initial] + _VOWELS[vowel] + _FINALS[final])
    return "".join(out).capitalize()


def surname(rng: Random) -> tuple[str, str]:
    """A surname in Hangul and as it is usually written in Latin letters."""
    hangul, latin, _ = rng.choices(SURNAMES, _WEIGHTS)[0]
    return hangul, latin


def given_name(rng: Random, sex: str, year: int) -> str:
    """A given name usual for one sex ("M" or "F") and year of birth."""
    for last, men, women in GENERATIONS:
        if year <= last:
            return rng.choice((men if sex == "M" else women).split())
    raise ValueError("no generation")
