"""What one parse of a search leans on: the time, this server's own address, and how much may be asked."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """What one search may ask: clauses, alternatives in one, links in a chain, characters of a value, `_count`."""

    clauses: int = 50
    values: int = 200
    links: int = 4
    characters: int = 4_000
    count: int = 1_000


class Context(msgspec.Struct, frozen=True):
    """`now` in µs serves the prefix `ap`; an absolute reference below `base` (`https://h/fhir`) counts as relative."""

    now: int
    limits: Limits
    base: str = ""
