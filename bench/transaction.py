"""Transaction Bundles over HTTP, of 200 entries and of 12, in resources a second, beside a bare server that does the same.

The floor too gives new ids, resolves the references within a Bundle, keeps the same index rows and waits for the same fsync.
"""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from _corpus import Corpus, corpus
from _http import RUNS, Bench, Reading, fetched, token
from onmaru.app.bench import Floor, Ours, Result
from onmaru.fhir import verbatim

# Entries of a Bundle, and connections at a time
SIZES = {200: 8, 12: 64}
# Bundles that are drawn from: real charts cut into pieces
MOST = 400
Resource = tuple[str, str, bytes]
_FHIR = {"content-type": "application/fhir+json"}


def run(quick: bool) -> Result:
    """The median of each size, ours and the floor turn about; the slower size is the figure, both are its parts.

    Latency is that of a whole Bundle, large ones at 8 connections, small ones at 64.
    """
    made = corpus(full=False, limit=12 if quick else 10_000)
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        bench = Bench(Path(scratch), made, quick)
        # A large Bundle may be under way for a second
        bench.seconds = max(bench.seconds, 5)
        parts = [_measured(bench, size, quick) for size in SIZES]
    slower = min(parts, key=lambda one: one.ours.rate)
    return Result("transaction", slower.ours, slower.floor, slower.ratio, parts)


def _measured(bench: Bench, size: int, quick: bool) -> Result:
    name = f"transaction-{size}"
    bundles = [_bundle(piece) for piece in _pieces(bench.corpus, size)][:MOST]
    assert bundles, f"no chart has {size} resources"
    (bench.scratch / name).write_bytes(b"\n".join(bundles))
    ours: list[Reading] = []
    floors: list[Reading] = []
    for _ in range(1 if quick else RUNS):
        with bench.ours() as address:
            if not ours:
                _right(bench, address, bundles[0], size)
            ours.append(bench.wrk(address, name, SIZES[size]))
        with bench.floor() as address:
            floors.append(bench.wrk(address, name, SIZES[size]))
    middle = sorted(ours)[len(ours) // 2]
    floor = statistics.median(one.rate for one in floors)
    told = Ours(round(middle.rate * size, 1), middle.p50, middle.p99)
    return Result(name, told, Floor(round(floor * size, 1)), round(middle.rate / floor, 3))


def _pieces(made: Corpus, size: int) -> Iterator[Sequence[Resource]]:
    """Charts cut into pieces of so many resources; what is left over at the end of a chart is left out."""
    charts = 0

    def chart(one: Resource) -> int:
        nonlocal charts
        charts += one[0] == "Patient"
        return charts

    for number, found in groupby(made.resources[: made.loaded], chart):
        resources = list(found)
        for start in range(0, len(resources) - size + 1, size) if number else ():
            yield resources[start : start + size]


def _bundle(piece: Sequence[Resource]) -> bytes:
    """A transaction that creates them; what refers to another of them does so by its place in the Bundle."""
    names = {f"{type}/{id}": f"urn:uuid:{id}" for type, id, _ in piece}
    entries = [
        b'{"fullUrl":"urn:uuid:%b","resource":%b,"request":{"method":"POST","url":"%b"}}'
        % (id.encode(), verbatim.relink(raw, names), type.encode())
        for type, id, raw in piece
    ]
    return b'{"resourceType":"Bundle","type":"transaction","entry":[%b]}' % b",".join(entries)


def _right(bench: Bench, address: str, bundle: bytes, size: int) -> None:
    """Send one, and read each of what it made: all there, and no reference left by place."""
    headers = {**_FHIR, "authorization": f"Bearer {token(bench)}"}
    with urllib.request.urlopen(urllib.request.Request(address, data=bundle, headers=headers), timeout=60) as answer:
        told = json.loads(answer.read())
    assert [entry["response"]["status"][:3] for entry in told["entry"]] == ["201"] * size
    for entry in told["entry"]:
        name = re.search(r"([A-Z]\w+/[^/]+)/_history/1$", entry["response"]["location"])
        assert name is not None, entry["response"]["location"]
        assert "urn:uuid:" not in json.dumps(fetched(bench, f"{address}/{name[1]}"))
