"""Looks through the audit trail for rows that no index knows, in short slices, so far at once as a reader waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from onmaru.kernel.audit import Access
from onmaru.web.doors import AuditFilter
from onmaru.web.visit import Visit

PAGE = 50
SLICE = 200
# Rows that one request looks through; the cursor goes on where it stopped
MOST = 4000

Rows = list[tuple[int, Access]]


async def scanned(visit: Visit, wanted: AuditFilter, keep: Callable[[int, Access], bool]) -> tuple[Rows, str]:
    """A page of what `keep` keeps, newest first, and the cursor to go on at: "" once there is no more to look at."""
    found: Rows = []
    before, seen, hall = wanted.before, 0, visit.hall()
    while seen < MOST:
        rows: Sequence[tuple[int, Access]] = visit.doors.audit_page(hall, replace(wanted, before=before, count=SLICE))
        for number, row in rows:
            if keep(number, row):
                found.append((number, row))
                if len(found) == PAGE:
                    return found, str(number) if number > 1 else ""
        if len(rows) < SLICE or rows[-1][0] <= 1:
            return found, ""
        before, seen = rows[-1][0], seen + len(rows)
        await asyncio.sleep(0)
    return found, str(before)
