"""Checks a Circe cohort expression before anything is made of it: every fault at once, each with its place.

Its one law: what is not understood is refused. A criterion that is passed over would let persons in that it keeps out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from onmaru.fhir.outcome import Invalid, Issue

Members = Mapping[str, str]
DEEPEST, MOST = 30, 200
ABSENT = "asks for what CDM 5.4 does not have, or what Circe passes over"
_INT, _NUMBER = 2**31, (int, float)


@cache
def _grammar() -> Mapping[str, Any]:
    return tomllib.loads((files(__package__) / "data" / "circe.toml").read_text("utf-8"))


@cache
def criteria() -> Mapping[str, Members]:
    """Criteria type → member → kind, as data/circe.toml lists them."""
    every = _grammar()["every"]
    told = {name: dict(one.split(":", 1) for one in text.split()) for name, text in _grammar()["criteria"].items()}
    return {name: {**members, **every} for name, members in told.items()}


def absent(name: str, member: str) -> bool:
    """Whether a criteria's member is refused; `*`: the whole criteria."""
    return member in _grammar()["absent"].get(name, "").split()


@cache
def objects() -> Mapping[str, Members]:
    """Every other object: name → member → kind."""
    found: Mapping[str, Members] = _grammar()["object"]
    return found


def checked(value: Any) -> dict[str, Any]:
    """The expression itself; `Invalid` 422 with every fault, at most MOST.

    What ATLAS wraps around it (`{"name": …, "expression": {…}}`) is taken off, and lists that are left out are empty.
    """
    if isinstance(value, dict) and isinstance(value.get("expression"), dict) and "PrimaryCriteria" not in value:
        value = value["expression"]
    issues: list[Issue] = []
    for issue in _Walk(_codesets(value)).faults(value, "CohortExpression", "", 0):
        issues.append(issue)
        if len(issues) >= MOST:
            break
    if issues:
        raise Invalid(issues, 422)
    whole: dict[str, Any] = _filled(value, "CohortExpression")
    return whole


def _codesets(value: Any) -> frozenset[Any]:
    sets = value.get("ConceptSets") if isinstance(value, dict) else None
    listed = sets if isinstance(sets, list) else ()
    return frozenset(one["id"] for one in listed if isinstance(one, dict) and isinstance(one.get("id"), int))


class _Walk:
    def __init__(self, codesets: frozenset[Any]) -> None:
        self._codesets = codesets

    def faults(self, value: Any, kind: str, path: str, depth: int) -> Iterator[Issue]:
        """What is wrong with a value of a kind."""
        if depth > DEEPEST:
            yield Issue("too-costly", f"is nested more than {DEEPEST} deep", path)
        elif kind.startswith("["):
            yield from self._list(value, kind[1:-1], path, depth)
        elif kind == "Criteria":
            yield from self._criteria(value, path, depth)
        elif kind in objects():
            yield from self._object(value, objects()[kind], path, depth)
            yield from _beyond(value, kind, path)
        elif fault := self._plain(value, kind):
            yield Issue("value", fault, path)

    def _list(self, value: Any, kind: str, path: str, depth: int) -> Iterator[Issue]:
        if not isinstance(value, list):
            yield Issue("structure", "is not a list", path)
            return
        for place, one in enumerate(value):
            yield from self.faults(one, kind, f"{path}[{place}]", depth + 1)

    def _criteria(self, value: Any, path: str, depth: int) -> Iterator[Issue]:
        if not isinstance(value, dict) or len(value) != 1:
            yield Issue("structure", "is not an object with the name of one criteria", path)
            return
        ((name, body),) = value.items()
        if name not in criteria():
            yield Issue("not-supported", "is no criteria that is known", f"{path}.{_shown(name)}")
        elif absent(name, "*"):
            yield Issue("not-supported", ABSENT, f"{path}.{name}")
        else:
            yield from self._object(body, criteria()[name], f"{path}.{name}", depth)
            told = body if isinstance(body, dict) else {}
            for member in (member for member in told if told[member] is not None and absent(name, member)):
                yield Issue("not-supported", ABSENT, f"{path}.{name}.{member}")

    def _object(self, value: Any, members: Members, path: str, depth: int) -> Iterator[Issue]:
        if not isinstance(value, dict):
            yield Issue("structure", "is not an object", path)
            return
        for name, kind in members.items():
            if _must(kind) and value.get(name) is None:
                yield Issue("required", "is missing", _below(path, name))
        for name, inner in value.items():
            kind = members.get(name) or members.get("*", "")
            if not kind:
                yield Issue("structure", "is not known here", _below(path, _shown(name)))
            elif inner is not None and kind != "*":
                yield from self.faults(inner, _without_must(kind), _below(path, name), depth + 1)

    def _plain(self, value: Any, kind: str) -> str:
        """Why a plain value is none of its kind; "" where it is."""
        if kind in _TESTS:
            return "" if _TESTS[kind](value) else f"is no {kind}"
        if kind == "codeset":
            return "" if _whole(value) and value in self._codesets else "is the id of no concept set"
        words = kind.split("|")
        known = isinstance(value, str) and value.upper() in map(str.upper, words)
        return "" if known else f"is none of {', '.join(words)}"


def _beyond(value: Any, kind: str, path: str) -> Iterator[Issue]:
    """What the kinds of its members do not say."""
    if not isinstance(value, dict):
        return
    if kind in ("Number", "Dates") and str(value.get("Op", "")).endswith("bt") and value.get("Extent") is None:
        yield Issue("required", "is missing, for Op is between", f"{path}.Extent")
    if kind == "Group" and str(value.get("Type", "")).upper().startswith("AT_") and value.get("Count") is None:
        yield Issue("required", "is missing, for Type counts", f"{path}.Count")
    if kind == "Occurrence" and value.get("Type") not in (0, 1, 2):
        yield Issue("value", "is none of 0 exactly, 1 at most, 2 at least", f"{path}.Type")
    if kind == "EndStrategy" and len(value) != 1:
        yield Issue("structure", "names not exactly one strategy", path)
    if kind == "PrimaryCriteria" and value.get("CriteriaList") == []:
        yield Issue("required", "names no criteria", f"{path}.CriteriaList")


def _must(kind: str) -> bool:
    return kind.endswith("!")


def _without_must(kind: str) -> str:
    return kind.removesuffix("!") if _must(kind) else kind


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _INT


def _day(value: Any) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", value):
        return False
    try:
        date(*map(int, value.split("-")))
    except ValueError:
        return False
    return True


_TESTS = {
    "string": lambda value: isinstance(value, str),
    "int": _whole,
    "number": lambda value: isinstance(value, _NUMBER) and not isinstance(value, bool) and abs(value) < 1e15,
    "bool": lambda value: isinstance(value, bool),
    "date": _day,
}


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(name: str) -> str:
    """A member's name for a path, if it is one: what somebody wrote there may be anything."""
    return name if re.fullmatch(r"\w{1,60}", name) else "?"


def _filled(value: Any, kind: str) -> Any:
    """The same with every list of groups and limits that `duckcdm` wants to be there."""
    if kind == "Group" and isinstance(value, dict):
        value = {"CriteriaList": [], "DemographicCriteriaList": [], "Groups": [], **_there(value)}
    if isinstance(value, dict):
        return {name: _filled(inner, _kind_of(kind, name)) for name, inner in _there(value).items()}
    if isinstance(value, list):
        return [_filled(one, kind.strip("[]!")) for one in value]
    return value


def _there(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if inner is not None}


def _kind_of(kind: str, name: str) -> str:
    if kind == "Criteria":
        return f"criteria.{name}"
    members = criteria().get(kind.removeprefix("criteria."), {}) if "." in kind else objects().get(kind, {})
    return members.get(name, "").removesuffix("!")
