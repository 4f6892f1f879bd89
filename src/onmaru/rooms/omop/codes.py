"""Keys of codes: one number for an ordered list of codings, the same everywhere, so that a code is mapped once.

The text beside a key tells the derivation what to map: the hint (a domain in which a name may stand for a code, or ""), then
the codings, each as system, code and display.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Any

CODING, PART, KEY, ROW = "\x1e", "\x1f", "\x1c", "\x1d"
_CONTROLS = {ord(mark): " " for mark in (CODING, PART, KEY, ROW)}
LONGEST = 200  # characters of a code or display that are kept


@lru_cache(maxsize=65_536)
def _number(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") & (2**63 - 1)


def _clean(value: Any) -> str:
    return str(value or "").translate(_CONTROLS)[:LONGEST]


class Codes:
    """Collects the keys of one row and their texts."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def key(self, found: Iterable[dict[str, Any]], hint: str = "", text: str = "") -> int | None:
        """The key of codings, or of a text that stands without a code; None for neither."""
        codings = [(_clean(one.get("system")), _clean(one["code"]), _clean(one.get("display"))) for one in found]
        if not codings and text:
            codings = [("", _clean(text), "")]
        if not codings:
            return None
        key = _number(CODING.join([hint, *(f"{system}{PART}{code}" for system, code, _ in codings)]))
        self._texts[key] = CODING.join([hint, *(PART.join(one) for one in codings)])
        return key

    @property
    def texts(self) -> str:
        """Every key with its text."""
        return ROW.join(f"{key}{KEY}{text}" for key, text in self._texts.items())
