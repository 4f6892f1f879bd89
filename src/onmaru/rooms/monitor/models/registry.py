"""A tenant's models as the record tells them when it is asked: what is registered, what was done, where each stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall
from onmaru.rooms.monitor.models.entry import Entry, Step, entries, steps
from onmaru.rooms.monitor.models.standing import Standing, all_standing


class Registry(msgspec.Struct, frozen=True):
    """A tenant's models and where each stands."""

    entries: Sequence[Entry]
    steps: Sequence[Step]
    standing: Mapping[str, Standing]

    def one(self, id: str) -> Entry:
        """`Invalid` 404 where there is none."""
        for entry in self.entries:
            if entry.id == id:
                return entry
        raise invalid("not-found", "no such model", status=404)


def registry(hall: Hall) -> Registry:
    """As the record says it now."""
    found, taken = entries(hall), steps(hall)
    return Registry(found, taken, all_standing(found, taken, hall.roles))
