"""What the structure decoder says in English, said in Korean; a text that the table does not have stays as it is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from onmaru.fhir.outcome import Issue

_PLACE = re.compile(r"\{([a-z]+)\}")
Table = list[tuple[re.Pattern[str], str]]


@cache
def _tables() -> tuple[Table, Table]:
    text = resources.files("onmaru.fhir.profiles").joinpath("structure.ko.toml").read_text("utf-8")
    told = tomllib.loads(text)
    return _compiled(told["texts"]), _compiled(told["reasons"])


def _compiled(table: Mapping[str, str]) -> Table:
    """Each template as the pattern of the texts it makes, those with more words of their own first."""
    found = []
    for english, korean in sorted(table.items(), key=lambda pair: -len(_PLACE.sub("", pair[0]))):
        parts = _PLACE.split(english)
        pattern = "".join(f"(?P<{one}>.+?)" if index % 2 else re.escape(one) for index, one in enumerate(parts))
        found.append((re.compile(pattern), korean))
    return found


def korean(issue: Issue) -> Issue:
    """The issue with its text in Korean."""
    texts, reasons = _tables()
    for pattern, said in texts:
        match = pattern.fullmatch(issue.text)
        if match is not None:
            parts = match.groupdict()
            if "reason" in parts:
                parts["reason"] = _reason(parts["reason"], reasons)
            return msgspec.structs.replace(issue, text=said.format_map(parts))
    return issue


def _reason(text: str, reasons: Table) -> str:
    for pattern, said in reasons:
        match = pattern.fullmatch(text)
        if match is not None:
            return said.format_map(match.groupdict())
    return text
