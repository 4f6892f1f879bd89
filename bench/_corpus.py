"""The corpus that the HTTP benchmarks run on: real resources, and copies of a patient's observations up to full charts."""

from __future__ import annotations

import gzip
import os
import random
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from onmaru.app.checkout import root
from onmaru.app.refusal import Refusal
from onmaru.fhir import verbatim

FULL = 520  # observations a patient


class Corpus(msgspec.Struct):
    """Resources with ids of their own, references resolved: (type, id, body). `pairs`: (patient, code, hits).

    The first `loaded` of the resources are those of the files; copies follow.
    """

    resources: list[tuple[str, str, bytes]] = []
    loaded: int = 0
    pairs: list[tuple[str, str, int]] = []
    observations: list[bytes] = []


def folder() -> Path:
    """The public Synthea bundles, where they are."""
    data = Path(os.environ.get("ONMARU_TEST_DATA") or root().parent / "shared" / "data") / "fhir-synthea-r4"
    if not data.is_dir():
        raise Refusal("this benchmark needs the Synthea bundles: set ONMARU_TEST_DATA to the folder that holds them")
    return data


def corpus(*, full: bool, limit: int = 10_000) -> Corpus:
    """Read the bundles; `full` adds copies until every patient has FULL observations."""
    made, links = Corpus([], 0, [], []), {}
    files = sorted(folder().glob("*.json.gz"), key=lambda path: ("Information" not in path.name, path.name))
    for path in files[:limit]:
        _, entries = verbatim.entries(gzip.decompress(path.read_bytes()))
        named = []
        for entry in entries:
            id = str(uuid.uuid4())
            links[entry.full_url] = f"{entry.url}/{id}"
            named.append((entry.url, id, bytes(entry.resource or b"")))
        made.resources += [(type, id, verbatim.relink(verbatim.compact(raw), links)) for type, id, raw in named]
    made.loaded = len(made.resources)
    charts = _charts(made)
    if full:
        made.resources += [
            ("Observation", str(uuid.uuid4()), raw) for chart in charts.values() for raw in copies(chart, FULL)
        ]
    made.pairs = _pairs(charts, full)
    made.observations = [raw for type, _, raw in made.resources if type == "Observation"]
    return made


def _charts(made: Corpus) -> dict[str, list[bytes]]:
    charts: dict[str, list[bytes]] = defaultdict(list)
    for type, _, raw in made.resources:
        if type == "Observation":
            charts[msgspec.json.decode(raw)["subject"]["reference"]].append(raw)
    return charts


def copies(chart: list[bytes], count: int) -> Iterator[bytes]:
    """Later repeats of a patient's own observations until there are `count`: the same codes ten years on, and so forth."""
    own = len(chart)
    for number in range(own, count):
        again = msgspec.json.decode(chart[number % own])
        if "effectiveDateTime" in again:
            year = int(again["effectiveDateTime"][:4]) - 10 * (number // own) % 1000
            again["effectiveDateTime"] = f"{year:04d}{again['effectiveDateTime'][4:]}".replace("-02-29", "-02-28")
        raw = msgspec.json.encode(again)
        chart.append(raw)
        yield raw


def _pairs(charts: dict[str, list[bytes]], full: bool) -> list[tuple[str, str, int]]:
    """Every patient and code with its number of hits; of full charts those of at least 13."""
    pairs = []
    for patient, chart in charts.items():
        hits: dict[str, int] = defaultdict(int)
        for raw in chart:
            hits[msgspec.json.decode(raw)["code"]["coding"][0]["code"]] += 1
        pairs += [(patient.removeprefix("Patient/"), code, n) for code, n in hits.items() if not full or n >= 13]
    random.Random(1).shuffle(pairs)
    return pairs
