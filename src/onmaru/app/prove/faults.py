"""Proof of the quality room: faults of content planted into a hospital's messages are all found, each in its message."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from onmaru.adapters.door import Door
from onmaru.adapters.receipt import Source
from onmaru.app import rooms
from onmaru.app.evidence import Figures, Proof
from onmaru.app.fresh import new_id
from onmaru.app.house import MAIN, House, Place, now, system
from onmaru.kernel.room import Hall
from onmaru.rooms.quality import doing, owning
from onmaru.rooms.quality.listing import checks, named
from onmaru.rooms.quality.running import counted
from onmaru.rooms.quality.tracing import Tracing, driven
from onmaru.simulate import Event
from onmaru.simulate.hospital import hospital
from onmaru.simulate.planted import plant
from onmaru.simulate.settings import Settings

SEED, DAYS, PATIENTS = 4, 2.0, 16
SETTLED = 100  # messages, after which what was written is made durable
# Which checks are to find each kind of fault
FOUND_BY: Mapping[str, Sequence[str]] = {
    "units": ("resourceUnit.Observation.valueQuantity.unit",),
    "dates": ("resourceOutsideVisit.Observation.effective", "messageShifted.Observation.effective"),
    "feed": ("messageRepeated.DocumentReference.content", "resourceRepeated.Observation.value"),
    "wards": ("resourcePlaced.Encounter.location",),
    "sex": ("messageSex.DocumentReference.PID-8",),
}


def prove(seed: int = SEED) -> Figures:
    """Take the same days with and without the faults; what the checks name is what was planted, and nothing before."""
    settings = Settings(patients=PATIENTS, beds=PATIENTS)
    events = list(hospital(seed, DAYS, settings=settings))
    clean, _, _ = _checked(events, {})
    faulty, ledger = plant(events, seed)
    found, failed, opened = _checked(faulty, ledger)
    figures: dict[str, object] = {"messages": len(faulty)}
    for name, planted in ledger.items():
        traced = {control for check in FOUND_BY[name] for control in found[check]}
        before = {control for check in FOUND_BY[name] for control in clean[check]}
        missed = planted - traced if name != "wards" else set()
        assert planted, f"no fault of kind {name} could be planted"
        assert not missed, f"{len(missed)} of {len(planted)} faults of kind {name} were not found"
        assert any(check in failed for check in FOUND_BY[name]), f"no check failed for {name}"
        stray = traced - planted - before
        assert name != "wards" or (traced - before and not stray), "a stay without a ward was traced to another message"
        figures[name] = (
            f"{len(planted)} planted, {len(traced & planted)} messages named, {len(stray)} others, {len(before)} before"
        )
    return {**figures, "checks that failed": len(failed), "Tasks opened": opened}


def _checked(events: Sequence[Event], ledger: Mapping[str, set[str]]) -> tuple[dict[str, set[str]], set[str], int]:
    """What the checks name: by check the control numbers of the messages; the checks that failed, and Tasks opened."""
    with tempfile.TemporaryDirectory(prefix="onmaru-faults-") as scratch:
        folder = Path(scratch)
        ours = tuple(rooms.open_room(name) for name in ("omop", "quality"))
        house = House(Place(folder / "home", folder / "keys", folder / "witness"), ours)
        home, door = house.seat(MAIN).home, Door(now, new_id)
        hall = house.hall(system(MAIN, "proof"))
        for number, event in enumerate(events):
            if event.channel == "hl7v2":
                door.take(hall, event.payload, Source("mllp", "proof", "hl7v2"))
            if number % SETTLED == 0:
                home.wait(home.tip())
        home.wait(home.tip())
        house.catch_up(MAIN)
        hall = house.hall(system(MAIN, "proof"), "quality")
        ran = counted(hall, checks())
        opened = doing.close(hall, ran, now())["opened"]
        home.wait(home.tip())
        open_now = {check for check, task in owning.states(hall.record).items() if task["status"] == owning.OPEN}
        assert len(open_now) == opened, "a failing check has not one Task"
        found = {check: _controls(hall, check) for every in FOUND_BY.values() for check in every}
        house.close()
    return found, open_now, opened


def _controls(hall: Hall, check: str) -> set[str]:
    tracing = Tracing(hall, named(check))
    return {row["control"] for row in driven(tracing, tracing.traced(1000)) if row["control"]}


PROOFS = (
    Proof(
        "4.faults",
        "Units swapped, dates shifted, a feed sent twice, wards missing and sex told wrongly are found and traced.",
        prove,
        ("seed",),
    ),
)
