"""What one search has done so far: rows read and bodies opened. Only what its caller can see is ever opened, so that the
limit on it tells nothing about the rest.
"""

from __future__ import annotations

from onmaru.fhir.outcome import invalid

MOST_OPENED = 100_000
"""Bodies that one search may open, some 20 µs each."""


class Work:
    """Counts of one search."""

    def __init__(self) -> None:
        self.rows = 0
        self.opened = 0

    def read(self, rows: int) -> None:
        """Rows of the tables that were looked at."""
        self.rows += rows

    def open(self, bodies: int, where: str) -> None:
        """Bodies that are about to be opened; `where` names the parameter. Raises Invalid (400, too-costly)."""
        self.opened += bodies
        if self.opened > MOST_OPENED:
            raise invalid("too-costly", "the search would open too many resources; narrow it", where)
