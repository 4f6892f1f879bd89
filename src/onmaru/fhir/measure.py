"""A FHIR R4 Measure whose populations are SQL over SQL-on-FHIR views, read into the steps that a person goes through.

Its one law: a population is one SELECT and nothing else, so that a Measure is data and changes nothing but its own count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from onmaru.fhir.outcome import Invalid, Issue

LANGUAGE = "application/sql"
INITIAL, DENOMINATOR, EXCLUSION, NUMERATOR = (
    "initial-population", "denominator", "denominator-exclusion", "numerator",
)  # fmt: skip
_QUOTED = re.compile(r"'(?:[^'\\]|'')*'|\"(?:[^\"\\]|\"\")*\"")
_SELECT = re.compile(r"\s*(?:SELECT|WITH)\b", re.IGNORECASE)
_HIDING = re.compile(r"[;$\\'\"]|--|/\*")
STEPS = 12
LONGEST = 20_000
Better = Literal["increase", "decrease"]


class Population(msgspec.Struct, frozen=True):
    """One population of the group. `code`: of measure-population, or a site's own for a step between."""

    code: str
    text: str
    sql: str

    @property
    def excludes(self) -> bool:
        """Whether it takes people out instead of leading on."""
        return self.code == EXCLUSION


class Measure(msgspec.Struct, frozen=True):
    """What is asked. `populations`: in order, first the initial population, last the numerator. `better`: up or down."""

    url: str
    version: str
    title: str
    better: Better
    libraries: tuple[str, ...]
    populations: tuple[Population, ...]

    @property
    def steps(self) -> list[Population]:
        """The populations that lead on, each within the one before."""
        return [one for one in self.populations if not one.excludes]

    @property
    def base(self) -> int:
        """Which of the steps the score divides by: the denominator, else the initial population."""
        return next((place for place, one in enumerate(self.steps) if one.code == DENOMINATOR), 0)


def parse(said: Mapping[str, Any]) -> Measure:
    """Read one; `Invalid` 422 with every reason why it cannot be counted."""
    issues: list[Issue] = []
    groups = said.get("group") or [{}]
    if len(groups) != 1:
        issues.append(Issue("not-supported", "one group is counted", "Measure.group"))
    subject = _code(said.get("subjectCodeableConcept")) or "Patient"
    if subject != "Patient" or "subjectReference" in said:
        issues.append(Issue("not-supported", "only patients are counted", "Measure.subject"))
    populations = [_population(one, place, issues) for place, one in enumerate(groups[0].get("population") or ())]
    _ordered([one.code for one in populations], issues)
    if issues:
        raise Invalid(issues, 422)
    better: Better = "decrease" if _code(said.get("improvementNotation")) == "decrease" else "increase"
    title = str(said.get("title") or said.get("name") or "")
    libraries = tuple(map(str, said.get("library") or ()))
    return Measure(
        str(said.get("url") or ""), str(said.get("version") or ""), title, better, libraries, tuple(populations)
    )


def _ordered(codes: Sequence[str], issues: list[Issue]) -> None:
    at = "Measure.group[0].population"
    if len(codes) < 2 or codes[0] != INITIAL or codes[-1] != NUMERATOR:
        issues.append(Issue("structure", f"begins with {INITIAL} and ends with {NUMERATOR}", at))
    if len(codes) > STEPS:
        issues.append(Issue("too-costly", f"has more than {STEPS} populations", at))
    issues.extend(Issue("duplicate", f"{one} is there twice", at) for one in sorted({*codes}) if codes.count(one) > 1)


def _population(said: Mapping[str, Any], place: int, issues: list[Issue]) -> Population:
    at = f"Measure.group[0].population[{place}]"
    criteria = said.get("criteria") or {}
    sql = str(criteria.get("expression") or "")
    if criteria.get("language") != LANGUAGE:
        issues.append(Issue("not-supported", f"only {LANGUAGE} is counted", f"{at}.criteria.language"))
    elif why := fault(sql):
        issues.append(Issue("invalid", why, f"{at}.criteria.expression"))
    code = _code(said.get("code"))
    if not code:
        issues.append(Issue("required", "is missing", f"{at}.code"))
    return Population(code, _text(said) or code, sql)


def _text(said: Mapping[str, Any]) -> str:
    return str(said.get("description") or (said.get("code") or {}).get("text") or "")


def _code(concept: Any) -> str:
    codings: Sequence[Mapping[str, Any]] = (concept or {}).get("coding") or ({},)
    return str(codings[0].get("code") or "")


def fault(sql: str) -> str:
    """Why a text is not one SELECT that can stand in brackets; "" where it is.

    What SQL quotes in other ways than '' and "" is refused with comments: nothing may hide where the brackets are.
    """
    if len(sql) > LONGEST:
        return f"has more than {LONGEST} characters"
    bare = _QUOTED.sub(" ", sql)
    if not _SELECT.match(bare):
        return "is not a SELECT"
    if _HIDING.search(bare):
        return "has a semicolon, a comment, a dollar, a backslash or a quote that is not closed"
    return "" if _closed(bare) else "has brackets that do not close"


def _closed(bare: str) -> bool:
    depth = 0
    for sign in bare:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0
