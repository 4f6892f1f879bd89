"""What a tenant asks of a resource that is written, and the definitions it goes by: R4's and those in its own record.

The definitions are resources of the record like any other; they are read when first needed and again after one was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, get_args

from onmaru.fhir.fhirpath import Environment
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.profiles.definition import canonical_of
from onmaru.fhir.profiles.library import KINDS, Library, core
from onmaru.fhir.profiles.validator import checked
from onmaru.fhir.profiles.visit import Visit
from onmaru.fhir.profiles.walk import run_profile
from onmaru.kernel.log import Version
from onmaru.kernel.terms import Defined, Terms

Level = Literal["off", "structural", "profiles"]
LEVELS: tuple[Level, ...] = get_args(Level)
DEFINING = frozenset(KINDS)


ON_WRITE = 2_000_000
"""Steps that the expressions of one judged write may take, about half a second: others wait for it."""


def nothing() -> Iterable[Version]:
    """No definitions but R4's own."""
    return ()


class Rules:
    """`level`: see the setting `validation`. `found` gives the latest versions of DEFINING resources, whoever asks."""

    def __init__(self, level: Level = "off", found: Callable[[], Iterable[Version]] = nothing) -> None:
        self.level = level
        self._found = found
        self._library: Library | None = None

    @property
    def judging(self) -> bool:
        """Whether writes are judged at all."""
        return self.level != "off"

    @property
    def library(self) -> Library:
        """The definitions as they stand now; what was handed out before never changes."""
        if self._library is None:
            added = self.added()
            self._library = Library(added) if added else core()
        return self._library

    @property
    def terms(self) -> Terms:
        """What code systems and value sets say as they stand now."""
        return Defined(self.library)

    def added(self) -> dict[tuple[str, str], bytes]:
        """(type, canonical) → body of every definition in the record."""
        return {
            (version.type, url): version.body
            for version in self._found()
            if version.body is not None and (url := canonical_of(version.body))
        }

    def forget(self) -> None:
        """A definition was written: read them again when they are next needed."""
        self._library = None

    def judge(self, body: bytes) -> None:
        """Raise Invalid 422 with every error of an admitted body that the level does not let in."""
        profiled = self.level == "profiles"
        visit = Visit(self.library if profiled else core(), Environment(), run_profile)
        visit.errors_only, visit.profiled, visit.left = True, profiled, ON_WRITE
        errors = [issue for issue in checked(body, visit) if issue.severity == "error"]
        if errors:
            raise Invalid(errors, 422)
