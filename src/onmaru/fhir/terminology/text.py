"""The text search of expansions: every word of a filter has to begin a word of a concept; one of Hangul may lie inside.

Initial consonants alone (`ㄷㄴㅂ`) are met by the syllables that begin with them. Case and accents do not count. A code
is a text of its concept too. The same rule in two forms: as a test of one text, and as the words of a full-text index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from onmaru.fhir.search.folding import normal

# In the order of the Unicode Hangul syllables, 588 to each
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
# Folding turns the initials that a keyboard gives into those that syllables are made of
_BACK = {0x1100 + place: letter for place, letter in enumerate(_INITIALS)}
_WORD = re.compile(r"[가-힣]+|[ㄱ-ㅎ]+|[^\W_가-힣ㄱ-ㅎ]+")
MOST = 16
"""Words of a filter that are heeded."""


def words(text: str) -> list[str]:
    """The folded words of a text: runs of Hangul, runs of initial consonants, runs of other letters and digits."""
    return _WORD.findall(normal(text).translate(_BACK))


def inside(word: str) -> bool:
    """Whether a word is of Hangul, which may lie inside another."""
    return "ㄱ" <= word[0] <= "ㅎ" or "가" <= word[0] <= "힣"


def initials(word: str) -> str:
    """The initial consonants of a word of Hangul syllables."""
    return "".join(_INITIALS[(ord(letter) - 0xAC00) // 588] for letter in word)


def folded(texts: Iterable[str]) -> str:
    """Texts as one line in which `met` looks: each word after a space, Hangul also by its initials."""
    found: list[str] = []
    for text in texts:
        for word in words(text):
            found.append(word)
            if "가" <= word[0] <= "힣":
                found.append(initials(word))
    return f" {' '.join(found)}"


def met(wanted: list[str], line: str) -> bool:
    """Whether a folded line meets every word of a filter."""
    return all((word if inside(word) else f" {word}") in line for word in wanted[:MOST])


def grams(line: str) -> str:
    """A folded line as the tokens of an index: Hangul in pairs of letters that overlap, its last letter alone."""
    return " ".join(" ".join(_pairs(word)) if inside(word) else word for word in line.split())


def _pairs(word: str) -> list[str]:
    return [word[at : at + 2] for at in range(len(word))]


def matching(wanted: list[str]) -> str:
    """A filter as a query of such an index (FTS5): letters and digits only stand in it, each word in quotes."""
    return " AND ".join(_phrase(word) for word in wanted[:MOST])


def _phrase(word: str) -> str:
    if not inside(word) or len(word) == 1:
        return f'"{word}" *'
    return '"' + " ".join(_pairs(word)[:-1]) + '"'
