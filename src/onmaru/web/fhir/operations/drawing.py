"""All matches of a search at one position, a few at a time so that others are answered between, and never without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Query
from onmaru.kernel.log import Version
from onmaru.kernel.record import pages
from onmaru.kernel.room import Hall

PAGE = 100
MOST = 100_000


async def drawn(hall: Hall, query: Query) -> AsyncIterator[Version]:
    """The matches, newest version first; `Invalid` 413 where there are more than MOST."""
    left = MOST
    for page in pages(hall.record, msgspec.structs.replace(query, count=PAGE, total="none", cursor="")):
        for version in page.matches:
            yield version
        left -= len(page.matches)
        if not page.cursor:
            return
        if left <= 0:
            raise invalid(
                "too-costly", f"over {MOST} resources match: ask for a shorter time or fewer codes", status=413
            )
        await asyncio.sleep(0)
