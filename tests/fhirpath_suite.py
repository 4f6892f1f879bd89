"""The published FHIRPath test suites (`tests-*.xml`) as cases: expression, input, and what must come of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from onmaru.fhir.fhirpath import Environment, Node, PathError, checked, compiled, read, root, value_of
from onmaru.fhir.fhirpath.values import text
from onmaru.fhir.xml_form import to_json

SEOUL = timezone(timedelta(hours=9))
NOW = datetime(2026, 11, 22, 10, 30, 15, 123_000, tzinfo=SEOUL)


@dataclass(frozen=True)
class Case:
    group: str
    name: str
    expression: str
    invalid: str
    outputs: tuple[tuple[str, str], ...]
    input: str
    strict: bool
    predicate: bool
    ordered: bool


def suites(folder: Path) -> list[Path]:
    """Every suite in the folder, so that a new file is a new set of cases."""
    return sorted(folder.glob("tests-*.xml"))


def cases(suite: Path) -> Iterator[Case]:
    for group in ET.parse(suite).getroot().iter("group"):
        for test in group.iter("test"):
            expression = test.find("expression")
            assert expression is not None
            modes = {test.get("mode"), expression.get("mode")}
            yield Case(
                group.get("name", ""),
                test.get("name", ""),
                expression.text or "",
                expression.get("invalid", ""),
                tuple((output.get("type", ""), output.text or "") for output in test.iter("output")),
                test.get("inputfile", ""),
                "strict" in modes,
                test.get("predicate") == "true",
                test.get("ordered") != "false",
            )


def place(case: Case, folders: list[Path]) -> Path | None:
    """The file that the case is about, of which there may be a form in JSON only."""
    for folder in folders:
        named = folder / case.input
        for file in (named, named.with_suffix(".json")):
            if file.is_file():
                return file
    return None


def context(case: Case, folders: list[Path]) -> list[Node]:
    """The resource that the case is about, none where it is about none."""
    file = place(case, folders) if case.input else None
    return [root(_content(file))] if file is not None else []


@cache
def _content(file: Path) -> Any:
    raw = file.read_bytes()
    return to_json(raw) if file.suffix == ".xml" else read(raw)


def outcome(case: Case, items: list[Node]) -> list[str] | PathError:
    """The texts that the expression gives, or why it gives none."""
    try:
        if case.strict:
            checked(case.expression, items[0].type if items else "")
        found = compiled(case.expression)(items, Environment(now=NOW))
    except PathError as error:
        return error
    if case.predicate:
        return ["true" if found and value_of(found[0]) is not False else "false"]
    return [written(item) for item in found]


def written(item: Any) -> str:
    if isinstance(item, Node):
        return item.data if isinstance(item.data, str) else text(item.value)
    return text(item)


def agrees(case: Case, answer: list[str] | PathError) -> bool:
    if isinstance(answer, PathError) or case.invalid:
        return isinstance(answer, PathError) and bool(case.invalid)
    wanted = [value.removeprefix("@").removeprefix("T") for _, value in case.outputs]
    return answer == wanted if case.ordered else sorted(answer) == sorted(wanted)
