"""How operations answer: a Parameters resource, and sentences in Korean or English."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

Language = Literal["ko", "en"]
Part = dict[str, Any]


@cache
def strings(language: Language) -> Mapping[str, str]:
    """Every sentence by its key."""
    text = resources.files("onmaru.fhir.terminology").joinpath(f"strings.{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def said(language: Language, key: str, /, **parts: str) -> str:
    """One sentence."""
    return strings(language)[key].format_map(parts)


def parameters(parts: Iterable[Part]) -> dict[str, Any]:
    """A Parameters resource."""
    return {"resourceType": "Parameters", "parameter": list(parts)}


def coding(system: str, code: str, display: str = "", version: str = "") -> dict[str, str]:
    """A Coding without what it has not."""
    told = {"system": system, "version": version, "code": code, "display": display}
    return {name: text for name, text in told.items() if text}
