"""Versions of code systems that a question itself settles (`system-version` and its kin), and membership under them."""

from __future__ import annotations

from collections.abc import Mapping

from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.asked import Asked
from onmaru.fhir.terminology.canonical import fits, parted
from onmaru.fhir.terminology.members import Members, members
from onmaru.fhir.terminology.selection import DEEPEST, Known, Pins
from onmaru.fhir.terminology.system import System
from onmaru.fhir.terminology.value_set import ValueSet


def pins(asked: Asked, default: Mapping[str, str] | None = None) -> Pins:
    """What the parameters settle. Raises Invalid 400 for a canonical without a version."""
    stated, checked, forced = (
        _versions(asked, name) for name in ("system-version", "check-system-version", "force-system-version")
    )
    return Pins({**stated, **(default or {})}, forced, checked, tuple(asked.all("exclude-system")))


def _versions(asked: Asked, name: str) -> dict[str, str]:
    found = {}
    for canonical in asked.all(name):
        url, version = parted(canonical)
        if not version:
            raise invalid("value", "a canonical with a version: url|version", name)
        found[url] = version
    return found


class Pinned:
    """Membership of value sets with the versions of systems settled; compiled for one question and not kept."""

    def __init__(self, known: Known, pinned: Pins) -> None:
        self._known = known
        self._pins = pinned
        self._open: list[str] = []
        self._done: dict[str, Members] = {}

    def made(self, found: ValueSet) -> Members:
        """The compiled value set; what it draws on and is not known answers None."""
        self._open.append(found.url)
        try:
            return members(found, self._system, self._inner)
        finally:
            self._open.pop()

    def _inner(self, canonical: str) -> Members | None:
        url, version = parted(canonical)
        found = self._known.value_set(url, version)
        if found is None or url in self._open or len(self._open) >= DEEPEST:
            return None
        if canonical not in self._done:
            self._done[canonical] = self.made(found)
        return self._done[canonical]

    def _system(self, url: str, version: str) -> System | None:
        pinned = self._pins
        found = self._known.system(url, pinned.forced.get(url) or version or pinned.default.get(url, ""))
        wanted = pinned.checked.get(url, "")
        if found is not None and wanted and not fits(wanted, found.about.version):
            raise invalid("conflict", "the code system is not of the version that was to be checked", url, 422)
        return found
