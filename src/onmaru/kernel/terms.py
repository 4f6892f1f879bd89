"""What code systems and value sets say, asked by search (`:in :not-in :above :below`) and by bindings.

A question about what is not at hand is answered None, never False: an absent list says nothing about a code.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from onmaru.fhir.terminology.system import System


class Terms(Protocol):
    """The terminology of one tenant: R4's own, that of its record and what it has loaded. Safe in any thread.

    `value_set` and `system` are canonicals, `url` or `url|version`; no version means the newest there is.
    """

    def member(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Whether a value set holds a code; None where the set, or a system it draws on, is not at hand.

        `system` None is a bare code, whose system the value set itself tells; "" is a Coding without a system.
        """

    def codes(self, value_set: str, most: int) -> Collection[tuple[str, str]] | None:
        """Every (system, code) of a value set; None where it is not at hand or has more than `most` of them."""

    def below(self, system: str, code: str) -> Collection[str] | None:
        """The code and all that it subsumes; None where the system or the code is not known."""

    def above(self, system: str, code: str) -> Collection[str] | None:
        """The code and all that subsume it; None where the system or the code is not known."""


class Loaded(Protocol):
    """The large code systems that a tenant has loaded, kept apart from its record: they are nobody's data."""

    def stamp(self) -> object:
        """Something that is no longer equal once a system was loaded or removed, by this process or another."""

    def systems(self) -> Sequence[System]:
        """Every system that is there whole."""


class Unloaded:
    """No loaded systems."""

    def stamp(self) -> object:
        """See Loaded."""
        return None

    def systems(self) -> Sequence[System]:
        """See Loaded."""
        return ()
