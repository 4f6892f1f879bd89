"""R4's own invariants: every one compiles, and those of whole resources hold on HL7's own examples."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fhirpath_suite import NOW
from onmaru.fhir.fhirpath import Environment, compiled, read, root


def definitions(package: Path) -> Iterator[dict[str, Any]]:
    with tarfile.open(package) as tar:
        for member in tar:
            if member.name.startswith("package/StructureDefinition-"):
                stream = tar.extractfile(member)
                assert stream is not None
                yield json.load(stream)


def test_every_invariant_compiles_and_holds_on_the_official_examples(shared_data: Callable[[str], Path]) -> None:
    [package] = shared_data("fhir-core").glob("*.tgz")
    of_resources: dict[str, dict[str, str]] = {}
    expressions = set()
    for definition in definitions(package):
        for element in definition.get("snapshot", {}).get("element", ()):
            for constraint in element.get("constraint", ()):
                expressions.add(constraint.get("expression", "true"))
                whole = element["path"] == definition["type"] and definition.get("derivation") != "constraint"
                if whole and constraint["severity"] == "error" and "expression" in constraint:
                    of_resources.setdefault(definition["type"], {})[constraint["key"]] = constraint["expression"]
    assert len(expressions) > 200
    for expression in expressions:
        compiled(expression)
    broken = []
    evaluated = 0
    for example in sorted(shared_data("fhir-r4-examples").glob("*.json")):
        node = root(read(example.read_bytes()))
        for key, expression in of_resources.get(node.type, {}).items():
            evaluated += 1
            if compiled(expression)(node, Environment(now=NOW)) != [True]:
                broken.append((example.name, key))
    assert evaluated > 1000
    assert broken == []
