"""What one parse of a search leans on: the time, this server's own address, and how much may be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

import msgspec

from onmaru.fhir.query import Parameter


class TooMuch(Exception):
    """A search beyond what is taken; the text says which limit."""


class Limits(msgspec.Struct, frozen=True):
    """What one search may ask: clauses, alternatives in one, links in a chain, characters of a value, `_count`.

    `steps` bounds the types that all its chains together may reach: a reference to anything, followed twice, is thousands.
    """

    clauses: int = 50
    values: int = 1_000
    links: int = 6
    steps: int = 5_000
    characters: int = 40_000
    count: int = 1_000


class Context(msgspec.Struct, frozen=True):
    """`now` in µs serves the prefix `ap`; an absolute reference below `base` (`https://h/fhir`) counts as relative.

    `own`: type → code → parameter of those that the tenant defined itself.
    """

    now: int
    limits: Limits
    base: str = ""
    own: Mapping[str, Mapping[str, Parameter]] = {}
    taken: Iterator[int] = msgspec.field(default_factory=lambda: count(1))

    def step(self) -> None:
        """Count one more node of the query's tree. Raises TooMuch."""
        if next(self.taken) > self.limits.steps:
            raise TooMuch("the chains reach too many types; name the type with :Type")
