"""_include and _revinclude (FHIR R4 search 3.1.1.5.4): what a page's matches point at, or what points at them, as the
caller sees it. Bounded by count and by rounds; where a bound cut something off, that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onmaru.fhir import search
from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Clause, Either, Include, Parameter, Query, Ref, Text, Token
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.gate import Sight
from onmaru.kernel.index import Index
from onmaru.kernel.log import Version

MOST = 1000
ROUNDS = 16
# References that are followed, and resources times reference parameters that one `*` may ask for
PAIRS = 50_000


def included(
    index: Index, query: Query, matches: Sequence[Version], t: int, sight: Sight
) -> tuple[list[Version], bool]:
    """At most MOST resources, none twice and none that is itself a match, in the order they were found; whether some were
    left out.
    """
    if not query.include and not query.revinclude:
        return [], False
    found = _Found(index, t, sight, matches)
    newest: Sequence[Version] = matches
    for number in range(ROUNDS):
        before = len(found.extra)
        for include in query.include:
            if include.iterate or not number:
                found.add(found.forward(include, newest))
        for include in query.revinclude:
            if include.iterate or not number:
                found.add(found.backward(include, newest))
        newest = found.extra[before:]
        if not newest or found.cut:
            return found.extra, found.cut
    return found.extra, any(one.iterate for one in (*query.include, *query.revinclude))


class _Found:
    """What was found so far for one page."""

    def __init__(self, index: Index, t: int, sight: Sight, matches: Sequence[Version]) -> None:
        self.extra: list[Version] = []
        self.cut = False
        self._asked = 0
        self._index = index
        self._t = t
        self._sight = sight
        self._shown = {version.name for version in matches}

    def add(self, versions: Iterator[Version]) -> None:
        """Take what is new, up to MOST."""
        for version in versions:
            if version.name in self._shown:
                continue
            if len(self.extra) == MOST:
                self.cut = True
                return
            self._shown.add(version.name)
            self.extra.append(version)

    def forward(self, include: Include, versions: Sequence[Version]) -> Iterator[Version]:
        """What these refer to."""
        for version in versions:
            if include.source not in ("*", version.type):
                continue
            rows = self._index.references(version)
            # A canonical with a version has a second row without it
            plain = {(sp, id.partition("|")[0]) for sp, type, id in rows if not type and "|" in id}
            for sp, type, id in rows:
                if (include.parameter is None or sp == include.parameter.sp) and (sp, id) not in plain:
                    self._asked += 1
                    yield from self._targets(include, type, id)
            if self._asked > PAIRS:
                self.cut = True
                return

    def _targets(self, include: Include, type: str, id: str) -> Iterator[Version]:
        if not type:
            yield from self._canonical(include, id)
        elif include.target in ("", type):
            found = self._index.latest(type, id, self._t)
            if found is not None and found.body is not None and self._shows(found):
                yield found

    def _shows(self, version: Version) -> bool:
        return self._sight.shows(version, self._index.compartments(version), self._index.keys)

    def _canonical(self, include: Include, url: str) -> Iterator[Version]:
        """A canonical names its target by url and perhaps version; the newest first where several have them."""
        targets = include.parameter.targets if include.parameter is not None else ()
        plain, _, version = url.partition("|")
        for type in targets if len(targets) <= 5 else ():
            known = search.parameters(type)
            if include.target not in ("", type) or "url" not in known:
                continue
            asked = [Clause(known["url"], "", (Text(plain),))]
            if version and "version" in known:
                asked.append(Clause(known["version"], "", (Token(None, version.casefold()),)))
            yield from self._find(Query((type,), tuple(asked)))

    def backward(self, include: Include, versions: Sequence[Version]) -> Iterator[Version]:
        """What refers to these."""
        clauses = []
        for parameter in _referring(include):
            names = tuple(Ref(one.type, one.id) for one in versions if _reaches(include, parameter, one.type))
            if names:
                clauses.append(("", Clause(parameter, "", names)))
        if sum(len(clause.values) for _, clause in clauses) > PAIRS:
            raise invalid("too-costly", "too many resources for a wildcard; use a smaller _count", "_revinclude")
        if clauses:
            types = () if include.source == "*" else (include.source,)
            yield from self._find(Query(types, (Either(tuple(clauses)),)))

    def _find(self, query: Query) -> Iterator[Version]:
        """One more than there is room for, so that a cut shows."""
        asked = Query(query.types, query.clauses, count=MOST + len(self._shown) + 1, total="none")
        yield from self._index.find(asked, self._t, 0, 0, self._sight).versions


def _referring(include: Include) -> Sequence[Parameter]:
    """The parameters that a `_revinclude` goes through, each once."""
    if include.parameter is not None:
        return (include.parameter,)
    types = sorted(RESOURCE_TYPES) if include.source == "*" else (include.source,)
    every = (one for type in types for one in search.parameters(type).values() if one.kind == "reference")
    return tuple(dict.fromkeys(every))


def _reaches(include: Include, parameter: Parameter, type: str) -> bool:
    return include.target in ("", type) and type in parameter.targets
