"""`onmaru sbom`: what this installation is made of, as CycloneDX, and which of it advisories speak of. Asks nobody.

Where an advisory cannot be compared with what is installed, it counts as speaking of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from onmaru import __version__
from onmaru.app.lines import say
from onmaru.app.refusal import DONE, NO, REFUSED, Refusal

# Extras whose packages are tools of those who build Onmaru
TOOLS = frozenset({"dev"})
ECOSYSTEMS = {"pypi": "PyPI", "npm": "npm"}


class Component(NamedTuple):
    """One package that is installed or built into the pages. `kind`: pypi or npm."""

    kind: str
    name: str
    version: str
    licence: str


class Finding(NamedTuple):
    """An advisory that speaks of a component. `fixed`: versions that it does not speak of, "" where none is told."""

    id: str
    kind: str
    name: str
    version: str
    fixed: str


@click.command()
@click.option("--advisories", type=click.Path(path_type=Path, exists=True), multiple=True,
              help="A file, or a folder of files, in OSV's JSON or pip-audit's. May be given again.")  # fmt: skip
@click.option("--json", is_flag=True, help="With --advisories: print JSON, a line for each finding, then the count.")
def sbom(advisories: tuple[Path, ...], json: bool) -> int:
    """Print the software bill of materials (CycloneDX 1.5, JSON); with --advisories what they say, exit 1 if anything."""
    parts = sorted({*installed(), *built_in()})
    if not advisories:
        click.echo(msgspec.json.format(msgspec.json.encode(document(parts)), indent=1).decode())
        return DONE
    found = sorted({one for path in advisories for one in findings(path, parts)})
    for one in found:
        say(one._asdict(), json=json)
    say({"components": len(parts), "findings": len(found)}, json=json)
    return NO if found else DONE


def installed() -> Iterator[Component]:
    """Onmaru's Python packages: all that it needs, and those of its extras that are there."""
    waiting, seen = [("onmaru", True)], {"onmaru"}
    while waiting:
        name, ours = waiting.pop()
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if name != "onmaru":
            yield Component("pypi", name, found.version, licence(found.metadata))
        for needed in _needs(found, ours):
            if needed not in seen:
                seen.add(needed)
                waiting.append((needed, False))


def _needs(found: metadata.Distribution, ours: bool) -> Iterator[str]:
    extras = {*(found.metadata.get_all("Provides-Extra") or ()), ""} - TOOLS if ours else {""}
    for text in found.requires or ():
        try:
            needed = Requirement(text)
        except InvalidRequirement:
            continue
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
            yield canonicalize_name(needed.name)


def licence(told: Any) -> str:
    """An SPDX expression where the package gives one, else its classifiers' words, else its own first line."""
    if told.get("License-Expression"):
        return str(told["License-Expression"])
    classifiers = [str(one) for one in told.get_all("Classifier") or () if str(one).startswith("License ::")]
    words = [one.rpartition(" :: ")[2] for one in classifiers]
    first = str(told.get("License") or "").strip().splitlines()
    return " AND ".join(words) or (first[0][:80] if first else "")


class _Lock(msgspec.Struct):
    packages: dict[str, dict[str, Any]] = {}


def built_in() -> Iterator[Component]:
    """What the pages are built from, where a checkout tells."""
    lock = Path(__file__).resolve().parents[3] / "ui" / "package-lock.json"
    if not lock.is_file():
        return
    for place, one in msgspec.json.decode(lock.read_bytes(), type=_Lock).packages.items():
        name = place.rpartition("node_modules/")[2]
        if place and not one.get("dev") and not one.get("link") and one.get("version"):
            yield Component("npm", name, str(one["version"]), str(one.get("license") or ""))


def document(parts: Sequence[Component]) -> dict[str, Any]:
    """A CycloneDX 1.5 BOM. The same parts give the same serial number."""
    rows = [_row(one) for one in parts]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(f"{__version__} {row['purl']}" for row in rows))
    own = {"type": "application", "name": "onmaru", "version": __version__, "bom-ref": f"pkg:pypi/onmaru@{__version__}"}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {**own, "licenses": [{"expression": "Apache-2.0"}]}},
        "components": rows,
    }


def _row(part: Component) -> dict[str, Any]:
    name = part.name.replace("@", "%40") if part.kind == "npm" else part.name
    purl = f"pkg:{part.kind}/{name}@{part.version}"
    row: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": part.name, "version": part.version, "purl": purl}
    if part.licence:
        row["licenses"] = [{"license": {"name": part.licence}}]
    return row


def findings(path: Path, parts: Sequence[Component]) -> Iterator[Finding]:
    """What the advisories in a file, or in the files of a folder, say of the parts. Refuses a file that holds none."""
    for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
        try:
            read = msgspec.json.decode(file.read_bytes())
        except msgspec.MsgspecError as error:
            raise Refusal(f"{file}: this is not JSON", REFUSED) from error
        if isinstance(read, dict) and "dependencies" in read:
            yield from _audited(_all(read["dependencies"]), parts)
            continue
        told = read.get("vulns", [read]) if isinstance(read, dict) else read
        if not isinstance(told, list) or not all(isinstance(one, dict) and "id" in one for one in told):
            raise Refusal(f"{file}: neither OSV's form nor pip-audit's", REFUSED)
        for advisory in told:
            if not advisory.get("withdrawn"):
                yield from _osv(advisory, parts)


def _osv(advisory: dict[str, Any], parts: Sequence[Component]) -> Iterator[Finding]:
    """OSV schema 1.6, `affected`."""
    for affected in _all(advisory.get("affected")):
        package = affected.get("package") or {}
        for part in parts:
            ours = ECOSYSTEMS[part.kind] == package.get("ecosystem") and _same(part, str(package.get("name")))
            if ours and _affects(affected, part.version):
                yield Finding(str(advisory["id"]), *part[:3], _fixed(affected))


def _affects(affected: dict[str, Any], version: str) -> bool:
    if version in (affected.get("versions") or ()):
        return True
    ranges = [one for one in _all(affected.get("ranges")) if one.get("type") in ("ECOSYSTEM", "SEMVER")]
    if not ranges:
        return not affected.get("versions")  # it names no version: of every one
    return any(_within(_all(one.get("events")), version) for one in ranges)


def _within(events: Sequence[dict[str, Any]], version: str) -> bool:
    """OSV's evaluation algorithm: events in the order of their versions, the last one before ours decides."""
    try:
        here = Version(version)
        ordered = sorted((_at(str(text)), kind) for event in events for kind, text in event.items())
    except InvalidVersion:
        return True
    inside = False
    for at, kind in ordered:
        if kind == "introduced" and at <= here:
            inside = True
        elif (kind == "fixed" and at <= here) or (kind == "last_affected" and at < here):
            inside = False
    return inside


def _at(text: str) -> Version:
    return Version("0.dev0" if text == "0" else text)


def _fixed(affected: dict[str, Any]) -> str:
    events = [event for one in _all(affected.get("ranges")) for event in _all(one.get("events"))]
    return " ".join(str(event["fixed"]) for event in events if "fixed" in event)


def _audited(rows: Sequence[dict[str, Any]], parts: Sequence[Component]) -> Iterator[Finding]:
    """The form of `pip-audit --format json`."""
    for row in rows:
        for part in parts:
            mine = part.kind == "pypi" and _same(part, str(row.get("name"))) and row.get("version") == part.version
            for told in _all(row.get("vulns")) if mine else ():
                fixed = " ".join(str(one) for one in told.get("fix_versions") or ())
                yield Finding(str(told.get("id")), *part[:3], fixed)


def _same(part: Component, name: str) -> bool:
    return part.name == (canonicalize_name(name) if part.kind == "pypi" else name)


def _all(rows: Any) -> list[dict[str, Any]]:
    """The objects of what ought to be a list of them."""
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
