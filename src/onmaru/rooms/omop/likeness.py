"""How alike two names are: by letters, and for Hangul by jamo, so that 당뇨벙 is near 당뇨병. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_GAPS = re.compile(r"[^\w]+")


@lru_cache(maxsize=4096)
def _pairs(text: str) -> Counter[str]:
    """Neighbouring letters of every word, Hangul taken apart into jamo (Unicode NFD)."""
    words = _GAPS.sub(" ", unicodedata.normalize("NFD", text.casefold())).split()
    return Counter(f" {word} "[place : place + 2] for word in words for place in range(len(word) + 1))


def likeness(one: str, other: str) -> float:
    """0 to 1: twice the pairs that both have over all pairs (Dice)."""
    left, right = _pairs(one), _pairs(other)
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0
