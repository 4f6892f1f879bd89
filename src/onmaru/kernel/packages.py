"""Packages of definitions as resources of the record: installed, replaced and removed whole, each in one transaction.

An ImplementationGuide under the package's name says which of the resources came with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.fhir.profiles.definition import canonical_of
from onmaru.fhir.profiles.package import CORE, Manifest, Member, Package
from onmaru.fhir.query import Query
from onmaru.kernel.entry import ID
from onmaru.kernel.record import Change, Page, Written

GUIDE = "ImplementationGuide"
TAG = "urn:onmaru:package"
MANY = 10_000


class Definitions(Protocol):
    """The part of a Record that packages need."""

    def search(self, query: Query) -> Page: ...

    def write(self, changes: Sequence[Change]) -> Sequence[Written]: ...


class Installed(msgspec.Struct, frozen=True):
    """One installed package. `missing`: the dependencies, `name#version`, that are not installed."""

    name: str
    version: str
    title: str
    resources: int
    missing: tuple[str, ...]


def installed(record: Definitions) -> list[Installed]:
    """Every package of the record, by name."""
    guides = _guides(record)
    names = set(guides) | CORE
    return [_told(guide, names) for _, guide in sorted(guides.items())]


def install(record: Definitions, package: Package) -> Installed:
    """Write a package's definitions, in place of an earlier version's. Raises Invalid 409 where an id is another's."""
    name = package.manifest.name
    if not ID.fullmatch(name):
        raise invalid("value", "a package's name has letters, digits, - and ., at most 64", "name", 422)
    if not package.members:
        raise invalid("required", "the package holds no profile, extension, value set or code system", status=422)
    if package.manifest.name in CORE:
        raise invalid("duplicate", "R4's own definitions are part of the program", "name", 422)
    _refuse_taken(record, package)
    guides = _guides(record)
    before = guides.get(name)
    mine = {f"{one.type}/{one.id}" for one in package.members}
    gone = [one for one in (_references(before) if before is not None else ()) if one not in mine]
    changes = [Change("update", one.type, one.id, one.body, compacted=True) for one in package.members]
    changes += [_deletion(one) for one in gone]
    guide = _guide(package)
    record.write([*changes, Change("update", GUIDE, name, msgspec.json.encode(guide))])
    return _told(guide, {*guides, name, *CORE})


def remove(record: Definitions, name: str) -> int:
    """Delete a package's definitions; how many there were. Raises Invalid 404 for one that is not installed."""
    guide = _guides(record).get(name)
    if guide is None:
        raise invalid("not-found", "no package of this name is installed", status=404)
    references = _references(guide)
    record.write([*map(_deletion, references), Change("delete", GUIDE, name)])
    return len(references)


def _deletion(reference: str) -> Change:
    type_name, _, id = reference.partition("/")
    return Change("delete", type_name, id)


def _guides(record: Definitions) -> dict[str, Mapping[str, Any]]:
    """Package name → its ImplementationGuide."""
    found = record.search(Query((GUIDE,), count=MANY)).matches
    guides = [msgspec.json.decode(one.body) for one in found if one.body is not None]
    return {one["packageId"]: one for one in guides if any(t.get("system") == TAG for t in _tags(one))}


def _tags(guide: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    tags: Sequence[Mapping[str, str]] = guide.get("meta", {}).get("tag", ())
    return tags


def _references(guide: Mapping[str, Any]) -> list[str]:
    return [one["reference"]["reference"] for one in guide["definition"]["resource"]]


def _told(guide: Mapping[str, Any], names: set[str]) -> Installed:
    needed = [f"{one['packageId']}#{one.get('version', '')}" for one in guide.get("dependsOn", ())]
    missing = tuple(one for one in needed if one.partition("#")[0] not in names)
    return Installed(
        guide["packageId"], guide.get("version", ""), guide.get("title", ""), len(_references(guide)), missing
    )


def _refuse_taken(record: Definitions, package: Package) -> None:
    """A definition of another canonical under the same id is somebody else's."""
    by_name = {(one.type, one.id): one for one in package.members}
    if len(by_name) < len(package.members):
        raise invalid("duplicate", "two resources of the package have one id", status=422)
    problems = []
    for type_name in sorted({one.type for one in package.members}):
        for version in record.search(Query((type_name,), count=MANY)).matches:
            mine = by_name.get((type_name, version.id))
            if mine is not None and version.body is not None and canonical_of(version.body) != mine.url:
                problems.append(Issue("conflict", "the id is taken by another definition", f"{type_name}/{version.id}"))
    if problems:
        raise Invalid(problems, 409)


def _guide(package: Package) -> dict[str, Any]:
    told = package.manifest
    depends = [_depends(name, version) for name, version in sorted(told.dependencies.items())]
    return {
        "resourceType": GUIDE,
        "id": told.name,
        "meta": {"tag": [{"system": TAG, "code": "package"}]},
        "url": f"{told.canonical or f'urn:onmaru:package:{told.name}'}/ImplementationGuide/{told.name}",
        "version": told.version,
        "name": _plain(told),
        "title": told.title or told.name,
        "status": "active",
        "packageId": told.name,
        "fhirVersion": ["4.0.1"],
        **({"dependsOn": depends} if depends else {}),
        "definition": {"resource": [{"reference": {"reference": f"{m.type}/{m.id}"}} for m in _sorted(package)]},
    }


def _sorted(package: Package) -> list[Member]:
    return sorted(package.members, key=lambda one: (one.type, one.id))


def _depends(name: str, version: str) -> dict[str, str]:
    return {"uri": f"http://packages.fhir.org/{name}", "packageId": name, "version": version}


def _plain(told: Manifest) -> str:
    """A computer's name for the guide (invariant ig-0)."""
    return "".join(part[:1].upper() + part[1:] for part in told.name.replace("-", ".").split(".")) or "Package"
