"""Opening a journey over HTTP: summary, first timeline and one filter, of ordinary patients and one of 50,000 observations.

The floor answers with the same bytes out of plain SQLite, ready made: no gate, audit, encryption, query or rendering.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec

from _corpus import Corpus, copies, corpus
from _http import HERE, RUNS, Bench, running, token
from onmaru.app.bench import Floor, Ours, Result

OBSERVATIONS = 50_000
KINDS = "lab"


def run(quick: bool) -> Result:
    """Three requests an opening; one in ten openings is of the big patient. Rates are requests a second."""
    made = corpus(full=False, limit=12 if quick else 10_000)
    big = _grown(made, 2_000 if quick else OBSERVATIONS)
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        bench = Bench(Path(scratch), made, quick)
        openings = [path for patient in _patients(made, big) for path in _opening(patient)]
        (bench.scratch / "openings").write_text("\n".join(openings))
        with bench.ours() as address:
            _kept(bench, address, sorted(set(openings)))
        ours, floors = [], []
        ours, floors = [], []
        for _ in range(1 if quick else RUNS):
            with bench.ours() as address:
                ours.append(bench.wrk(address, "journey"))
            argv = [sys.executable, str(HERE / "_pages.py"), str(bench.scratch / "pages")]
            with running(argv) as address:
                floors.append(bench.wrk(address, "journey"))
    middle = sorted(ours)[len(ours) // 2]
    floor = statistics.median(one.rate for one in floors)
    return Result("journey", Ours(middle.rate, middle.p50, middle.p99), Floor(floor), round(middle.rate / floor, 3))


def _grown(made: Corpus, count: int) -> str:
    """Give the patient with the fullest chart later repeats of its own observations until there are `count`."""
    charts: dict[str, list[bytes]] = {}
    for type, _, raw in made.resources:
        if type == "Observation":
            charts.setdefault(msgspec.json.decode(raw)["subject"]["reference"], []).append(raw)
    big = max(charts, key=lambda patient: len(charts[patient]))
    made.resources += [("Observation", str(uuid.uuid4()), raw) for raw in copies(charts[big], count)]
    return big.removeprefix("Patient/")


def _patients(made: Corpus, big: str) -> Iterator[str]:
    ordinary = [id for type, id, _ in made.resources if type == "Patient" and id != big][:90]
    for number, patient in enumerate(ordinary):
        if number % 9 == 0:
            yield big
        yield patient


def _opening(patient: str) -> list[str]:
    base = f"/rooms/journey/patients/{patient}"
    return [f"{base}/summary", f"{base}/timeline?width=1200", f"{base}/timeline?width=1200&kinds={KINDS}"]


def _kept(bench: Bench, address: str, paths: list[str]) -> None:
    """Ask for every answer once, for the floor to hold; each must be one."""
    origin = address.removesuffix("/fhir")
    with (bench.scratch / "pages.ndjson").open("wb") as file:
        for path in paths:
            request = urllib.request.Request(origin + path, headers={"authorization": f"Bearer {token(bench)}"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                file.write(msgspec.json.encode([path, answer.read().decode()]) + b"\n")
