"""What both the commands and the pages do: a run kept and its Tasks settled, a threshold set and its check judged anew."""

from __future__ import annotations

from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall
from onmaru.rooms.quality import kept, owning
from onmaru.rooms.quality.listing import by_id, named
from onmaru.rooms.quality.running import Ran
from onmaru.rooms.quality.verdicts import Threshold, Verdict, judged

# A name and a reason are read by people
LONGEST = {"owner": 64, "reason": 500}


def close(hall: Hall, ran: Ran, at: int) -> dict[str, int]:
    """Keep a whole run, and open and close the Tasks of its checks. `at`: µs since 1970 UTC."""
    kept.keep(hall, ran.counted, ran.t, at)
    return owning.settle(hall, judged(by_id(), ran.counted, kept.thresholds(hall)), at)


def set_threshold(hall: Hall, check: str, percent: float, owner: str, reason: str, at: int) -> Threshold:
    """Set a site's own threshold for a check; its last count is judged by it, and its Task settled.

    `owner`: who answers for the check, "": who sets it. `Invalid` 404 for no such check, 400 for what is no threshold.
    """
    if not 0 <= percent <= 100:
        raise invalid("value", "a percentage lies between 0 and 100", "percent")
    told = {"owner": owner.strip() or hall.caller.user, "reason": reason.strip()}
    if not told["reason"]:
        raise invalid("required", "a reason is asked for", "reason")
    for name, text in told.items():
        if len(text) > LONGEST[name] or not text.isprintable():
            raise invalid("value", f"at most {LONGEST[name]} characters that can be printed", name)
    new = Threshold(named(check).id, percent, told["owner"], told["reason"])
    kept.set_threshold(hall, new)
    found, _, _ = kept.last(hall)
    owning.settle(hall, judged(by_id(), [one for one in found if one.id == new.check], {new.check: new}), at)
    return new


def line(one: Verdict) -> dict[str, Any]:
    """A verdict as a line."""
    check = one.check
    return {
        "check": check.id, "outcome": one.outcome, "violated": one.violated, "total": one.total, "percent": one.percent,
        "threshold": one.threshold, "severity": check.severity, "why": one.why, "says": check.says,
        "category": check.category, "level": check.level, "owner": one.owner,
    }  # fmt: skip
