"""Names of people: what is shown, what makes two people namesakes, what a search by syllables or initials meets."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_USES = {"official": 0, "usual": 1, "": 2, "temp": 3, "nickname": 4, "anonymous": 5, "old": 6, "maiden": 7}
_HANGUL = re.compile("[가-힣]")
_FIRST, _LAST, _FINALS, _PER_INITIAL = 0xAC00, 0xD7A3, 28, 588


def shown(name: dict[str, Any]) -> str:
    """A HumanName as people read it: its text, else family and given in the order of its script."""
    if name.get("text"):
        return str(name["text"]).strip()
    given = " ".join(name.get("given") or [])
    family = name.get("family") or ""
    if _HANGUL.search(family + given):
        return f"{family}{given.replace(' ', '')}"
    whole = " ".join(part for part in (*(name.get("prefix") or []), given, family, *(name.get("suffix") or [])) if part)
    return whole.strip()


def ordered(names: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Names with words, the one to show first: official, usual, then the rest; names no longer in use last."""
    worded = [name for name in names if shown(name)]
    return sorted(worded, key=lambda name: ("end" in (name.get("period") or {}), _USES.get(name.get("use") or "", 2)))


def key(name: dict[str, Any]) -> str:
    """Equal for namesakes: accents, case, spaces and word order do not count; titles are left out."""
    parts = [name.get("family") or "", *(name.get("given") or [])]
    return plain_key(" ".join(part for part in parts if part) or shown(name))


def plain_key(text: str) -> str:
    """The key of a name written as one text. Hangul keeps its order, other scripts are sorted by word."""
    folded = fold(text)
    words = re.findall(r"\w+", folded)
    return "".join(words) if _HANGUL.search(folded) else " ".join(sorted(words))


def fold(text: str) -> str:
    """Case, accents and widths removed; Hangul syllables stay composed and single consonants stay single."""
    apart = "".join(char if char in INITIALS else unicodedata.normalize("NFKD", char) for char in text)
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", bare).casefold()


def encode(text: str) -> str:
    """Three characters for each: initial consonant, syllable without its final, syllable; others three times themselves."""
    return "".join(_triple(char) for char in fold(text) if not char.isspace())


def _triple(char: str) -> str:
    code = ord(char)
    if not _FIRST <= code <= _LAST:
        return char * 3
    place = code - _FIRST
    return INITIALS[place // _PER_INITIAL] + chr(code - place % _FINALS) + char


def pattern(query: str) -> str:
    r"""The LIKE pattern (escape `\`) that finds `query` in what `encode` made: 김ㅊㅅ, ㄱㅊ, 김처 and kim all work.

    A lone initial meets its syllables; a last syllable without final consonant meets all that begin with it.
    """
    chars = [char for char in fold(query) if not char.isspace()]
    return "%" + "".join(_pattern(char, last=n == len(chars) - 1) for n, char in enumerate(chars)) + "%"


def _pattern(char: str, *, last: bool) -> str:
    escaped = "\\" + char if char in "%_\\" else char
    if char in INITIALS:
        return escaped + "__"
    open_syllable = _FIRST <= ord(char) <= _LAST and (ord(char) - _FIRST) % _FINALS == 0
    return f"_{escaped}_" if last and open_syllable else f"__{escaped}"
