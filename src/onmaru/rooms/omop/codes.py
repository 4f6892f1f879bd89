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


def _number(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") & (2**63 - 1)


def _short(value: Any) -> str:
    return str(value or "")[:LONGEST]


def _clean(value: str) -> str:
    return value.translate(_CONTROLS)


@lru_cache(maxsize=65_536)
def _keyed(hint: str, codings: tuple[tuple[str, str, str], ...]) -> tuple[int, str]:
    """Key and text of codings: the same few thousand come again in every row."""
    clean = [(_clean(system), _clean(code), _clean(display)) for system, code, display in codings]
    key = _number(CODING.join([hint, *(f"{system}{PART}{code}" for system, code, _ in clean)]))
    return key, CODING.join([hint, *(PART.join(one) for one in clean)])


class Codes:
    """Collects the keys of one row and their texts."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def key(self, found: Iterable[dict[str, Any]], hint: str = "", text: str = "") -> int | None:
        """The key of codings, or of a text that stands without a code; None for neither."""
        codings = [(_short(one.get("system")), _short(one["code"]), _short(one.get("display"))) for one in found]
        if not codings and text:
            codings = [("", _short(text), "")]
        if not codings:
            return None
        key, self._texts[key] = _keyed(hint, tuple(codings))
        return key

    @property
    def texts(self) -> str:
        """Every key with its text."""
        return ROW.join(f"{key}{KEY}{text}" for key, text in self._texts.items())
