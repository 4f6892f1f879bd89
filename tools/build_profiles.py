"""Write `src/onmaru/fhir/data/profiles.zst` from a FHIR R4 core package; the same package gives the same bytes.

    python tools/build_profiles.py hl7.fhir.r4.core-4.0.1.tgz [OUTPUT]

Every StructureDefinition's snapshot of the package, without what only people read.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from onmaru.fhir.profiles.definition import definition

OUTPUT = Path(__file__).parent.parent / "src/onmaru/fhir/data/profiles.zst"
READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "StructureDefinition": ("definitions", definition),
}


def read(package: Path) -> dict[str, dict[str, Any]]:
    """Group → canonical → what the validator keeps, in order of canonical."""
    found: dict[str, dict[str, Any]] = {group: {} for group, _ in READERS.values()}
    with tarfile.open(package) as tar:
        for member in tar:
            name = re.fullmatch(r"package/([A-Za-z]+)-[^/]+\.json", member.name)
            if name is None or name[1] not in READERS:
                continue
            stream = tar.extractfile(member)
            assert stream is not None
            resource = json.load(stream)
            group, reader = READERS[name[1]]
            if "url" in resource and not ("snapshot" not in resource and group == "definitions"):
                found[group][resource["url"]] = reader(resource)
    return {group: dict(sorted(one.items())) for group, one in found.items()}


def main() -> None:
    package, output = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT
    found = read(package)
    packed = zstandard.ZstdCompressor(level=19, write_checksum=True).compress(msgspec.msgpack.encode(found))
    output.write_bytes(packed)
    print(f"{output}: {', '.join(f'{len(one)} {group}' for group, one in found.items())}, {len(packed)} bytes")


if __name__ == "__main__":
    main()
