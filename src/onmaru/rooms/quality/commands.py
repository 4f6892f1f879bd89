"""`onmaru quality …`: run the checks, judge the last run again, see the rows behind a failure, set a threshold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Command, Hall
from onmaru.rooms.quality import kept
from onmaru.rooms.quality.checks import Check, by_id, checks
from onmaru.rooms.quality.rows import named, violating
from onmaru.rooms.quality.running import begun, counted
from onmaru.rooms.quality.verdicts import Counted, Threshold, Verdict, judged, totals

Say = Callable[[Mapping[str, Any]], None]
SCOPE = "user/*.rs"
DONE, NO = 0, 1
MOST = "50"


def run(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Count every check and keep the counts; failures a line each, the last line is the total. 1 where one failed."""
    asked = [*_chosen(args)]
    found, t = counted(begun(hall, asked))
    if len(asked) == len(checks()):
        kept.keep(hall, found, t, time.time_ns() // 1000)
    return _told(hall, found, t, say)


def report(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """The last run by the thresholds of now."""
    found, t, _ = kept.last(hall)
    if not found:
        raise invalid("not-found", "no run was kept: `onmaru quality run`", status=404)
    return _told(hall, found, t, say)


def rows(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """A line for each row that violates a check, with the resource it came from."""
    text = args.get("most") or MOST
    if not text.isdecimal() or len(text) > 6:
        raise invalid("value", "not a whole number", "most")
    found = violating(hall, args["check"], int(text))
    for row in found:
        say(row)
    say({"check": args["check"], "rows": len(found)})
    return DONE


def threshold(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Set a site's own threshold for a check."""
    check = named(args["check"])
    try:
        percent = float(args["percent"])
    except ValueError:
        raise invalid("value", "not a number", "percent") from None
    if not 0 <= percent <= 100:
        raise invalid("value", "a percentage lies between 0 and 100", "percent")
    if not args["reason"].strip():
        raise invalid("required", "a reason is asked for", "reason")
    kept.set_threshold(hall, Threshold(check.id, percent, hall.caller.user, args["reason"].strip()))
    say({"check": check.id, "percent": percent, "owner": hall.caller.user})
    return DONE


def _chosen(args: Mapping[str, str]) -> Iterator[Check]:
    kind, table = args.get("kind", ""), args.get("table", "").lower()
    for check in checks():
        if (not kind or check.kind == kind) and (not table or check.table == table):
            yield check


def _told(hall: Hall, found: Sequence[Counted], t: int, say: Say) -> int:
    verdicts = judged(by_id(), found, kept.thresholds(hall))
    failed = [one for one in verdicts if one.outcome == "failed"]
    for one in failed:
        say(line(one))
    every = totals(verdicts)
    say({"checks": len(verdicts), **every.get("all", {}), "t": t, "by category": every})
    return NO if failed else DONE


def line(one: Verdict) -> dict[str, Any]:
    """A verdict as a line."""
    check = one.check
    return {
        "check": check.id, "outcome": one.outcome, "violated": one.violated, "total": one.total, "percent": one.percent,
        "threshold": one.threshold, "severity": check.severity, "why": one.why, "says": check.says,
    }  # fmt: skip


COMMANDS = (
    Command(
        "run", "Run OHDSI's checks over the CDM tables and keep the counts.",
        (("--kind", "only this kind of check"), ("--table", "only this table")), SCOPE, run,
    ),
    Command("report", "Judge the last run by the thresholds of now.", (), SCOPE, report),
    Command(
        "rows", "List the rows that violate a check, with their sources.",
        (("check", "a check's id, as `run` tells it"), ("--most", "how many rows; 50")), SCOPE, rows,
    ),
    Command(
        "threshold", "Set the site's own threshold for a check.",
        (("check", "a check's id"), ("percent", "of rows that may violate it"), ("reason", "why, in words")),
        SCOPE, threshold,
    ),
)  # fmt: skip
