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

from onmaru.fhir.search.branches import Branch, Field, Where, branches
from onmaru.fhir.search.expression import parse_expression

Elements = dict[str, dict[str, Any]]
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


class Package:
    """What the numbering of parameters and the nature of their elements need from a package."""

    def __init__(self, package: Path) -> None:
        self.parameters: dict[str, dict[str, Any]] = {}
        self.types: dict[str, int] = {}
        self.compartments: dict[str, dict[str, list[str]]] = {}
        self.elements: dict[str, Elements] = {}
        self.systems: dict[str, set[str]] = {}
        for resource in resources(package):
            self.take(resource)

    def take(self, resource: dict[str, Any]) -> None:
        kind = resource.get("resourceType")
        if kind == "SearchParameter":
            self.parameters[resource["url"].removeprefix(CANONICAL)] = resource
        elif kind == "StructureDefinition" and resource.get("derivation") != "constraint":
            self.elements[resource["type"]] = {one["path"]: one for one in resource["snapshot"]["element"]}
            if resource["kind"] == "resource" and not resource["abstract"]:
                self.types[resource["type"]] = int("DomainResource" in resource["baseDefinition"])
        elif kind == "CompartmentDefinition" and not resource["url"].endswith("/example"):
            found = {one["code"]: one["param"] for one in resource["resource"] if one.get("param")}
            self.compartments[resource["code"]] = dict(sorted(found.items()))
        elif kind == "ValueSet":
            included = resource.get("compose", {}).get("include", [])
            if included and all("system" in one and "valueSet" not in one for one in included):
                self.systems[resource["url"]] = {one["system"] for one in included}

    def nature(self, parameter: dict[str, Any]) -> str:
        """ "string" when every element is a string or ContactPoint, the one system that all its codes imply, or ""."""
        if parameter["type"] != "token" or not parameter.get("expression"):
            return ""
        tree = parse_expression(parameter["expression"])
        found = {
            one
            for type in parameter.get("base", [])
            for branch in branches(tree, type)
            for one in self.natures(type, branch)
        }
        return found.pop() if len(found) == 1 else ""

    def natures(self, type: str, branch: Branch) -> set[str]:
        """The nature of each type that the branch's last element may have; "" where it tells nothing."""
        path, element = type, {}
        for step in branch.steps:
            if isinstance(step, Where):
                continue
            if not isinstance(step, Field):
                return {""}
            found = self.element(path, step.name)
            if found is None:
                return {""}
            path, element = found
            if step.cast:
                element = {"type": [{"code": step.cast}]}
        return {self.implied(one["code"], element) for one in element.get("type", [])}

    def element(self, path: str, name: str) -> tuple[str, dict[str, Any]] | None:
        """An element below a path, with the path or type that its own elements are found under."""
        known = self.elements.get(path.split(".")[0], {})
        found = known.get(f"{path}.{name}") or known.get(f"{path}.{name}[x]")
        if found is None:
            return None
        if "contentReference" in found:
            return found["contentReference"].removeprefix("#"), found
        only = found["type"][0]["code"]
        inner = found["path"] if only in ("BackboneElement", "Element") else only
        return inner, found

    def implied(self, type: str, element: dict[str, Any]) -> str:
        if type in ("string", "ContactPoint"):
            return "string"
        bound = element.get("binding", {}).get("valueSet", "").partition("|")[0]
        systems = self.systems.get(bound, set()) if type == "code" else set()
        return next(iter(systems)) if len(systems) == 1 else ""


def row(parameter: dict[str, Any], numbers: dict[str, int], package: Package) -> list[Any]:
    """[url, code, kind, expression, types, targets, [[component number, expression], …], experimental, nature].

    Targets `["*"]` stands for every type but Parameters, which is never stored.
    """
    types = set(package.types)
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
        package.nature(parameter),
    ]


def build(package: Package, known: list[str]) -> dict[str, Any]:
    """The whole data file as one object; the same package and known numbers give the same object."""
    urls = order(set(package.parameters), known)
    numbers = {url: number for number, url in enumerate(urls)}
    return {
        "types": dict(sorted(package.types.items())),
        "compartments": dict(sorted(package.compartments.items())),
        "parameters": [row(package.parameters[url], numbers, package) for url in urls],
    }


def render(data: dict[str, Any]) -> str:
    """One line a parameter, so that a change of the package shows as a change of lines."""
    lines = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in data["parameters"]]
    head = ",\n".join(
        f"{json.dumps(name)}:{json.dumps(data[name], separators=(',', ':'))}" for name in ("types", "compartments")
    )
    return "{" + head + ',\n"parameters":[\n' + ",\n".join(lines) + "\n]}\n"


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/build_search.py PACKAGE.tgz")
    known = [one[0] for one in json.loads(TARGET.read_text())["parameters"]] if TARGET.exists() else []
    data = build(Package(Path(sys.argv[1])), known)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render(data))
    print(f"{len(data['parameters'])} parameters, {len(data['types'])} types, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
