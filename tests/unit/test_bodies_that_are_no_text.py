"""A body that is JSON but for bytes that are no UTF-8 is refused by every room as one that is no JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.room import Request
from onmaru.rooms.cohort.asking import wanted
from onmaru.rooms.cohort.studies.asked import study
from onmaru.rooms.omop.deciding import decide
from onmaru.rooms.quality.listing import checks
from onmaru.rooms.quality.routes import threshold

# It is refused before any door is used
NO_HALL: Any = None


def given(raw: bytes) -> Request:
    return Request("POST", "", {"check": checks()[0].id}, (), {}, raw)


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (wanted, b'{"name": "\xff"}'),
        (study, b'{"format": "onmaru study 1", "kind": "survival", "target": {"name": "\xff"}}'),
        (lambda raw: decide(given(raw), NO_HALL), b'{"system": "\xff"}'),
        (lambda raw: threshold(given(raw), NO_HALL), b'{"reason": "\xff"}'),
    ],
    ids=["cohort", "study", "decision", "threshold"],
)
def test_it_is_refused_and_is_no_failure_of_ours(read: Callable[[bytes], object], raw: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read(raw)
    assert refused.value.status == 400
