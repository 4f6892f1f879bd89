"""How much two descriptions of a person speak for one person: agreements and disagreements weighed by how rare they are.

Its one law: what is close but not equal (a letter, a day and month changed round) counts neither for nor against.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from onmaru.fhir.search import normal

Field = Literal["identifier", "name", "birthDate", "gender", "phone"]
_HANGUL = re.compile("[가-힣]")
_WORD = re.compile(r"\w+")
# Syllables: first consonant × 588 + vowel × 28 + final consonant, from 가 (Unicode, Hangul syllable decomposition)
_FIRST, _PER_INITIAL, _FINALS = 0xAC00, 588, 28
_N, _R, _SILENT = 2, 5, 11
_Y_OR_I = frozenset({2, 3, 6, 7, 12, 17, 20})  # ㅑ ㅒ ㅕ ㅖ ㅛ ㅠ ㅣ


class Weights(msgspec.Struct, frozen=True):
    """`linkage.toml`."""

    m: float
    floor: dict[str, float]
    grade: dict[str, float]


@cache
def weights() -> Weights:
    """The table that ships with the house."""
    text = files("onmaru.fhir").joinpath("linkage.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Weights)


class Person(msgspec.Struct, frozen=True):
    """What of a Patient tells who it is; sets may hold several values, "" is unknown."""

    identifier: frozenset[tuple[str, str]] = frozenset()
    name: frozenset[str] = frozenset()
    birth: str = ""
    gender: str = ""
    phone: frozenset[str] = frozenset()


def person(patient: Mapping[str, Any]) -> Person:
    """Read a Patient's JSON, which need not be valid: what cannot be read is unknown."""
    return Person(
        frozenset(
            (str(one.get("system", "")), _plain(one["value"]))
            for one in _objects(patient.get("identifier"))
            if isinstance(one.get("value"), str) and _plain(one["value"])
        ),
        frozenset(key for one in _objects(patient.get("name")) for key in names(one)),
        str(patient.get("birthDate") or ""),
        str(patient.get("gender") or ""),
        frozenset(
            number
            for one in _objects(patient.get("telecom"))
            if one.get("system") in ("phone", "sms", "fax") and (number := phone(str(one.get("value", ""))))
        ),
    )


def _objects(value: Any) -> Iterable[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _plain(text: str) -> str:
    return "".join(_WORD.findall(normal(text)))


def phone(text: str) -> str:
    """Digits alone, +82 10 as 010; "" for fewer than seven."""
    digits = "".join(letter for letter in normal(text) if letter.isdecimal())
    if digits.startswith("82") and len(digits) > 10:
        digits = "0" + digits[2:].lstrip("0")
    return digits if len(digits) > 6 else ""


def names(name: Mapping[str, Any]) -> set[str]:
    """Keys of a HumanName, equal for one name however it is spaced, ordered, cased or split into parts."""
    given = givens(name)
    family = str(name.get("family") or "")
    found = {key(" ".join([family, *given]), family)} if family or given else set()
    if name.get("text"):
        found.add(key(str(name["text"]), ""))
    return found - {""}


def givens(name: Mapping[str, Any]) -> list[str]:
    """The given names of a HumanName, none where there is no list of them."""
    listed = name.get("given")
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def key(text: str, family: str) -> str:
    """Hangul: the syllables joined, family name first; other scripts: the words in the order of the alphabet."""
    words = _WORD.findall(normal(text))
    if not _HANGUL.search("".join(words)):
        return " ".join(sorted(words))
    if not family and len(words) == 2 and len(words[0]) > len(words[1]):
        words.reverse()  # a given name before a shorter family name
    joined = "".join(words)
    return _initial(joined[:1]) + joined[1:]


def _initial(syllable: str) -> str:
    """A family name as one, whether it is written with the sound it had or has (류 and 유, 리 and 이, 라 and 나).

    한글 맞춤법 제10항-제12항 (the initial sound law), from which a family name's holder may depart.
    """
    code = ord(syllable or "-") - _FIRST
    if not 0 <= code < 19 * _PER_INITIAL:
        return syllable
    first, rest = divmod(code, _PER_INITIAL)
    softened = rest // _FINALS in _Y_OR_I
    if first == _R or (first == _N and softened):
        first = _SILENT if softened else _N
    return chr(_FIRST + first * _PER_INITIAL + rest)


def compared(asked: Person, found: Person) -> dict[Field, bool]:
    """By field, whether two agree (True) or contradict each other (False); a field that says nothing is left out."""
    said: dict[Field, bool | None] = {
        "identifier": _numbers(asked.identifier, found.identifier),
        "name": _named(asked.name, found.name),
        "birthDate": _born(asked.birth, found.birth),
        "gender": _gender(asked.gender, found.gender),
        # People change their number: another one says nothing
        "phone": True if asked.phone & found.phone else None,
    }
    return {field: agrees for field, agrees in said.items() if agrees is not None}


def _numbers(asked: frozenset[tuple[str, str]], found: frozenset[tuple[str, str]]) -> bool | None:
    """Numbers of one system contradict each other, those of two say nothing; a number without a system meets any."""
    if any(
        value == other and (not system or not named or system == named)
        for system, value in asked
        for named, other in found
    ):
        return True
    return False if {system for system, _ in asked if system} & {system for system, _ in found} else None


def _named(asked: frozenset[str], found: frozenset[str]) -> bool | None:
    if not asked or not found or asked & found:
        return True if asked & found else None
    if not any(_hangul(one) == _hangul(other) for one in asked for other in found):
        return None  # 김민수 and Kim Minsu: one script says nothing about a name in the other
    return None if any(_near(one, other) for one in asked for other in found) else False


def _hangul(text: str) -> bool:
    return bool(_HANGUL.search(text))


def _born(asked: str, found: str) -> bool | None:
    if not asked or not found:
        return None
    if asked == found:
        return True if len(asked) == 10 else None
    if asked.startswith(found) or found.startswith(asked):
        return None
    turned = asked[:4] == found[:4] and asked[5:7] == found[8:10] and asked[8:10] == found[5:7]
    return None if turned or _near(asked, found) else False


def _gender(asked: str, found: str) -> bool | None:
    known = {"male", "female"}
    return asked == found if asked in known and found in known else None


def _near(one: str, other: str) -> bool:
    """Whether one letter is changed, missing, too many or stands one place off; short texts are never near."""
    if abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < 3 or max(len(one), len(other)) > 200:
        return False
    first = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    left, right = one[first:], other[first:]
    swapped = left[:2] == right[:2][::-1] and left[2:] == right[2:]
    return left[1:] == right[1:] or left[1:] == right or left == right[1:] or swapped


def chance(
    said: Mapping[Field, bool], u: Callable[[Field], float], people: int, m: Mapping[str, float] = MappingProxyType({})
) -> float:
    """That a record is the one asked about, among `people` records of whom one is expected to be; `u` by field, `m` by
    field where it is known better than by default.
    """
    table = weights()
    odds = 1 / max(people, 2)
    for field, agrees in said.items():
        rare = min(max(u(field), table.floor[field]), 0.99)
        same = m.get(field, table.m)
        odds *= same / rare if agrees else (1 - same) / (1 - rare)
    return odds / (1 + odds)


def grade(likely: float, said: Mapping[Field, bool]) -> str:
    """R4's match-grade. Certain is never what contradicts itself, nor what fewer than two fields speak for, nor what neither
    number nor name speaks for: twins share their birth and their parents' telephone.
    """
    table = weights().grade
    named = said.get("identifier", False) or said.get("name", False)
    if likely >= table["certain"] and all(said.values()) and len(said) > 1 and named:
        return "certain"
    if likely >= table["probable"]:
        return "probable"
    return "possible" if likely >= table["possible"] else "certainly-not"
