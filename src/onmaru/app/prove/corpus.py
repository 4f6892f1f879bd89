"""The Synthea bundles beside the checkout, and what a store that loaded some of them must hold: each entry once."""

from __future__ import annotations

import gzip
import os
import random
import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from onmaru.app.checkout import root
from onmaru.app.house import MAIN, House
from onmaru.app.loading import found, ordered

ENTRIES = 28_903
_LINK = re.compile(r'"(urn:uuid:[^"]*|[A-Z]\w+/[^"/]+|[A-Z]\w+\?[^"]*)"')


def files() -> list[Path]:
    """Every bundle, in the order in which a load takes them."""
    data = Path(os.environ.get("ONMARU_TEST_DATA") or root().parent / "shared" / "data") / "fhir-synthea-r4"
    assert data.is_dir(), "the Synthea bundles are not at hand: set ONMARU_TEST_DATA"
    return ordered(found([data]))


def sliced(chance: random.Random, patients: int, folder: Path) -> list[Path]:
    """The hospitals, the practitioners and a few patients, unpacked, so that even a few are worth reading ahead."""
    every = files()
    shared = [one for one in every if "Information" in one.name]
    chosen = [*shared, *chance.sample([one for one in every if one not in shared], patients)]
    folder.mkdir(parents=True)
    for one in chosen:
        (folder / one.name.removesuffix(".gz")).write_bytes(_read(one))
    return ordered(found([folder]))


def entries(of: Sequence[Path]) -> Counter[bytes]:
    """A digest of each resource in these bundles, without what a store sets: id, version, time and links."""
    return Counter(
        _digest(entry["resource"]) for one in of for entry in msgspec.json.decode(_read(one)).get("entry", [])
    )


def stored(house: House) -> tuple[Counter[bytes], int]:
    """The same of every entry of a store's log, and beside it how many marks of loads there are."""
    home = house.seat(MAIN).home
    counted: Counter[bytes] = Counter()
    marks = position = 0
    while batch := home.read(position, 2000):
        position = batch[-1].t
        for version in batch:
            assert (version.op, version.version) == ("create", 1), f"entry {version.t} is no first version"
            resource = msgspec.json.decode(version.body or b"{}")
            if _mark(resource):
                marks += 1
            else:
                counted[_digest(resource)] += 1
    return counted, marks


def _mark(resource: dict[str, Any]) -> bool:
    codings = [one for kind in resource.get("category", ()) if isinstance(kind, dict) for one in kind.get("coding", ())]
    return any(one.get("system") == "urn:onmaru:document" and one.get("code") == "load" for one in codings)


def _digest(resource: dict[str, Any]) -> bytes:
    meta = {k: v for k, v in resource.pop("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    resource.pop("id", None)
    told = msgspec.json.encode({**resource, "meta": meta} if meta else resource, order="deterministic").decode()
    return sha256(_LINK.sub('""', told).encode()).digest()


def _read(file: Path) -> bytes:
    return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
