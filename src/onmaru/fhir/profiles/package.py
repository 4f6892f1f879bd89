"""A FHIR package as registries deliver it: npm's gzipped tar with `package/package.json` and one resource a file.

Read in memory and never unpacked; what it may hold is bounded, since whoever hands one in may mean harm.
"""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from typing import Any

import msgspec

from onmaru.fhir import structure
from onmaru.fhir.outcome import Invalid, Issue, invalid

KEPT = ("StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap")
CORE = frozenset({"hl7.fhir.r4.core", "hl7.fhir.core"})
LARGEST = 256 << 20
"""Bytes of an unpacked archive."""
MANIFEST = "package/package.json"
_FILE = re.compile(r"package/(?:[A-Za-z0-9_.]+/)?([A-Za-z]+)-[^/]+\.json")
_SKIPPED = re.compile(r"package/(?:example|examples|other|openapi|xml|tests)/")


class Manifest(msgspec.Struct, rename="camel"):
    """The part of package.json that a server goes by (the FHIR package specification)."""

    name: str
    version: str
    title: str = ""
    canonical: str = ""
    dependencies: dict[str, str] = {}
    fhir_versions: list[str] = []


class Member(msgspec.Struct, frozen=True):
    """One conformance resource of a package: admitted, compact bytes."""

    type: str
    id: str
    url: str
    body: bytes


class Package(msgspec.Struct, frozen=True):
    """`left_out`: the problems of the files that are not valid R4, which a package may well have; each names its file."""

    manifest: Manifest
    members: tuple[Member, ...]
    left_out: tuple[Issue, ...] = ()

    @property
    def name(self) -> str:
        """`name#version`."""
        return f"{self.manifest.name}#{self.manifest.version}"


def read(data: bytes) -> Package:
    """Read a `.tgz`. Raises Invalid 400 for what is no package, 422 where it is not for R4 or all of it is broken."""
    try:
        manifest, files = _files(data)
    except (tarfile.TarError, zlib.error, EOFError):
        raise invalid("structure", "the file is no gzipped tar") from None
    if manifest is None:
        raise invalid("structure", "the archive has no package/package.json")
    try:
        told = msgspec.json.decode(manifest, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid("structure", "package/package.json has no name and version") from None
    if told.fhir_versions and not any(one.startswith("4.0") for one in told.fhir_versions):
        raise invalid("not-supported", "the package is not for FHIR R4 (4.0)", "fhirVersions", 422)
    members: list[Member] = []
    problems: list[Issue] = []
    for name, raw in files:
        try:
            members += _member(raw)
        except Invalid as error:
            problems += [Issue(i.code, i.text, f"{name} {i.expression}".strip()) for i in error.issues]
    if problems and not members:
        raise Invalid(problems, 422)
    return Package(told, tuple(members), tuple(problems))


def _files(data: bytes) -> tuple[bytes | None, list[tuple[str, bytes]]]:
    """package.json, and (name, bytes) of each file whose name says that it is of a kind that is kept."""
    manifest, files = None, []
    with tarfile.open(fileobj=io.BytesIO(_unpacked(data)), mode="r:") as tar:
        for entry in tar:
            name = entry.name.removeprefix("./")
            match = _FILE.fullmatch(name)
            wanted = match is not None and match[1] in KEPT and not _SKIPPED.match(name)
            stream = tar.extractfile(entry) if entry.isfile() and (wanted or name == MANIFEST) else None
            if stream is not None and wanted:
                files.append((name, stream.read()))
            elif stream is not None:
                manifest = stream.read()
    return manifest, files


def _unpacked(data: bytes) -> bytes:
    """The whole archive. Raises Invalid 413 for one that grows beyond all use, zlib.error for one that is cut off."""
    unpacking = zlib.decompressobj(31)
    raw = unpacking.decompress(data, LARGEST)
    if unpacking.unconsumed_tail:
        raise invalid("too-costly", "the package holds more than a server takes", status=413)
    if not unpacking.eof:
        raise zlib.error
    return raw


def _member(raw: bytes) -> list[Member]:
    """The resource of one file; none where it has no canonical by which it could be found."""
    compact, resource = structure.admit(raw)
    type_name = structure.type_of(compact)
    url: Any = getattr(resource, "url", None)
    if type_name not in KEPT or not url or not resource.id:
        return []
    return [Member(type_name, resource.id, url, compact)]
