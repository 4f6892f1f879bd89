"""Write `src/onmaru/fhir/data/structure.zst` from a FHIR R4 core package; the same package gives the same bytes.

    python tools/build_structure.py hl7.fhir.r4.core-4.0.1.tgz [OUTPUT]

Read from the snapshots of base definitions (no profiles): for each type its elements in order with types, cardinality
and the flags summary, modifier, choice and attribute; for each primitive its regular expression; for each type the one
it is derived from; for the narrative the tags and attributes that invariant txt-1 of Narrative.div names.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import zstandard

OUTPUT = Path(__file__).parent.parent / "src/onmaru/fhir/data/structure.zst"
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
SUMMARY, MODIFIER, CHOICE, ATTRIBUTE = 1, 2, 4, 8


def definitions(package: Path) -> dict[str, dict[str, Any]]:
    """Base StructureDefinitions of the package by type name, in order of name."""
    found = {}
    with tarfile.open(package) as tar:
        for member in tar:
            if not re.fullmatch(r"package/StructureDefinition-[^/]+\.json", member.name):
                continue
            stream = tar.extractfile(member)
            assert stream is not None
            definition = json.load(stream)
            if definition.get("derivation") != "constraint" and definition["kind"] != "logical":
                found[definition["type"]] = definition
    return dict(sorted(found.items()))


def extension(element_type: dict[str, Any], url: str) -> str:
    for one in element_type.get("extension", ()):
        if one["url"] == url:
            return str(one.get("valueUrl") or one.get("valueString"))
    return ""


def type_names(element: dict[str, Any], kind: str) -> list[str]:
    """The types an element may have: data types, a backbone's own path, or the path a contentReference names."""
    if "contentReference" in element:
        return [element["contentReference"].split("#")[1]]
    path = element["path"]
    if kind == "resource" and re.fullmatch(r"[A-Za-z]+\.id", path):
        return ["id"]
    names = [extension(t, FHIR_TYPE) or t["code"] for t in element["type"]]
    return [path] if names in (["BackboneElement"], ["Element"]) else names


def row(element: dict[str, Any], kind: str) -> list[Any]:
    name = element["path"].rsplit(".", 1)[1]
    system = any(t["code"].startswith("http://hl7.org/fhirpath/System.") for t in element.get("type", ()))
    flags = (
        SUMMARY * bool(element.get("isSummary"))
        | MODIFIER * bool(element.get("isModifier"))
        | CHOICE * name.endswith("[x]")
        | ATTRIBUTE * (system or "xhtml" in [t["code"] for t in element.get("type", ())])
    )
    maximum = 0 if element["max"] == "*" else int(element["max"])
    return [name.removesuffix("[x]"), type_names(element, kind), element["min"], maximum, flags]


def structure(found: dict[str, dict[str, Any]]) -> dict[str, list[Any]]:
    """Type or backbone path → [kind, rows of its children]."""
    types: dict[str, list[Any]] = {}
    for name, definition in found.items():
        kind = definition["kind"]
        if kind == "primitive-type" or (definition["abstract"] and kind == "resource"):
            continue
        for element in definition["snapshot"]["element"]:
            path = element["path"]
            if path == name:
                types[name] = ["resource" if kind == "resource" else "complex", []]
                continue
            parent = path.rsplit(".", 1)[0]
            types.setdefault(parent, ["backbone", []])[1].append(row(element, kind))
    return dict(sorted(types.items()))


def primitives(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Primitive → the regular expression of its value, "" where the package gives none."""
    result = {}
    for name, definition in found.items():
        if definition["kind"] == "primitive-type":
            value = next(e for e in definition["snapshot"]["element"] if e["path"] == f"{name}.value")
            result[name] = extension(value["type"][0], REGEX)
    return result


def bases(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Type → the type that it specialises; the roots `Element` and `Resource` have none."""
    return {
        name: definition["baseDefinition"].rsplit("/", 1)[1]
        for name, definition in found.items()
        if "baseDefinition" in definition
    }


def narrative(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """[tags, attributes] of txt-1's XPath."""
    div = next(e for e in found["Narrative"]["snapshot"]["element"] if e["path"] == "Narrative.div")
    xpath = next(c["xpath"] for c in div["constraint"] if c["key"] == "txt-1")
    return [re.findall(r"'([a-z0-9]+)'", part) for part in re.findall(r"name\(\.\)=\(([^)]*)\)", xpath)]


def main() -> None:
    package, output = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT
    found = definitions(package)
    data = {
        "types": structure(found),
        "primitives": primitives(found),
        "narrative": narrative(found),
        "bases": bases(found),
    }
    packed = zstandard.ZstdCompressor(level=19, write_checksum=True).compress(msgspec.msgpack.encode(data))
    output.write_bytes(packed)
    print(f"{output}: {len(data['types'])} types, {len(data['primitives'])} primitives, {len(packed)} bytes")


if __name__ == "__main__":
    main()
