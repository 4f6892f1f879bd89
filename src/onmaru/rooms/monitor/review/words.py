"""The room's own words for what it writes itself, from strings.ko.toml and strings.en.toml; both hold the same keys."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def strings(language: str) -> Mapping[str, str]:
    """Flat `key: text` of one language."""
    text = (files("onmaru.rooms.monitor") / f"strings.{language}.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(text), ""))


def _flat(table: Mapping[str, Any], before: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        found += _flat(value, f"{before}{key}.") if isinstance(value, dict) else [(f"{before}{key}", str(value))]
    return found


def word(language: str, key: str, **parts: object) -> str:
    """One text with its `{parts}` filled in; what has no text is shown by its last name."""
    known = strings(language)
    return known[key].format(**parts) if key in known else key.rpartition(".")[2]
