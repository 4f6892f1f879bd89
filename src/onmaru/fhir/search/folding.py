"""String normalisation for search: letters compare without case, accents and width; Hangul stays whole."""

from __future__ import annotations

import unicodedata

ACCENT = 200
"""Combining classes from here on are marks placed around a letter; below are vowel signs, nuktas, voicing marks."""


def normal(text: str) -> str:
    """NFKD, case folded, accents removed, runs of white space one space, ends trimmed; Hangul syllables composed."""
    if text.isascii():
        return " ".join(text.casefold().split())
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(c for c in folded if unicodedata.combining(c) < ACCENT)
    return " ".join(unicodedata.normalize("NFC", bare).split())
