"""Who bears the name of a patient that a message says: asked of the chart when it is said, and remembered for the next.

Its one law: what is remembered ends the moment that somebody's names change, so that nobody is found by a name they lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from onmaru.fhir import search
from onmaru.fhir.query import Query
from onmaru.kernel.entry import ID

# Names remembered; of more, those asked for longest ago are let go
MOST = 20_000
NOBODY: frozenset[str] = frozenset()


_TOLD = re.compile(r"([\\,$|])")


def queries(name: str) -> Iterator[Query]:
    """The searches that find whoever bears a name; what they find beside these is the asker's to leave out."""
    system, bar, value = name.partition("|")
    tokens = [_TOLD.sub(r"\\\1", name)]
    if bar:
        tokens.append("|".join(_TOLD.sub(r"\\\1", part) for part in (system, value)))
    for token in tokens:
        yield search.parse(("Patient",), [("identifier", token)])
    if ID.fullmatch(name):
        yield search.parse(("Patient",), [("_id", name)])


class People:
    """`ask` gives the ids of all who bear a name now: an id, an identifier's value, or `system|value`."""

    def __init__(self, ask: Callable[[str], frozenset[str]], most: int = MOST) -> None:
        self._ask, self._most = ask, most
        self._held: dict[str, frozenset[str]] = {}
        self._names: dict[str, set[str]] = {}

    def of(self, name: str) -> frozenset[str]:
        """Everybody who bears it."""
        found = self._held.pop(name, None)
        if found is None:
            found = self._ask(name)
            for id in found:
                self._names.setdefault(id, set()).add(name)
            if len(self._held) >= self._most:
                self._forget(next(iter(self._held)))
        # The last one asked for is the last one let go
        self._held[name] = found
        return found

    def changed(self, id: str, called: Iterable[str]) -> None:
        """Somebody is called so from now on: what was known of these names, and of those they had, is asked anew."""
        for name in (*self._names.get(id, ()), *called):
            self._forget(name)

    def _forget(self, name: str) -> None:
        for id in self._held.pop(name, NOBODY):
            names = self._names.get(id, set())
            names.discard(name)
            if not names:
                self._names.pop(id, None)
