"""`onmaru demo --once`: a fixed hospital sent to its end through the real doors, then held beside its own ledger.

It succeeds only when everything that came in is accounted for, everything verifies and the disk names nobody.
"""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from onmaru.app import settings
from onmaru.app.demo.agreement import Agreement
from onmaru.app.demo.ground import MACHINE, prepared, token
from onmaru.app.demo.sending import Http, Lines, Tally
from onmaru.app.demo.traces import Traces, patterns, traces
from onmaru.app.house import MAIN, House, Place, place, system
from onmaru.app.peers import LOOPBACK
from onmaru.app.serving import Served, served
from onmaru.app.verifying import examined
from onmaru.simulate import Faults, Hospital, Settings, Truth, hospital

# More faults than a hospital has, so that a short run has one of each kind.
FAULTS = Faults(
    duplicate=0.02,
    late=0.02,
    out_of_order=0.02,
    malformed=0.03,
    correction=0.1,
    merge=0.2,
    wrong_bed=0.2,
    cancelled_admission=0.2,
    cancelled_discharge=0.35,
)
Advance = Callable[[float], None]


class Size(msgspec.Struct, frozen=True):
    """How much of a hospital: seed, simulated days, people who come."""

    seed: int = 69
    days: float = 5.0
    patients: int = 18

    def run(self) -> Hospital:
        """The hospital, the same bytes each time."""
        return hospital(self.seed, self.days, patients=self.patients, settings=Settings(faults=FAULTS, interval=0.1))


class Report(msgspec.Struct):
    """What the run came to. `omop` is None where the house has no such room; `disagreements` is empty when all is well."""

    seed: int
    days: float
    patients: int
    received: dict[str, int]
    accepted: dict[str, int]
    refused: dict[str, int]
    refused_expected: dict[str, int]
    mislabelled: dict[str, int]
    faults: dict[str, int]
    dead_letters: int
    record: dict[str, int]
    journeys: int
    omop: dict[str, int] | None
    verified: dict[str, Any]
    traces: dict[str, int]
    disagreements: list[str]
    seconds: float = 0.0
    agree: bool = False


async def once(size: Size, home: Path, advance: Advance) -> Report:
    """Run the hospital to its end in an empty home and compare. `advance` is told each event."""
    began = time.monotonic()
    environ = prepared(home)
    found = {**settings.load(environ), **_ports()}
    house = House(place(environ))
    run = size.run()
    async with served(house, found, LOOPBACK) as standing:
        tally = await _sent(run, standing, advance)
        report = await _looked_at(size, standing, tally, run.truth)
        wanted = patterns((who.name for who in run.truth.patients.values()), tally.residents)
        open_files = traces(home, wanted)
    _omop(report, place(environ), run.truth)
    _verified(report, place(environ))
    _traced(report, open_files, traces(home, wanted))
    report.seconds = round(time.monotonic() - began, 1)
    report.agree = not report.disagreements
    return report


async def _sent(run: Hospital, standing: Served, advance: Advance) -> Tally:
    http = Http(_port(standing), token(standing.running.house.logins, MACHINE, "system"))
    lines = Lines(http, standing.mllp_port)
    try:
        for event in run:
            await lines.send(event)
            advance(1)
    finally:
        lines.close()
    return lines.tally


async def _looked_at(size: Size, standing: Served, tally: Tally, truth: Truth) -> Report:
    house = standing.running.house
    hall = house.hall(system(MAIN, "demo"))
    agreement = Agreement(hall.record, truth)
    agreement.compare()
    journeys = await _journeys(standing, agreement)
    await standing.running.durable(MAIN, 0)
    disagreements = [*tally.unexpected, *_doors(tally, truth), *agreement.disagreements, *journeys]
    letters = int(standing.doorway.page(hall, "open")["total"])
    if letters != len(tally.letters):
        disagreements.append(f"dead letters: {len(tally.letters)} refused, {letters} kept")
    return Report(
        seed=size.seed,
        days=size.days,
        patients=size.patients,
        received=dict(sorted(tally.received.items())),
        accepted=dict(tally.accepted),
        refused=dict(tally.refused),
        refused_expected=dict(truth.refused),
        mislabelled={"sent": tally.mislabelled, "refused": tally.mislabelled_refused},
        faults={"repeated": truth.repeated, "held_back": truth.held_back, "overtaken": truth.overtaken},
        dead_letters=letters,
        record=agreement.found,
        journeys=len(agreement.patients) - len(journeys),
        omop=None,
        verified={},
        traces={},
        disagreements=disagreements,
    )


def _doors(tally: Tally, truth: Truth) -> list[str]:
    """What the doors refused beside what was broken on the way."""
    broken = {"fhir": truth.refused.get("cut_json", 0)}
    broken["hl7v2"] = sum(truth.refused.values()) - broken["fhir"]
    found = [
        f"refused by the door {channel}: {count} broken, {tally.refused[channel]} refused"
        for channel, count in broken.items()
        if tally.refused[channel] != count
    ]
    if tally.mislabelled != truth.mislabelled:
        found.append(f"mislabelled: {truth.mislabelled} sent, {tally.mislabelled} seen")
    return found


async def _journeys(standing: Served, agreement: Agreement) -> list[str]:
    """Ask for each patient's summary as a physician would; the failures."""
    followed = standing.running.motion(MAIN)
    while followed.followed < followed.seat.home.head():
        async with followed.moved:
            await followed.moved.wait()
    http = Http(_port(standing), token(standing.running.house.logins, "demo-physician", "physician"))
    failed = []
    for id in agreement.patients:
        answer = await http.ask("GET", f"/rooms/journey/patients/{id}/summary")
        if answer.status != 200:
            failed.append(f"journey of a patient answered {answer.status}")
    http.close()
    return failed


def _omop(report: Report, where: Place, truth: Truth) -> None:
    """Export as the room's own command does; each person, visit that happened, diagnosis and drug once."""
    house = House(where)
    room = next((one for one in house.rooms if one.name == "omop"), None)
    if room is None:
        return
    house.catch_up(MAIN)
    export = next(command for command in room.commands if command.name == "export")
    said: list[Mapping[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        export.run(house.hall(system(MAIN, "demo"), room.name), {"dir": f"{scratch}/omop"}, said.append)
    house.close()
    report.omop = {name: int(rows) for name, rows in said[-1].items() if name != "t"}
    for table, sent in (
        ("person", len(truth.survivors())),
        ("visit_occurrence", sum(stay.status != "cancelled" for stay in truth.stays.values())),
        ("condition_occurrence", sum(truth.conditions.values())),
        ("drug_exposure", sum(truth.prescriptions.values()) + sum(truth.administrations.values())),
    ):
        if report.omop[table] != sent:
            report.disagreements.append(f"omop {table}: {sent} sent, {report.omop[table]} rows")


def _verified(report: Report, where: Place) -> None:
    proof = examined(House(where, rooms=()), MAIN, deep=True)
    report.verified = {name: value for name, value in msgspec.to_builtins(proof).items() if not isinstance(value, list)}
    report.disagreements += [f"verify: {one}" for one in proof.wrong]


def _traced(report: Report, *looks: Traces) -> None:
    last = looks[-1]
    report.traces = {"files": last.files, "bytes": last.bytes, "patterns": last.patterns, "found": len(last.found)}
    report.disagreements += sorted(
        {f"a patient's name or number stands in {file}" for one in looks for file in one.found}
    )


def _port(standing: Served) -> int:
    return int(standing.address.rpartition(":")[2])


def _ports() -> Mapping[str, settings.Chosen]:
    """Free ports of loopback for both servers."""
    chosen = {"host": settings.Chosen("127.0.0.1", "demo"), "mllp_host": settings.Chosen("127.0.0.1", "demo")}
    chosen["mllp_tls_port"] = settings.Chosen(0, "demo")
    with socket.socket() as one, socket.socket() as other:
        for name, probe in (("port", one), ("mllp_port", other)):
            probe.bind(("127.0.0.1", 0))
            chosen[name] = settings.Chosen(int(probe.getsockname()[1]), "demo")
    return chosen
