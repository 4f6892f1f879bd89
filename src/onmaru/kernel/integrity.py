"""Whether references lead somewhere, as a tenant asks for it: judged on what the caller sees, when written and deleted.

Its one law: what is hidden from a caller is to it as if it were not there, here too, so no refusal tells the two apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, Literal, get_args

import msgspec

from onmaru.fhir.outcome import Invalid, Issue
from onmaru.fhir.query import Clause, Parameter, Query, Ref
from onmaru.fhir.search import parameters
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.gate import Sight
from onmaru.kernel.index import Index
from onmaru.kernel.log import Version

Integrity = Literal["off", "warn", "refuse"]
LEVELS: tuple[Integrity, ...] = get_args(Integrity)
Name = tuple[str, str]
_LOCAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_WRITTEN = re.compile(rb'"reference":"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"')


class Bonds:
    """Judges the changes of one transaction at `t`; `made` are what it writes, `gone` what it deletes."""

    def __init__(
        self, level: Integrity, index: Index, sight: Sight, t: int, made: Collection[Name], gone: Collection[Name]
    ) -> None:
        self._level = level
        self._index = index
        self._sight = sight
        self._t = t
        self._made = made
        self._gone = gone
        self._known: dict[Name, bool] = {}

    def written(self, body: bytes, current: Version | None) -> list[Issue]:
        """A warning for each local reference that leads nowhere; raises Invalid 422 with all of them where it refuses.

        What the version before said already is no fault of this one.
        """
        names = {name for name in _targets(body) if not self._stands(name)}
        if names and current is not None and current.body is not None:
            names -= set(_targets(current.body))
        if not names:
            return []
        places = [path for path, name in _places(msgspec.json.decode(body)) if name in names]
        return self._told("not-found", "this reference leads to no resource", places, 422)

    def deleted(self, type: str, id: str) -> list[Issue]:
        """A warning for each resource that still refers to one that goes; raises Invalid 409 where it refuses."""
        apart = {*self._made, *self._gone, (type, id)}
        places: dict[str, None] = {}
        for parameter in _pointing(type):
            clause = Clause(parameter, "", (Ref(type, id),))
            query = Query((), (clause,), count=len(apart) + 1, total="none")
            for version in self._index.find(query, self._t, 0, 0, self._sight).versions:
                if (version.type, version.id) not in apart:
                    found = _places(msgspec.json.decode(version.body or b"{}"))
                    places |= dict.fromkeys(path for path, name in found if name == (type, id))
        return self._told("conflict", "this still refers to the resource", list(places), 409)

    def _told(self, code: str, text: str, places: list[str], status: int) -> list[Issue]:
        if self._level == "refuse" and places:
            raise Invalid([Issue(code, text, place) for place in places], status)
        return [Issue(code, text, place, "warning") for place in places]

    def _stands(self, name: Name) -> bool:
        """Whether the caller sees it, or may not read its type at all: then neither answer is known to it."""
        if name in self._gone:
            return False
        if name in self._made or (self._sight.types is not None and name[0] not in self._sight.types):
            return True
        if name not in self._known:
            found = self._index.latest(*name, self._t)
            self._known[name] = found is not None and found.body is not None and self._shown(found)
        return self._known[name]

    def _shown(self, found: Version) -> bool:
        return self._sight.everything or self._sight.shows(found, self._index.compartments(found), self._index.keys)


def _targets(body: bytes) -> Iterator[Name]:
    """What a compact body's relative references name; an absolute url may be of another server, and is not asked about."""
    if b"\\" in body:
        yield from (name for _, name in _places(msgspec.json.decode(body)))
        return
    for type, id in _WRITTEN.findall(body):
        if type.decode() in RESOURCE_TYPES:
            yield type.decode(), id.decode()


def _places(value: Any, path: str = "") -> Iterator[tuple[str, Name]]:
    """(path, name) of every relative reference below a JSON value."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from _places(one, f"{path}[{number}]")
    elif isinstance(value, dict):
        path = path or str(value.get("resourceType", ""))
        for member, inner in value.items():
            found = _LOCAL.fullmatch(inner) if member == "reference" and isinstance(inner, str) else None
            if found is not None and found[1] in RESOURCE_TYPES:
                yield f"{path}.reference", (found[1], found[2])
            elif isinstance(inner, dict | list):
                yield from _places(inner, f"{path}.{member}")


@cache
def _pointing(type: str) -> tuple[Parameter, ...]:
    """Every search parameter by which something may point at a resource of `type`, each once."""
    found = {
        one.sp: one
        for name in sorted(RESOURCE_TYPES)
        for one in parameters(name).values()
        if one.kind == "reference" and type in one.targets
    }
    return tuple(found.values())
