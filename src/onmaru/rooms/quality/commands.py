"""`onmaru quality …`: run the checks, judge the last run again, see the rows behind a failure, set a threshold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Command, Hall
from onmaru.rooms.quality import achilles, doing, kept
from onmaru.rooms.quality.checks import Check
from onmaru.rooms.quality.listing import by_id, checks, named
from onmaru.rooms.quality.running import counted
from onmaru.rooms.quality.tracing import Tracing, driven
from onmaru.rooms.quality.verdicts import Counted, judged, totals

Say = Callable[[Mapping[str, Any]], None]
SCOPE = "user/*.rs"
DONE, NO = 0, 1
MOST = "50"


def run(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Count every check and keep the counts; failures a line each, the last line is the total. 1 where one failed."""
    asked = [*_chosen(args)]
    ran = counted(hall, asked)
    tasks = doing.close(hall, ran, now()) if len(asked) == len(checks()) else {}
    return _told(hall, ran.counted, {"t": ran.t, **tasks}, say)


def report(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """The last run by the thresholds of now."""
    found, t, _ = kept.last(hall)
    if not found:
        raise invalid("not-found", "no run was kept: `onmaru quality run`", status=404)
    return _told(hall, found, {"t": t}, say)


def rows(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """A line for each row that violates a check, with the resource and the message it came from."""
    text = args.get("most") or MOST
    if not text.isdecimal() or len(text) > 6:
        raise invalid("value", "not a whole number", "most")
    tracing = Tracing(hall, named(args["check"]))
    found = driven(tracing, tracing.traced(int(text)))
    for row in found:
        say(row)
    say({"check": args["check"], "rows": len(found)})
    return DONE


def senders(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """A line for each sender and day."""
    tracing = Tracing(hall, named(args["check"]))
    found = driven(tracing, tracing.by_sender())
    for row in found:
        say(row)
    say({"check": args["check"], "lines": len(found)})
    return DONE


def threshold(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Set a site's own threshold for a check."""
    try:
        percent = float(args["percent"])
    except ValueError:
        raise invalid("value", "not a number", "percent") from None
    set_to = doing.set_threshold(hall, args["check"], percent, args.get("owner", ""), args["reason"], now())
    say({"check": set_to.check, "percent": percent, "owner": set_to.owner})
    return DONE


def characterise(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """A line for each result of Achilles, last how many analyses were run and which the CDM has no tables for."""
    asked = [*achilles.analyses(args.get("analysis", ""))]
    script, without = achilles.script(hall, asked)
    results = hall.lake.script(script)()
    lines = 0
    for lines, row in enumerate(achilles.rows(asked, results), 1):  # noqa: B007  told at the end
        say(row)
    missing = [one.number for one in without]
    say({"analyses": len(asked) - len(missing), "without tables": missing, "lines": lines, "t": results.t})
    return DONE


def now() -> int:
    """µs since 1970 UTC."""
    return time.time_ns() // 1000


def _chosen(args: Mapping[str, str]) -> Iterator[Check]:
    kind, table = args.get("kind", ""), args.get("table", "").lower()
    for check in checks():
        if (not kind or check.kind == kind) and (not table or check.table.lower() == table):
            yield check


def _told(hall: Hall, found: Sequence[Counted], more: Mapping[str, int], say: Say) -> int:
    verdicts = judged(by_id(), found, kept.thresholds(hall))
    failed = [one for one in verdicts if one.outcome == "failed"]
    for one in failed:
        say(doing.line(one))
    every = totals(verdicts)
    say({"checks": len(verdicts), **every.get("all", {}), **more, "by category": every})
    return NO if failed else DONE


COMMANDS = (
    Command(
        "run", "Run OHDSI's checks over the CDM tables and ours over resources, keep the counts, open and close Tasks.",
        (("--kind", "only this kind of check"), ("--table", "only this table or resource type")), SCOPE, run,
    ),
    Command("report", "Judge the last run by the thresholds of now.", (), SCOPE, report),
    Command(
        "rows", "List the rows that violate a check, with their sources and messages.",
        (("check", "a check's id, as `run` tells it"), ("--most", "how many rows; 50")), SCOPE, rows,
    ),
    Command("senders", "Tell how a check fares by sender and day.", (("check", "a check's id"),), SCOPE, senders),
    Command(
        "achilles", "Characterise the CDM by OHDSI's Achilles, as a data manager.",
        (("--analysis", "only the analysis of this number"),), SCOPE, characterise,
    ),
    Command(
        "threshold", "Set the site's own threshold for a check.",
        (
            ("check", "a check's id"), ("percent", "of rows that may violate it"), ("reason", "why, in words"),
            ("--owner", "who answers for the check; else who sets it"),
        ),
        SCOPE, threshold,
    ),
)  # fmt: skip
