"""How long extraction takes: `python bench/_extraction.py FOLDER` of bundles (`*.json.gz`); a JSON line a type."""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from onmaru.fhir import structure
from onmaru.fhir.search import extract


def resources(folder: Path, files: int) -> dict[str, list[Any]]:
    """Decoded resources by type."""
    found: dict[str, list[Any]] = defaultdict(list)
    for path in sorted(folder.glob("*.json.gz"))[:files]:
        for entry in json.loads(gzip.decompress(path.read_bytes()))["entry"]:
            type = entry["resource"]["resourceType"]
            found[type].append(structure.decode(json.dumps(entry["resource"]).encode(), type))
    return found


def best(items: list[Any], rounds: int = 5) -> float:
    """Seconds a resource in the fastest of some rounds; the first, which compiles, is not counted."""
    extract(items[0])
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for item in items:
            extract(item)
        times.append((time.perf_counter() - start) / len(items))
    return min(times)


def main() -> None:
    for type, items in sorted(resources(Path(sys.argv[1]), 10).items()):
        keys = extract(items[0])
        rows = sum(len(getattr(keys, name)) for name in keys.__struct_fields__)
        print(json.dumps({"type": type, "resources": len(items), "us": round(best(items) * 1e6, 2), "rows": rows}))


if __name__ == "__main__":
    main()
