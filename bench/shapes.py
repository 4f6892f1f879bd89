"""The kinds of search in process on a home, and with --store on PostgreSQL too: the slowest, beside the same on the home."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from _corpus import Corpus, corpus
from _store import emptied, store
from onmaru.app.bench import Result, result
from onmaru.app.house import MAIN, House, Place, system
from onmaru.app.lines import say
from onmaru.fhir import search
from onmaru.kernel.chart import Chart
from onmaru.kernel.record import Change

LOINC = "http://loinc.org"
# Seconds for each, after each was asked once; values that it is asked with; answers after which audit rows are flushed
EACH, VALUES, GROUP = 1.0, 50, 64
Asked = Callable[[Chart], object]


def run(quick: bool) -> Result:
    """Latencies are those of one answer of the slowest, in order of the shape's rate."""
    made = corpus(full=False, limit=12 if quick else 10_000)
    shapes = _shapes(made)
    with tempfile.TemporaryDirectory(prefix="onmaru-shapes-") as scratch:
        home = _measured(Place(*(Path(scratch) / one for one in ("home", "keys", "witness"))), made, shapes, quick)
        ours, beside = home, Path(scratch) / "beside"
        if store():
            emptied()
            ours = _measured(
                Place(*(beside / one for one in ("home", "keys", "witness")), store()), made, shapes, quick
            )
    rates = {name: (len(ours[name]) / sum(ours[name]), len(home[name]) / sum(home[name])) for name in shapes}
    for name, (rate, floor) in rates.items():
        say({"shape": name, "rate": round(rate), "home": round(floor)}, json=True)
    slowest = min(rates, key=lambda name: rates[name][0])
    return result(f"shapes: {slowest}", ours[slowest], *rates[slowest])


def _measured(place: Place, made: Corpus, shapes: Mapping[str, Iterator[Asked]], quick: bool) -> dict[str, list[float]]:
    """Seconds of each answer, by shape."""
    found: dict[str, list[float]] = {}
    with _loaded(place, made) as (house, chart):
        home = house.seat(MAIN).home
        for name, asked in shapes.items():
            for _ in range(VALUES):
                next(asked)(chart)
            found[name] = seconds = []
            while sum(seconds) < (EACH / 10 if quick else EACH):
                started = time.perf_counter()
                next(asked)(chart)
                seconds.append(time.perf_counter() - started)
                if len(seconds) % GROUP == 0:
                    home.wait(home.tip())
    return found


@contextmanager
def _loaded(place: Place, made: Corpus) -> Iterator[tuple[House, Chart]]:
    house = House(place, rooms=())
    try:
        seat = house.seat(MAIN)
        chart = Chart(seat.tenant, system(MAIN))
        for start in range(0, len(made.resources), 1000):
            chart.write([Change("create", *one) for one in made.resources[start : start + 1000]])
            seat.home.wait(seat.home.tip())
        yield house, chart
    finally:
        house.close()


def _shapes(made: Corpus) -> Mapping[str, Iterator[Asked]]:
    """What is asked, by how it reads; each with one value after the other."""
    chance = random.Random(3)
    pairs = chance.sample(made.pairs, min(VALUES, len(made.pairs)))
    patients = [patient for patient, _, _ in pairs]
    codes = [code for _, code, _ in pairs]
    people = [id for type, id, _ in made.resources if type == "Patient"]
    ids = chance.sample(people, min(VALUES, len(people)))
    some = {
        "read": [_read(id) for id in ids],
        "history of one": [_history("Patient", id) for id in ids],
        "history of a type": [_history("Observation", "")],
        "history of all": [_history("", "")],
        "by id": [_find("Patient", _id=id) for id in ids],
        "by ten ids": [_find("Patient", _id=",".join(ids[at : at + 10])) for at in range(len(ids))],
        "by name": [_find("Patient", name=one) for one in ("Abb", "Ber", "Cor", "Dan", "Hil", "Mar")],
        "by birth date": [_find("Patient", birthdate=f"ge{year}-01-01") for year in range(1930, 2020, 5)],
        "patient and code": [_find("Observation", patient=p, code=f"{LOINC}|{c}") for p, c, _ in pairs],
        "patient, by date": [_find("Observation", patient=one, _sort="-date") for one in patients],
        "patient, since a date": [_find("Observation", patient=one, date="ge2015-01-01") for one in patients],
        "patient and category": [_find("Observation", patient=one, category="laboratory") for one in patients],
        "whole compartment": [_find("Condition", patient=one) for one in patients],
        "a code": [_find("Observation", code=f"{LOINC}|{one}") for one in codes],
        "a code and a status": [_find("Observation", code=f"{LOINC}|{one}", status="final") for one in codes],
        "not a status": [_find("Observation", **{"status:not": "final"})],
        "a missing element": [_find("Patient", **{"death-date:missing": "true"})],
        "by words of a code": [_find("Condition", **{"code:text": one}) for one in ("diabetes", "pain", "fracture")],
        "written since": [_find("Patient", _lastUpdated="ge2020-01-01")],
        "chained": [_find("Encounter", **{"subject:Patient.name": one}) for one in ("Abb", "Ber", "Cor", "Mar")],
        "chained from a patient": [
            _find("Observation", patient=one, **{"encounter:Encounter.status": "finished"}) for one in patients
        ],
        "_has a code": [_find("Patient", **{"_has:Observation:patient:code": f"{LOINC}|{one}"}) for one in codes],
        "_include": [_find("Encounter", patient=one, _include="Encounter:service-provider") for one in patients],
        "_revinclude": [_find("Encounter", patient=one, _revinclude="Condition:encounter") for one in patients],
    }
    return {name: cycle(asked) for name, asked in some.items()}


def _find(type: str, **pairs: str) -> Asked:
    query = search.parse((type,), list(pairs.items()))
    return lambda chart: chart.search(query)


def _read(id: str) -> Asked:
    return lambda chart: chart.read("Patient", id)


def _history(type: str, id: str) -> Asked:
    return lambda chart: chart.history(type, id)
