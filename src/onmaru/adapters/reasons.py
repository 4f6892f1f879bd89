"""Why something was not taken, in Korean or English: each reason is a code with parameters, and none holds a value."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

Language = Literal["ko", "en"]
OTHER = "other"
"""The code of a reason that the catalogue does not hold; its only parameter is the text as it was told."""
_PARAMETER = re.compile(r"\{(\w+)\}")
_PLACE = re.compile(r"(?P<where>[A-Za-z][\w.:\[\]()-]*(?: [\w.:\[\]()-]+)?): (?P<text>.+)\Z", re.DOTALL)


class Reason(msgspec.Struct, frozen=True):
    """One problem: its code in `reasons.toml`, the parameters of its words, and the path it is told of ("" for none)."""

    code: str
    params: Mapping[str, str]
    where: str = ""

    def told(self, language: Language) -> str:
        words = _words()[self.code][language].format(**self.params) if self.code != OTHER else self.params["text"]
        return f"{self.where}: {words.rstrip('.')}" if self.where else words.rstrip(".")


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("onmaru.adapters").joinpath("data/reasons.toml").read_text("utf-8"))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    found = []
    for code, words in _words().items():
        parts = _PARAMETER.split(words["en"])
        text = "".join(rf"(?P<{part}>[^;]{{1,200}}?)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        found.append((code, re.compile(text + r"\Z")))
    return tuple(found)


def reasons(text: str) -> list[Reason]:
    """The problems that a door's own words tell of, in order: `text; path: text; …`."""
    return list(_reasons(text.split("; "))) if text else []


def _reasons(parts: list[str]) -> Iterator[Reason]:
    """Words may hold a semicolon themselves, so the longest run of parts that is one reason is one."""
    while parts:
        for end in range(len(parts), 0, -1):
            found = _reason("; ".join(parts[:end]))
            if found is not None or end == 1:
                yield found or Reason(OTHER, {"text": parts[0]})
                parts = parts[end:]
                break


def _reason(text: str) -> Reason | None:
    placed = _PLACE.match(text)
    for code, pattern in _patterns():
        match = pattern.match(text)
        if match:
            return Reason(code, match.groupdict())
        inner = pattern.match(placed["text"]) if placed else None
        if inner and placed:
            return Reason(code, inner.groupdict(), placed["where"])
    return None


def told(text: str, language: Language) -> str:
    """A door's own words in a language."""
    return text if language == "en" else "; ".join(reason.told(language) for reason in reasons(text))
