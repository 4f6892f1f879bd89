"""The home of a tenant whose tables were filled without a log (engines/duck/filling.py): it has nothing to append to.

Its one law: what would be written is refused, since tables and log would then tell of two records.
"""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.engines.sqlite.home import Home
from onmaru.fhir.outcome import invalid
from onmaru.kernel.log import Draft, Version


class FilledHome(Home):
    """Log (kernel/log.py) that stays empty; its trail is kept like any other."""

    def append(self, expected: int, drafts: Sequence[Draft]) -> Sequence[Version]:
        """Refuse: `Invalid` 409."""
        raise invalid("business-rule", "the tables of this tenant were simulated: nothing is written to it", status=409)
