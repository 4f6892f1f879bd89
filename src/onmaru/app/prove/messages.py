"""Proofs about the HL7 v2 door: public messages are taken or refused as they deserve, broken ones never break it."""

from __future__ import annotations

import os
import resource
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import click

from onmaru.adapters.door import Door
from onmaru.adapters.hl7v2 import er7, mapping, whereabouts
from onmaru.adapters.hl7v2.heard import Heard
from onmaru.adapters.hl7v2.hearing import Hearing
from onmaru.adapters.hl7v2.mutants import mutants, survive
from onmaru.adapters.receipt import Receipt, Source
from onmaru.app.calm import calm
from onmaru.app.checkout import root
from onmaru.app.evidence import Figures, Proof
from onmaru.app.fresh import new_id
from onmaru.app.house import MAIN, House, Place, now, system
from onmaru.simulate.hospital import hospital
from onmaru.simulate.settings import NO_FAULTS, Settings

FUZZED = 200_000
SHARES = 100
WRITTEN = 10_000
SEED = 2
MORE_MEMORY = 512
"""MiB that a process may grow by from its first share of the fuzzed messages to its last."""
TABLED = 44
REFUSED = {
    "edge-empty-segments.hl7": "AE",
    "invalid-missing-msh.hl7": "AR",
    "invalid-segment-header-length.hl7": "AE",
    "invalid-wrong-version.hl7": "AR",
}


class Taking:
    """A real house in a temporary folder, and its door."""

    def __init__(self, scratch: Path) -> None:
        self.house = House(Place(scratch / "home", scratch / "keys", scratch / "witness"))
        self.home = self.house.seat(MAIN).home
        self._door = Door(now, new_id)
        self._source = Source("mllp", "proof", "hl7v2", settle=self.settle)

    def settle(self) -> None:
        self.home.wait(self.home.tip())

    def take(self, data: bytes, heard: Heard | None = None) -> Receipt:
        return self._door.hear(self.house.hall(system(MAIN, "mllp/proof")), data, self._source, heard)


def corpus(name: str) -> Iterator[tuple[str, bytes]]:
    """(file, message) of one folder of the public messages beside the checkout."""
    data = Path(os.environ.get("ONMARU_TEST_DATA") or root().parent / "shared" / "data") / "hl7v2"
    assert data.is_dir(), "the public HL7 v2 messages are not at hand: set ONMARU_TEST_DATA"
    for file in sorted((data / name).glob("*.hl7")):
        for piece in er7.split(file.read_bytes()):
            yield file.name, piece


def acceptance() -> Figures:
    """Take the public messages on a real store, and account for every populated field."""
    acks: dict[str, Counter[str]] = {"ms-fhir-converter": Counter(), "rethinkhealth": Counter()}
    with tempfile.TemporaryDirectory(prefix="onmaru-prove-") as scratch:
        taking = Taking(Path(scratch))
        for folder, counts in acks.items():
            for name, piece in corpus(folder):
                receipt = taking.take(piece)
                counts[receipt.ack] += 1
                wanted = REFUSED.get(name, "AA")
                assert receipt.ack == wanted, f"{name} was answered {receipt.ack}, not {wanted}"
                assert wanted == "AA" or b"\rERR|" in receipt.reply, f"{name} was refused without ERR"
        taking.settle()
        taking.house.close()
    assert acks["ms-fhir-converter"] == {"AA": 78}, "not all 78 messages of ms-fhir-converter were answered AA"
    return {**{name: dict(counts) for name, counts in acks.items()}, **_fields()}


def _fields() -> Figures:
    tabled, populated, lost = 0, Counter[bool](), Counter[bool]()
    carried: Counter[str] = Counter()
    unplaced: dict[str, str] = {}
    for name, piece in corpus("ms-fhir-converter"):
        mapped = mapping.resources(er7.parse(piece))
        own = mapped.structure != "*"
        tabled += own
        populated[own] += mapped.populated
        lost[own] += len(mapped.lost)
        carried.update(f"{field.segment}-{field.field}" for field in mapped.carried)
        if mapped.lost:
            unplaced[name] = " ".join(map(str, mapped.lost))
    assert tabled == TABLED, f"{tabled} messages follow their own table, not {TABLED}"
    assert lost[True] <= 0.05 * populated[True], "more than 5 % of the populated fields reach no resource"
    return {
        "messages by their own table": tabled,
        "populated fields": populated.total(),
        "fields that reach no resource, by message": unplaced or "none",
        "fields kept only in our extension": carried.total(),
        "most often": " ".join(f"{name}×{count}" for name, count in carried.most_common(40)),
    }


def vital() -> Figures:
    """Leave out each field of identity, diagnosis, drug, dose, result, unit and time, and see what is missing then."""
    places: Counter[str] = Counter()
    elements: dict[str, Counter[str]] = {}
    wrong, seen = [], set[tuple[str, str, int]]()
    for name in ("ms-fhir-converter", "rethinkhealth"):
        for file, piece in corpus(name):
            if file in REFUSED:
                continue
            for one in whereabouts.trace(er7.parse(piece), seen):
                places[one.place] += 1
                elements.setdefault(f"{one.segment}-{one.field}", Counter()).update(one.paths)
                if one.place in (whereabouts.EXTENSION, whereabouts.NOWHERE):
                    wrong.append(f"{file} {one}: {one.place}")
    assert not wrong, "; ".join(wrong)
    return {
        "vital fields": places.total(),
        "seen by an element that is missing without them": places[whereabouts.ELEMENT],
        "said by another field of the same message too": places[whereabouts.ALIKE],
        **{field: " ".join(path for path, _ in found.most_common(3)) for field, found in sorted(elements.items())},
    }


def fuzz() -> Figures:
    """Break messages in every way, and hold the door to an answer for each; a line on stderr tells how far it is."""
    messages = [*_public(), *_simulated()]
    counts: Counter[bool] = Counter()
    memory: dict[int, list[int]] = {}
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"), initializer=calm) as workers:
        door = workers.submit(_through_the_door, messages)
        for number, (process, used, some) in enumerate(workers.map(_survived, repeat(messages), range(SHARES)), 1):
            counts += some
            memory.setdefault(process, []).append(used)
            if number % (SHARES // 20) == 0:
                click.echo(f"{counts.total():,} of {FUZZED:,} fuzzed messages", err=True)
        figures = door.result()
    assert counts.total() == FUZZED, "a fuzzed message was neither taken nor refused"
    grown = max(used[-1] - used[0] for used in memory.values())
    assert grown <= MORE_MEMORY, f"a process grew by {grown} MiB"
    return {
        "messages they were made of": len(messages),
        "fuzzed": counts.total(),
        "mapped": counts[True],
        "refused": counts[False],
        "MiB grown": grown,
        **figures,
    }


def _through_the_door(messages: Sequence[bytes]) -> Figures:
    """Fuzzed messages into a real store, every other one heard beforehand."""
    acks: Counter[str] = Counter()
    heard = 0
    hearing = Hearing(new_id)
    with tempfile.TemporaryDirectory(prefix="onmaru-prove-") as scratch:
        taking = Taking(Path(scratch))
        for number, data in enumerate(mutants(messages, WRITTEN, SEED + SHARES)):
            told = hearing.hear(data, "+09:00") if number % 2 else None
            heard += told is not None
            receipt = taking.take(data, told)
            acks[receipt.ack] += 1
            assert receipt.reply or not data.strip(), "a message was not answered"
            if number % 32 == 0:
                taking.settle()
        taking.settle()
        written = taking.home.head()
        taking.house.close()
    assert set(acks) <= {"AA", "AE", "AR"}, "an answer that is none of AA, AE, AR"
    return {"through the whole door": dict(acks), "of these heard beforehand": heard, "entries these wrote": written}


def _survived(messages: Sequence[bytes], share: int) -> tuple[int, int, Counter[bool]]:
    """One share of the fuzzed messages: the process, the most MiB it ever held, how many were taken and refused."""
    counts = Counter(survive(data) for data in mutants(messages, FUZZED // SHARES, SEED + share))
    return os.getpid(), _memory(), counts


def _public() -> Sequence[bytes]:
    return [piece for folder in ("ms-fhir-converter", "rethinkhealth") for _, piece in corpus(folder)]


def _simulated() -> Iterator[bytes]:
    for number, event in enumerate(hospital(SEED, 2, settings=Settings(faults=NO_FAULTS))):
        if event.channel == "hl7v2" and number % 7 == 0:
            yield event.payload


def _memory() -> int:
    """The most MiB this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


PROOFS = (
    Proof(
        "2.hl7",
        "All 78 messages of ms-fhir-converter are answered AA and those of rethinkhealth as their names say; at most 5 % "
        "of the populated fields reach no resource, and none of identity, diagnosis, drug, dose, result, unit or time.",
        acceptance,
    ),
    Proof(
        "2.vital",
        "Every populated field of identity, diagnosis, drug, dose, route, frequency, result, unit, range, flag and time in "
        "the public messages reaches an element of R4 or an extension of HL7's own; none is only in an extension of ours.",
        vital,
    ),
    Proof(
        "2.fuzz",
        "200,000 fuzzed HL7 v2 messages are read, mapped and emitted without a crash in bounded memory; 10,000 more go "
        "through the whole door of a real store and are each answered AA, AE or AR.",
        fuzz,
    ),
)
