"""What of a record is one person's, over all versions: what an erasure takes, and what is others' too and stays.

A person is a Patient and the Patients that it was merged with. Theirs is what was ever in their compartments and in nobody
else's, what belongs to no patient and refers to that, and the originals of the messages that told of them.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from onmaru.fhir import search, structure
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.chart import Tenant
from onmaru.kernel.gate import ALL
from onmaru.kernel.log import Version

Name = tuple[str, str]
# Reverse references to follow: by these, what belongs to no patient may speak of one
LINKS = (
    ("Provenance", "target"),
    ("Provenance", "entity"),
    ("Task", "focus"),
    ("Task", "subject"),
    ("AuditEvent", "entity"),
    ("List", "item"),
    ("MessageHeader", "focus"),
    ("DocumentReference", "related"),
    ("DocumentReference", "relatesto"),
    ("DocumentManifest", "item"),
    ("Basic", "subject"),
)
# Of these what others have a part in is written again without the person: the members that say whom it is about
REWRITTEN = {"Provenance": ("target", "entity"), "Group": ("member",), "List": ("entry",)}
REQUIRED = {"Provenance": "target"}
ORIGINAL = ("urn:onmaru:document", "message")
BLOB = "urn:onmaru:blob:"
_BLOB = re.compile(rb'"urn:onmaru:blob:([0-9a-f]{64})"')
_BINARY = re.compile(rb'"(?:[^"\\]*/)?Binary/([A-Za-z0-9\-.]{1,64})(?:/_history/[^"\\]*)?"')
_REFERENCE = re.compile(rb'"reference":"(?:[^"\\]*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^"\\]*)?"')
EVERY = 2**31
SLICE = 10
BATCH = 200
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Rewrite(msgspec.Struct, frozen=True):
    """A resource that others have a part in, as it shall stand without the person; None: nothing is left of it."""

    type: str
    id: str
    body: bytes | None


class Reach(msgspec.Struct, frozen=True):
    """`own` goes. `rewritten` goes and is written again without the person. `shared` is others' too and cannot be parted.

    `versions` are those of `own`, `numbers` the identifiers of the person, `blobs` what only `own` refers to.
    """

    people: tuple[str, ...]
    own: tuple[Name, ...]
    versions: tuple[Version, ...]
    rewritten: tuple[Rewrite, ...]
    shared: tuple[Name, ...]
    shared_versions: tuple[Version, ...]
    blobs: tuple[str, ...]
    numbers: frozenset[str]


class _Link(msgspec.Struct):
    type: str = ""
    other: dict[str, Any] = {}


class _Number(msgspec.Struct):
    value: str = ""


class _Patient(msgspec.Struct):
    link: list[_Link] = []
    identifier: list[_Number] = []


_patient = msgspec.json.Decoder(_Patient).decode


def reaching(tenant: Tenant, patient: str) -> Generator[None, None, Reach]:
    """Everything of the person whose Patient this is, whatever any caller may see of it, durable or not yet.

    In short slices, all of one position: what is appended meanwhile is not in it.
    """
    return _Walk(tenant).run(patient)


class _Walk:
    def __init__(self, tenant: Tenant) -> None:
        self._index = tenant.index
        self._t = tenant.log.tip()
        self._people: dict[str, None] = {}
        self._own: dict[Name, list[Version]] = {}
        self._apart: dict[Name, list[Version]] = {}
        self._shared: dict[Name, list[Version]] = {}

    def run(self, patient: str) -> Generator[None, None, Reach]:
        self._meet(patient)
        waiting = [name for one in self._people for name in (("Patient", one), *self._index.belonging(one, self._t))]
        while waiting:
            waiting = yield from self._round(waiting)
        rewritten = [rewrite for name in self._apart if (rewrite := self._without(name)) is not None]
        own = dict(sorted(self._own.items()))
        bodies = [version.body for versions in own.values() for version in versions if version.body]
        named = {blob.decode() for body in bodies for blob in _BLOB.findall(body)}
        gone = {*own, *((one.type, one.id) for one in rewritten)}
        return Reach(
            tuple(self._people),
            tuple(own),
            tuple(version for versions in own.values() for version in versions),
            tuple(rewritten),
            tuple(sorted(self._shared)),
            tuple(version for name in sorted(self._shared) for version in self._shared[name]),
            tuple(sorted(blob for blob in named if self._documents(BLOB + blob) <= gone)),
            frozenset(self._numbers()),
        )

    def _meet(self, patient: str) -> None:
        """The Patients that are the same person by replaces and replaced-by, whichever of two says so."""
        waiting = [patient]
        while waiting:
            one = waiting.pop()
            if one in self._people:
                continue
            self._people[one] = None
            waiting += self._merged(one)
            for type, id in self._index.referring(("Patient", "link"), [("Patient", one)], self._t):
                if type == "Patient" and one in self._merged(id):
                    waiting.append(id)

    def _merged(self, patient: str) -> list[str]:
        links = (link for v in self._versions(("Patient", patient)) if v.body for link in _patient(v.body).link)
        found = (str(one.other.get("reference", "")) for one in links if one.type in ("replaces", "replaced-by"))
        return [reference.rpartition("/")[2] for reference in found if "Patient/" in reference]

    def _numbers(self) -> Iterator[str]:
        for patient in self._people:
            for version in self._versions(("Patient", patient)):
                if version.body:
                    yield from (one.value for one in _patient(version.body).identifier if one.value)

    def _versions(self, name: Name) -> list[Version]:
        found = self._index.history(*name, (self._t, 0, 0), EVERY, ALL).versions
        return [version for version in found if version.op != "erase"]

    def _round(self, names: Sequence[Name]) -> Generator[None, None, list[Name]]:
        """Judge resources; gives what hangs on those that are the person's own."""
        hanging: list[Name] = []
        before = set(self._own)
        for number, name in enumerate(names):
            if number % SLICE == 0:
                yield
            if not self._known(name):
                hanging += self._judged(name)
        fresh = [name for name in self._own if name not in before]
        for start in range(0, len(fresh), BATCH):
            for link in LINKS:
                found = self._index.referring(link, fresh[start : start + BATCH], self._t)
                hanging += [name for name in found if not self._known(name) and self._loose(name)]
                yield
        return hanging

    def _known(self, name: Name) -> bool:
        return name in self._own or name in self._apart or name in self._shared

    def _judged(self, name: Name) -> Iterable[Name]:
        """Put a resource where it belongs; what it names that goes with it."""
        versions = self._versions(name)
        bodies = [version for version in versions if version.body]
        if not bodies and name[0] != "Patient":
            return ()  # erased before
        if self._others(name, bodies) and not self._original(bodies):
            (self._apart if name[0] in REWRITTEN else self._shared)[name] = versions
            return _told_by(bodies) if name[0] == "Provenance" else ()
        self._own[name] = versions
        found = {("Binary", id.decode()) for version in bodies for id in _BINARY.findall(version.body or b"")}
        return [*sorted(found), *(_told_by(bodies) if name[0] == "Provenance" else ())]

    def _others(self, name: Name, bodies: Sequence[Version]) -> bool:
        """Whether a resource is somebody else's too; one of no patient is whose the resources are that it refers to."""
        whose = {patient for version in bodies for patient in self._index.compartments(version).own}
        if name[0] == "Binary":
            whose |= {p for other in self._documents("/".join(name)) for p in self._compartments(*other)}
        if not whose:
            whose = {p for type, id in _referred(bodies) for p in self._compartments(type, id)}
        return not whose <= self._people.keys()

    def _compartments(self, type: str, id: str) -> Sequence[str]:
        found = self._index.latest(type, id, self._t) if type else None
        return self._index.compartments(found).own if found is not None else ()

    def _original(self, bodies: Sequence[Version]) -> bool:
        """Whether it is the original of a message: one message is one whole, and goes with any person it tells of."""
        if not bodies or bodies[0].type != "DocumentReference":
            return False
        tokens = self._index.keys(bodies[0]).token
        return any((system, code) == ORIGINAL for _, system, code in tokens)

    def _loose(self, name: Name) -> bool:
        """Whether it belongs to no patient; what belongs to one is met in the compartments."""
        return not any(self._index.compartments(version).own for version in self._versions(name))

    def _documents(self, location: str) -> set[Name]:
        """The documents that stand now and have an attachment there."""
        query = search.parse(("DocumentReference",), [("location", location), ("_total", "none")])
        query = msgspec.structs.replace(query, count=EVERY)
        return {(v.type, v.id) for v in self._index.find(query, self._t, 0, 0, ALL).versions}

    def _without(self, name: Name) -> Rewrite | None:
        """The resource without this person; None, and it is shared, when it speaks of the person elsewhere too."""
        newest = max(self._apart[name], key=lambda version: version.version)
        if newest.body is None:
            return Rewrite(*name, None)
        members = {key: bytes(value) for key, value in _members(newest.body).items() if key != "text"}
        for key in REWRITTEN[name[0]]:
            if key in members:
                left = [one for one in _elements(members[key]) if not self._speaks(bytes(one))]
                members[key] = _encode(left) if left else b""
        if not members.get(REQUIRED.get(name[0], "resourceType")):
            return Rewrite(*name, None)
        body = b"{%s}" % b",".join(_encode(key) + b":" + value for key, value in members.items() if value)
        if self._speaks(body) or not _valid(body, name[0]):
            self._shared[name] = self._apart[name]
            return None
        return Rewrite(*name, body)

    def _speaks(self, raw: bytes) -> bool:
        return any((type.decode(), id.decode()) in self._own for type, id in _REFERENCE.findall(raw))


def _valid(body: bytes, type: str) -> bool:
    try:
        structure.admit(body, type)
    except Invalid:
        return False
    return True


def _referred(bodies: Sequence[Version]) -> set[Name]:
    found = {one for version in bodies if version.body for one in _REFERENCE.findall(version.body)}
    return {(type.decode(), id.decode()) for type, id in found}


def _told_by(bodies: Sequence[Version]) -> list[Name]:
    """What a Provenance tells of one message: the original it names as its source, and the MessageHeader it targets."""
    found = {}
    for version in bodies:
        members = _members(version.body or b"{}")
        for key, type in (("entity", b"DocumentReference"), ("target", b"MessageHeader")):
            for one in _REFERENCE.findall(bytes(members.get(key, b""))):
                found[one] = one[0] == type
    return [(type.decode(), id.decode()) for (type, id), wanted in found.items() if wanted]
