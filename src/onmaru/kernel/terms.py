"""What code systems and value sets say, asked by search (`:in :not-in :above :below`) and by bindings.

A question about what is not at hand is answered None, never False: an absent list says nothing about a code.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from onmaru.fhir.profiles.codes import ancestors, descendants
from onmaru.fhir.profiles.library import Library


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


class Defined:
    """The Terms of definitions alone: R4's own and those of a library."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def member(self, value_set: str, system: str | None, code: str) -> bool | None:
        """See Terms."""
        members = self._library.members(value_set)
        return None if members is None else members.holds(system, code)

    def codes(self, value_set: str, most: int) -> Collection[tuple[str, str]] | None:
        """See Terms."""
        return None

    def below(self, system: str, code: str) -> Collection[str] | None:
        """See Terms."""
        found = self._library.code_system(system)
        return {code, *descendants(found, code)} if found is not None and code in found.codes else None

    def above(self, system: str, code: str) -> Collection[str] | None:
        """See Terms."""
        found = self._library.code_system(system)
        return {code, *ancestors(found, code)} if found is not None and code in found.codes else None
