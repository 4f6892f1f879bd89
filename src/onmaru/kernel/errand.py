"""Work on large bytes that holds up everybody where it is done, and so may be done elsewhere: pure, and plain data.

A generator yields an errand; whoever drives it may send in the result, or None, and then it is done on the spot.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir import search, structure, verbatim
from onmaru.fhir.keys import Keys
from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.kernel.compartment import inherit

# Bytes of a resource whose checking takes several milliseconds, and of a Bundle that take as long to take apart
HEAVY = 128 << 10
HEAVY_BUNDLE = 512 << 10
# Search keys of one resource, pairs of patient and code among them. Each costs the index about 20 µs on the loop that
# answers everybody; the fullest of the real resources tried has some thousands
MOST_KEYS = 50_000
_CONDITIONAL = re.compile(rb'"reference"\s*:\s*("[A-Z][A-Za-z]+\?(?:[^"\\]|\\.)*")')


class Refused(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    """An `Invalid` on its way back. Each result has a `body`, each errand `raw`: large bytes that travel as they are."""

    issues: list[Issue]
    status: int
    body: bytes = b""


class Admitted(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    """A resource that was admitted: compact and linked bytes, the id within them, search keys; `spots` of large bytes."""

    body: bytes
    id: str
    keys: Keys
    spots: verbatim.Spots | None


class Admit(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    """Check one resource of `type`; strict: every structural problem at once. `links`: what references stand for."""

    type: str
    raw: bytes
    compacted: bool
    links: Mapping[str, str]

    def done(self) -> Admitted:
        """Raises Invalid 400 or 422."""
        raw, compacted = self._linked() if self.links else (self.raw, self.compacted)
        body, resource = structure.admit(raw, self.type, compacted=compacted)
        keys = inherit(search.extract(resource), self.type, body)
        if _count(self.type, keys) > MOST_KEYS:
            raise invalid("too-costly", f"has over {MOST_KEYS} values that can be searched by", self.type, 422)
        return Admitted(body, resource.id or "", keys, verbatim.spots(body) if len(body) > HEAVY else None)

    def _linked(self) -> tuple[bytes, bool]:
        """The body with its references resolved, and whether it is compact; what is no JSON is left to `admit`."""
        try:
            small = self.raw if self.compacted else msgspec.json.format(self.raw, indent=-1)
        except msgspec.DecodeError:
            return self.raw, False
        return verbatim.relink(small, self.links), True


class Opened(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    """A posted Bundle: compact bytes, type, entries without their resources, where those lie, their conditional references.

    A resource that is absent lies at (0, 0).
    """

    body: bytes
    kind: str
    entries: list[verbatim.Entry]
    places: list[tuple[int, int]]
    references: list[Sequence[str]]

    def entry(self, number: int) -> verbatim.Entry:
        """One entry with its resource."""
        start, end = self.places[number]
        return msgspec.structs.replace(self.entries[number], resource=self.body[start:end] or None)


class Open(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    """Take a posted transaction or batch apart, at most `most` entries; its resources are looked at later."""

    raw: bytes
    most: int

    def done(self) -> Opened:
        """Raises Invalid 400, 413 or 422."""
        small, (kind, entries) = self._apart()
        if kind not in ("transaction", "batch"):
            raise invalid("value", "only a transaction or a batch can be posted to the base", "Bundle.type")
        if len(entries) > self.most:
            text = f"more than {self.most} entries; use $import (onmaru load) for bulk data"
            raise invalid("too-costly", text, "Bundle.entry", 413)
        resources = [entry.resource or b"" for entry in entries]
        structure.envelope(small, resources)
        places, at = [], 0
        for resource in resources:
            start = small.index(resource, at) if resource else 0
            places.append((start, start + len(resource)))
            at = places[-1][1] or at
        bare = [msgspec.structs.replace(entry, resource=None) for entry in entries]
        return Opened(small, kind, bare, places, [conditional_references(resource) for resource in resources])

    def _apart(self) -> tuple[bytes, tuple[str, list[verbatim.Entry]]]:
        """The compact Bundle, its type and its entries; where that fails, `admit` knows what is wrong and where."""
        try:
            small = msgspec.json.format(self.raw, indent=-1)
            return small, verbatim.entries(small)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Invalid):
            structure.admit(self.raw, "Bundle", deep=False)
            raise


class Relink(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    """Resolve the references of compact bytes."""

    raw: bytes
    links: Mapping[str, str]

    def done(self) -> Relinked:
        return Relinked(verbatim.relink(self.raw, self.links))


class Relinked(msgspec.Struct, tag=True, tag_field="errand", array_like=True):
    body: bytes


Errand = Admit | Open | Relink
Result = Admitted | Opened | Relinked | Refused


def carried(errand: Errand) -> Generator[Errand, Result | None, Any]:
    """Have one errand carried out, here or elsewhere; small ones are not worth the way."""
    small = len(errand.raw) <= (HEAVY_BUNDLE if isinstance(errand, Open) else HEAVY)
    result = None if small else (yield errand)
    if result is None:
        return errand.done()
    if isinstance(result, Refused):
        raise Invalid(result.issues, result.status)
    return result


def conditional_references(body: bytes) -> Sequence[str]:
    """The conditional references (`Type?criteria`) of a body, as they are written."""
    if b"?" not in body:
        return []
    return [msgspec.json.decode(found) for found in _CONDITIONAL.findall(body)]


def _count(type: str, keys: Keys) -> int:
    """How many rows the keys make, about: those by patient and code are pairs."""
    coded = len(keys.token) + len(keys.text) + len(keys.reference) + len(keys.composite)
    count = coded + len(keys.heir_of) + len(keys.date) + len(keys.string) + len(keys.quantity)
    whose = search.parameters(type).get("patient") if count > 400 else None
    if whose is None:
        return count
    return count + len(keys.token) * max(0, sum(1 for one in keys.reference if one[0] == whose.sp) - 1)
