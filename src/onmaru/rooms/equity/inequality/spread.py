"""Measures of groups without order: between-group variance and Theil's index.

BGV = sum of pj (yj - average) squared (Hosseinpoor and others, BMC Medical Research Methodology 2016;16:141, table 2).
Theil's index is the sum of pj rj ln rj with rj = yj / average, times 1000 (WHO's package healthequal, ti).
"""

from __future__ import annotations

import math

from onmaru.rooms.equity.inequality.groups import Dimension, average, shares


def between_group_variance(asked: Dimension) -> float | None:
    """In squared percentage points."""
    whole = average(asked.groups)
    parts = shares(asked.groups)
    return sum(
        share * (group.estimate - whole) ** 2 for share, group in zip(parts, asked.groups, strict=True)
    )  # fmt: skip


def theil(asked: Dimension) -> float | None:
    """Times 1000; a group without any counts as the limit, 0. None where nobody has it."""
    whole = average(asked.groups)
    if not whole:
        return None
    parts = [group.estimate / whole for group in asked.groups]
    return 1000 * sum(
        share * part * math.log(part) for share, part in zip(shares(asked.groups), parts, strict=True) if part
    )
