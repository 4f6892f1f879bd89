"""Population attributable risk and fraction: what would be gained if every group were as the reference group.

PAR = yref - average (Hosseinpoor and others, BMC Medical Research Methodology 2016;16:141, table 2); PAF is PAR by the
average, times 100; both are 0 where the reference group is not better than the average (WHO's package healthequal, parisk
and paf). The reference is the most advantaged of ordered groups, else the best.
"""

from __future__ import annotations

from onmaru.rooms.equity.inequality.groups import Dimension, average


def attributable_risk(asked: Dimension) -> float | None:
    """PAR in percentage points: above 0 of a favourable indicator, below 0 of an adverse one."""
    gain = _reference(asked) - average(asked.groups)
    return gain if (gain > 0) == asked.favourable else 0.0


def attributable_fraction(asked: Dimension) -> float | None:
    """PAF in percent of the average; None where nobody has it."""
    whole = average(asked.groups)
    risk = attributable_risk(asked)
    return 100 * risk / whole if whole and risk is not None else None


def _reference(asked: Dimension) -> float:
    estimates = [group.estimate for group in asked.groups]
    if asked.ordered:
        return estimates[-1]
    return max(estimates) if asked.favourable else min(estimates)
