"""What was written about one patient since a time, in the order in which it was: what looks back follows these versions.

Its one law: a version is there as it came, also one that was corrected or deleted later.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.log import Version
from onmaru.kernel.record import Record, pages
from onmaru.rooms.monitor.alerts.alert import SYSTEM
from onmaru.rooms.monitor.alerts.rules import SECOND
from onmaru.rooms.monitor.alerts.tables import told

PAGE = 1000


class TooMany(Exception):
    """More versions than were allowed for."""


def read(record: Record, patient: str, types: Sequence[str], since: int, most: int) -> Iterator[list[Version]]:
    """Draw it to its end: pages of the versions recorded from `since` (µs) on, between which others can be answered.

    The newest comes first within a type; `ordered` puts them in order. TooMany once there are more than `most`.
    """
    count = 0
    for type in types:
        before, more = 0, True
        while more:
            page = record.history(type, patient=patient, since=since, before=before, count=PAGE)
            found = list(page.matches)
            count += len(found)
            if count > most:
                raise TooMany
            yield found
            before, more = (found[-1].t if found else 0), bool(page.cursor)


def alerts(record: Record, patient: str, since: int, most: int) -> Iterator[list[Version]]:
    """The same of the Tasks of a patient's alerts, which are in no patient's compartment: found by what points at them, so
    that one which was deleted since is there as well.
    """
    names: dict[str, None] = {}
    pairs = [("patient", patient), ("code", f"{SYSTEM}|alert"), ("_lastUpdated", f"ge{_day(since)}")]
    for page in pages(record, search.parse(("Task",), [*pairs, ("_count", str(PAGE))])):
        names |= dict.fromkeys(one.id for one in page.matches)
        yield []
    for found in read(record, patient, ("Flag", "Communication"), since, most):
        names |= dict.fromkeys(name for one in found if (name := _alert(one)))
        yield []
    for name in names:
        yield _history(record, name, since)


def _alert(version: Version) -> str:
    """The alert whose Flag or telling a version is; "" for any other."""
    if version.type == "Flag":
        return version.id.replace("flag-", "alert-", 1) if version.id.startswith("flag-") else ""
    row = told(msgspec.json.decode(version.body)) if version.body else None
    return row[0] if row else ""


def _history(record: Record, name: str, since: int) -> list[Version]:
    try:
        return list(record.history("Task", name, since=since, count=PAGE).matches)
    except Invalid:
        # A Flag that only looks like an alert's
        return []


def _day(at: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at // SECOND))


def ordered(pages: Iterator[list[Version]]) -> list[Version]:
    """All of them in log order."""
    return sorted((one for page in pages for one in page), key=lambda one: one.t)
