"""Build `src/onmaru/fhir/data/search.json` from an official FHIR package: `python tools/build_search.py PACKAGE.tgz`.

Its one law: a SearchParameter keeps the number it once got; new ones are appended in the order of their urls.
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "src/onmaru/fhir/data/search.json"
CANONICAL = "http://hl7.org/fhir/SearchParameter/"
FIRST = ("Resource-id", "Resource-lastUpdated")


def resources(package: Path) -> Iterator[dict[str, Any]]:
    """Every JSON resource of the package."""
    with tarfile.open(package) as tar:
        for member in tar:
            if member.isfile() and member.name.startswith("package/") and member.name.endswith(".json"):
                stream = tar.extractfile(member)
                if stream is not None:
                    yield json.load(stream)


def order(urls: set[str], known: list[str]) -> list[str]:
    """The urls in the order of their numbers: those already numbered first."""
    fresh = sorted(urls - set(known), key=lambda url: (url not in FIRST, url))
    return [*known, *fresh]


def row(parameter: dict[str, Any], numbers: dict[str, int], types: set[str]) -> list[Any]:
    """[url, code, kind, expression, types, targets, [[component number, expression], …], experimental].

    Targets `["*"]` stands for every type but Parameters, which is never stored.
    """
    targets = sorted(parameter.get("target", []))
    components = [
        [numbers[part["definition"].removeprefix(CANONICAL)], part["expression"]]
        for part in parameter.get("component", [])
    ]
    return [
        parameter["url"].removeprefix(CANONICAL),
        parameter["code"],
        parameter["type"],
        parameter.get("expression", ""),
        parameter.get("base", []),
        ["*"] if types - {"Parameters"} <= set(targets) else targets,
        components,
        int(bool(parameter.get("experimental"))),
    ]


def build(package: Path, known: list[str]) -> dict[str, Any]:
    """The whole data file as one object; the same package and known numbers give the same object."""
    parameters: dict[str, dict[str, Any]] = {}
    types: dict[str, int] = {}
    compartment: dict[str, list[str]] = {}
    for resource in resources(package):
        kind = resource.get("resourceType")
        if kind == "SearchParameter":
            parameters[resource["url"].removeprefix(CANONICAL)] = resource
        elif kind == "StructureDefinition" and resource["kind"] == "resource" and not resource["abstract"]:
            if resource.get("derivation") == "specialization":
                types[resource["type"]] = int("DomainResource" in resource["baseDefinition"])
        elif kind == "CompartmentDefinition" and resource["url"].endswith("/patient"):
            compartment = {one["code"]: one["param"] for one in resource["resource"] if one.get("param")}
    urls = order(set(parameters), known)
    numbers = {url: number for number, url in enumerate(urls)}
    return {
        "types": dict(sorted(types.items())),
        "patient": dict(sorted(compartment.items())),
        "parameters": [row(parameters[url], numbers, set(types)) for url in urls],
    }


def render(data: dict[str, Any]) -> str:
    """One line a parameter, so that a change of the package shows as a change of lines."""
    lines = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in data["parameters"]]
    head = ",\n".join(
        f"{json.dumps(name)}:{json.dumps(data[name], separators=(',', ':'))}" for name in ("types", "patient")
    )
    return "{" + head + ',\n"parameters":[\n' + ",\n".join(lines) + "\n]}\n"


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/build_search.py PACKAGE.tgz")
    known = [one[0] for one in json.loads(TARGET.read_text())["parameters"]] if TARGET.exists() else []
    data = build(Path(sys.argv[1]), known)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render(data))
    print(f"{len(data['parameters'])} parameters, {len(data['types'])} types, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
