"""The rows that one batch of versions adds to a search index, gathered by table and written in slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol, TypeVar

from pyroaring import BitMap

from onmaru.engines.index.heirs import Heirs
from onmaru.engines.index.marks import URIS, of_type, paired
from onmaru.engines.index.names import TYPES, Names
from onmaru.engines.index.words import terms
from onmaru.fhir import search
from onmaru.fhir.keys import Keys
from onmaru.kernel.log import Version

NAMES = ("ver", "hist", "dead", "comp", "link", "heir", "pc", "tok", "ref", "dat", "str", "qty", "txt")
NO_CODE = "\x00text"
SECURITY = search.parameters("Patient")["_security"].sp
# Rows written in one go: about four milliseconds of the loop that answers everybody.
SLICE_ROWS = 500
# Texts times codes of one parameter up to which each text is kept with each code: beyond, it is kept without a code, for a
# candidate is looked at again anyway.
MOST_PAIRS = 2000
# Keys of a version up to which none of its rows are worth a pause; so few make fewer pairs than MOST_PAIRS
FEW = 80
Row = TypeVar("Row")


class Into(Protocol):
    """The index that rows are for (`Tables`): what it knows already, and where they are put."""

    names: Names
    heirs: Heirs
    slice: int
    by_type: dict[int, BitMap]
    dead: BitMap
    labelled: BitMap

    def put(self, rows: Mapping[str, list[tuple[Any, ...]]]) -> None: ...

    def last(self, rid: int, t: int) -> int | None: ...

    def patients(self, t: int) -> str: ...


class Rows:
    """The rows that one batch adds, by table."""

    def __init__(self, file: Into) -> None:
        self.file = file
        self.names = file.names
        self.tables: dict[str, list[tuple[Any, ...]]] = {name: [] for name in NAMES}
        self.latest: dict[int, int] = {}
        self.pats: dict[int, str] = {}
        self._live: list[tuple[int, int]] = []
        self._labelled: list[int] = []
        self._weight = 0

    def flush(self) -> None:
        """Write what has gathered. The bitmaps follow the tables, so that whoever looks in between sees both or neither."""
        for found in self.tables.values():
            found.sort()
        self.file.put(self.tables)
        self.file.dead.update([before for _, before in self.tables["dead"]])
        for type, t in self._live:
            self.file.by_type[type].add(t)
        self.file.labelled.update(self._labelled)
        self._labelled.clear()
        for found in self.tables.values():
            found.clear()
        self._live.clear()
        self._weight = 0

    def add(self, version: Version, keys: Keys | None) -> Iterator[int] | None:
        """Gather the rows of one version; of a version with many, those of its keys come as the iterator is drawn."""
        type, t = TYPES[version.type], version.t
        rid = self.names.rid(version.type, version.id)
        before = None
        if version.version > 1:
            before = self.latest.get(rid) or self.file.last(rid, t - 1)
        self.latest[rid] = t
        if before is not None:
            self.tables["dead"].append((t, before))
        self.tables["hist"].append((rid, t))
        self.file.heirs.note(version, rid, before)
        if keys is None:
            self._gone(version, type, rid, before)
            self._weight += 10
            return None
        self._live.append((type, t))
        if keys.labels:
            self._labelled.append(t)
        patients = [rid] if version.type == "Patient" else [self.names.rid("Patient", p) for p in keys.patients]
        pats = ",".join(map(str, patients))
        self.pats[t] = pats
        self.tables["ver"].append((t, rid, type, 1, pats))
        self.tables["comp"] += [(patient, t) for patient in patients]
        coded = len(keys.token) + len(keys.text) + len(keys.reference)
        count = coded + len(keys.typed) + len(keys.date) + len(keys.string) + len(keys.quantity)
        found = terms(version.body or b"", keys)
        count += len(found)
        self._weight += 4 + len(patients)
        if count + len(keys.heir_of) > FEW:
            return chain(self._links(t, keys), self._keys(version.type, t, keys), self._terms(t, found))
        if keys.heir_of:
            self.tables["link"] += self.file.heirs.links(t, keys.heir_of)
            self._weight += 3 * len(keys.heir_of)
        self._few(version.type, t, keys)
        self.tables["tok"] += [(sp, self.names.codes[term], 0, t) for sp, term in found]
        self._weight += count
        return None

    def bare(self, type: str, t: int, keys: Keys) -> None:
        """Gather the rows of keys, without those of the version that has them."""
        self._few(type, t, keys)

    def full(self, rows: int = 0) -> bool:
        """Count rows in; whether so many have gathered that they had better be written."""
        self._weight += rows
        return self._weight >= self.file.slice

    def _gone(self, version: Version, type: int, rid: int, before: int | None) -> None:
        """A deletion belongs to the patients of the version before it, an erasure to nobody; neither is in other tables."""
        pats = ""
        if before is not None and version.op != "erase":
            pats = self.pats.get(before) or self.file.patients(before)
        self.pats[version.t] = pats
        self.tables["ver"].append((version.t, rid, type, 0, pats))
        for patient in filter(None, pats.split(",")):
            self.tables["comp"].append((int(patient), version.t))

    def _few(self, type: str, t: int, keys: Keys) -> None:
        """What `_keys` does, for nearly every version there is: all at once, which costs half as much."""
        tables, codes, systems, rids = self.tables, self.names.codes, self.names.systems, self.names.rids
        tokens = [(sp, codes[code], systems[system], t) for sp, system, code in keys.token]
        tables["tok"] += tokens
        tables["dat"] += [(sp, low, high, t) for sp, low, high in keys.date]
        tables["str"] += [(sp, search.normal(text), t) for sp, text in keys.string]
        tables["qty"] += [(sp, value, codes[code], systems[s], t) for sp, s, code, value in keys.quantity]
        patient_sp, code_sps = paired(type)
        for sp, target, id in keys.reference:
            found = rids[target, id]
            tables["ref"].append((sp, found, t))
            if sp == patient_sp:
                tables["pc"] += [(found, s, c, system, t) for s, c, system, _ in tokens if s in code_sps]
        if keys.typed:
            tables["tok"] += [(sp, codes[of_type(*typed)], 0, t) for sp, *typed in keys.typed]
        tables["txt"] += [(sp, url, codes[url], 0) for sp, _, url in keys.token if sp in URIS]
        for sp, text in keys.text:
            own = [(c, s) for one, c, s, _ in tokens if one == sp]
            if not own:
                tables["tok"].append((sp, codes[NO_CODE], 0, t))
                own = [(codes[NO_CODE], 0)]
            norm = search.normal(text)
            tables["txt"] += [(sp, norm, c, s) for c, s in own]

    def _terms(self, t: int, found: Sequence[tuple[int, str]]) -> Iterator[int]:
        """The words of free text, some hundreds at a time."""
        for some in _parts(found):
            self.tables["tok"] += [(sp, self.names.codes[term], 0, t) for sp, term in some]
            yield len(some)

    def _links(self, t: int, keys: Keys) -> Iterator[int]:
        """What the version inherits from, some hundreds at a time; yields how many rows that may come to."""
        for heir_of in _parts(keys.heir_of):
            self.tables["link"] += self.file.heirs.links(t, heir_of)
            yield 3 * len(heir_of)

    def _keys(self, type: str, t: int, keys: Keys) -> Iterator[int]:
        """The rows of the keys, some hundreds at a time; yields how many."""
        names, tables = self.names, self.tables
        codes, systems = names.codes, names.systems
        patient_sp, code_sps = paired(type)
        whose = [names.rid(target, id) for sp, target, id in keys.reference if sp == patient_sp]
        tokens: list[tuple[int, int, int, int]] = []
        for some in _parts(keys.token):
            part = [(sp, codes[code], systems[system], t) for sp, system, code in some]
            tokens += part
            tables["tok"] += part
            tables["txt"] += [(sp, url, codes[url], 0) for sp, _, url in some if sp in URIS]
            coded = [(s, c, system, t) for s, c, system, _ in part if s in code_sps]
            tables["pc"] += [(rid, *one) for rid in whose for one in coded]
            yield len(part) + len(whose) * len(coded)
        for dates in _parts(keys.date):
            tables["dat"] += [(sp, low, high, t) for sp, low, high in dates]
            yield len(dates)
        for strings in _parts(keys.string):
            tables["str"] += [(sp, search.normal(text), t) for sp, text in strings]
            yield len(strings)
        for amounts in _parts(keys.quantity):
            tables["qty"] += [(sp, value, codes[code], systems[s], t) for sp, s, code, value in amounts]
            yield len(amounts)
        for typed in _parts(keys.typed):
            tables["tok"] += [(sp, codes[of_type(*one)], 0, t) for sp, *one in typed]
            yield len(typed)
        for references in _parts(keys.reference):
            tables["ref"] += [(sp, names.rid(target, id), t) for sp, target, id in references]
            yield 2 * len(references)
        yield from self.texts(keys.text, tokens, t)

    def texts(
        self, texts: Sequence[tuple[int, str]], tokens: Sequence[tuple[int, int, int, int]], t: int
    ) -> Iterator[int]:
        """Which codes a display occurs with; where there are none, or very many, it gets a token of its own."""
        if not texts:
            return
        codes: dict[int, list[tuple[int, int]]] = {}
        for sp, c, s, _ in tokens:
            codes.setdefault(sp, []).append((c, s))
        many = Counter(sp for sp, _ in texts)
        for some in _parts(texts):
            before = len(self.tables["txt"])
            for sp, text in some:
                norm, own = search.normal(text), codes.get(sp, [])
                if not own or len(own) * many[sp] > MOST_PAIRS:
                    code = self.names.code(NO_CODE)
                    self.tables["tok"].append((sp, code, 0, t))
                    own = [(code, 0)]
                self.tables["txt"] += [(sp, norm, c, s) for c, s in own]
            yield len(self.tables["txt"]) - before


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """All of them at once where they are few, as they nearly always are."""
    if len(rows) <= SLICE_ROWS:
        if rows:
            yield rows
        return
    for start in range(0, len(rows), SLICE_ROWS):
        yield rows[start : start + SLICE_ROWS]
