"""`$lastn` and `$stats` on measurements that have a code of their own and one in common: no work grows by squares."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from onmaru.web.fhir.operations import lastn, stats

MANY = 6000


def test_groups_that_share_one_coding_are_joined_without_looking_at_all_again() -> None:
    shared = ("urn:c", "shared")
    tops: Any = {frozenset({shared, ("urn:c", str(number))}): [number] for number in range(MANY)}
    began = time.process_time()
    (group,) = lastn._joined(tops)
    assert sorted(group) == list(range(MANY)), "all are one"
    assert time.process_time() - began < 1.0


def test_a_panel_of_thousands_of_codes_and_units_is_told_without_looking_at_all_again() -> None:
    seen = stats._Seen(0)
    panel = ("", "panel urn:c|p")
    for number in range(MANY):
        codes = frozenset({("urn:c", str(number)), panel})
        seen.values.append(stats.Value(codes, Decimal(number), f"u{number}", number))
    wanted = stats.Wanted("Patient/p", (("urn:c", "p"),), ("count",), ("", ""), 0)
    began = time.process_time()
    assert stats._told(wanted, seen).count(b'"statistics"') == MANY
    assert time.process_time() - began < 1.5
