"""The published FHIRPath suite for R4, case by case. An expectation that the specification contradicts is listed here with
what the specification asks for instead (decision 0075)."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import NO_DATA, data_root
from fhirpath_suite import Case, agrees, cases, context, outcome, place, suites

# Name → what the specification's own text gives for the same expression.
AGAINST_THE_SPECIFICATION = {
    "testPlusDate19": ["1973-12-25T00:00:00.100+10:00"],
    "HighBoundaryDateTimeMillisecond1": ["2014-01-01T08:59:59.999-12:00"],
    "HighBoundaryDateTimeMillisecond3": ["2014-01-01T08:59:59.999-12:00"],
}
_ROOT = data_root()
_FOLDERS = [_ROOT / "fhirpath" / "input"] if _ROOT else []
# A case whose input is not among the data cannot be run by anybody; `test_most_cases_have_their_input` counts them.
_ALL = [case for suite in (suites(_ROOT / "fhirpath") if _ROOT else []) for case in cases(suite)]
_RUNNABLE = [case for case in _ALL if not case.input or place(case, _FOLDERS)]


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.group}-{case.name}") for case in _RUNNABLE])
def test_a_case_of_the_suite_gives_what_it_must(case: Case) -> None:
    answer = outcome(case, context(case, _FOLDERS))
    if case.name in AGAINST_THE_SPECIFICATION:
        assert answer == AGAINST_THE_SPECIFICATION[case.name]
    else:
        assert agrees(case, answer), answer


def test_most_cases_have_their_input() -> None:
    if _ROOT is None or not Path(_ROOT, "fhirpath").is_dir():
        pytest.skip(NO_DATA)
    missing = sorted({case.input for case in _ALL if case not in _RUNNABLE})
    assert len(_ALL) > 100
    assert len(_RUNNABLE) > 0.95 * len(_ALL), f"inputs that are not there: {missing}"
