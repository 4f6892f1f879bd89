"""Every check of the room: OHDSI's of the CDM, then ours of resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from onmaru.fhir.outcome import invalid
from onmaru.rooms.quality import checks as ohdsi
from onmaru.rooms.quality.checks import Check
from onmaru.rooms.quality.resources import listed


@cache
def checks() -> Sequence[Check]:
    """All of them, in the order in which they are told."""
    return [*ohdsi.checks(), *listed.checks()]


@cache
def by_id() -> Mapping[str, Check]:
    """The checks by id; no two have one."""
    return {check.id: check for check in checks()}


def named(id: str) -> Check:
    """The check of that id; `Invalid` 404."""
    found = by_id().get(id)
    if found is None:
        raise invalid("not-found", "there is no such check", status=404)
    return found
