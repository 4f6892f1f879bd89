"""Rates and disk as a record grows: charts of new identities loaded to each size, then read, searched and written over HTTP.

The folder keeps the house and what was measured: the same command goes on where it was cut short.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import msgspec

from _http import USERS, Bench
from _identities import charts, hospitals, written
from onmaru.app.house import MAIN, House, Place
from onmaru.app.loading import loaded, ordered
from onmaru.kernel.accounts import User

SIZES = (30_000, 100_000, 300_000, 1_000_000)
# Charts that are made, loaded and taken away again at a time
TOGETHER = 40
SECONDS = 20
DRAWN = 4_000
KINDS = ("read", "search", "create")
# Files and tables that hold who read what, and what rooms make of the record: apart from what a resource costs
AUDIT = frozenset({"audit.db", "block", "seen", "whose"})
ROOMS = frozenset({"rows.db", "lake", "blobs"})
Say = Callable[[str], None]


class Step(msgspec.Struct):
    """What was found at one size. Rates a second, latencies in ms.

    `bytes`: of log and index. `apart`: of all files, or tables, by name.
    """

    resources: int
    load: float
    rates: dict[str, float]
    p99: dict[str, float]
    bytes: int
    apart: dict[str, int] = {}


class Progress(msgspec.Struct):
    """How many charts are in, the resources and seconds of loading since the last size, and the sizes that are done."""

    charts: int = 0
    loaded: int = 0
    seconds: float = 0.0
    steps: list[Step] = []


class Growing:
    """One house that grows."""

    def __init__(self, folder: Path, say: Say) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._say = say
        store = os.environ.get("ONMARU_BENCH_STORE", "")
        self.place = Place(folder / "home", folder / "keys", folder / "witness", store)
        self._kept = folder / "progress.json"
        kept = self._kept.read_bytes() if self._kept.exists() else b"{}"
        self.progress = msgspec.json.decode(kept, type=Progress)
        self._charts = charts()

    def run(self, most: int) -> Sequence[Step]:
        """Grow to each size up to `most`, which is one itself."""
        for size in [*(size for size in SIZES if size < most), most]:
            if not any(step.resources >= size for step in self.progress.steps):
                self._grow(size)
                self._look(size)
            self._say(line(self.progress.steps, size))
        return self.progress.steps

    def _grow(self, size: int) -> None:
        house = House(self.place)
        home = house.seat(MAIN).home
        if not self.progress.charts:
            self._load(house, ordered(hospitals()))
        # What was created in between is of the record too
        while home.head() < size:
            first = self.progress.charts
            files = list(written(self._charts, range(first, first + TOGETHER), self._folder / "charts"))
            self._load(house, files)
            self.progress.charts += TOGETHER
            self._keep()
            shutil.rmtree(self._folder / "charts")
        house.close()

    def _load(self, house: House, files: Sequence[Path]) -> None:
        """Load files; only this counts as loading. What a chart holds that was refused fails the run."""
        started = perf_counter()
        for file, receipt in loaded(house, MAIN, files):
            assert not receipt.rejected and not receipt.reason, f"{file.name}: {receipt.reason or receipt.rejected}"
            self.progress.loaded += receipt.accepted
        self.progress.seconds += perf_counter() - started

    def _keep(self) -> None:
        new = self._kept.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self.progress))
        new.replace(self._kept)

    def _look(self, size: int) -> None:
        """Measure at this size, and remember it."""
        house = House(self.place)
        house.catch_up(MAIN)
        self._draw(house)
        resources = house.seat(MAIN).home.head()
        house.close()
        apart = weighed(self.place)
        bench: Any = SimpleNamespace(scratch=self._folder, place=self.place)
        rates, p99 = {}, {}
        with Bench.ours(bench) as address:
            for what in KINDS:
                # What is created stays, and must not be the greater part of a small record
                bench.seconds = SECONDS if what != "create" else SECONDS // 4
                reading = Bench.wrk(bench, address, what)
                rates[what], p99[what] = reading.rate, reading.p99
        progress = self.progress
        load = progress.loaded / progress.seconds
        record = sum(size for name, size in apart.items() if name not in AUDIT | ROOMS)
        progress.steps.append(Step(resources, round(load, 1), rates, p99, record, apart))
        progress.loaded, progress.seconds = 0, 0.0
        self._keep()

    def _draw(self, house: House) -> None:
        """Names, pairs and bodies to ask with, drawn over the whole record, and people who ask."""
        home, chance = house.seat(MAIN).home, random.Random(len(self.progress.steps))
        ids, pairs, bodies = [], [], []
        for t in chance.sample(range(1, home.head() + 1), min(DRAWN, home.head())):
            (one,) = home.read(t - 1, 1)
            if one.body is None or one.type == "DocumentReference":
                continue
            ids.append(f"{one.type}/{one.id}")
            if one.type == "Observation":
                tree = msgspec.json.decode(one.body)
                patient, coding = tree["subject"]["reference"], tree["code"]["coding"][0]
                pairs.append(f"{patient.removeprefix('Patient/')} {coding['code']}")
                bodies.append(one.body)
        for name, lines in (("ids", ids), ("pairs", pairs)):
            (self._folder / name).write_text("\n".join(lines))
        (self._folder / "bodies").write_bytes(b"\n".join(bodies))
        tokens = []
        for number in range(USERS):
            user = User(MAIN, f"bench{number}", f"Bench {number}", ("system",))
            house.logins.keep_user(user)
            tokens.append(house.logins.issue(user, "")[0])
        (self._folder / "tokens").write_text("\n".join(tokens))


def weighed(place: Place) -> dict[str, int]:
    """Bytes on the disk by file of the tenant's folder, or by table of its database."""
    if place.store:
        return _tables(place.store)
    top = place.home / "tenants" / MAIN
    found: dict[str, int] = {}
    for path in top.rglob("*"):
        if path.is_file():
            name = path.relative_to(top).parts[0].removesuffix("-wal").removesuffix("-shm")
            found[name] = found.get(name, 0) + path.stat().st_blocks * 512
    return found


def _tables(address: str) -> dict[str, int]:
    import asyncio

    import asyncpg

    async def asked() -> dict[str, int]:
        line = await asyncpg.connect(address)
        rows = await line.fetch(
            "SELECT relname, sum(pg_total_relation_size(c.oid))::int8 AS size FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = relnamespace WHERE relkind = 'r' AND nspname !~ '^(pg_|information)' GROUP BY relname"
        )
        await line.close()
        return {row["relname"]: row["size"] for row in rows}

    return asyncio.run(asked())


def line(steps: Sequence[Step], size: int) -> str:
    """One size of the curve, beside the first."""
    step = next(step for step in steps if step.resources >= size)
    shares = {what: step.rates[what] / steps[0].rates[what] for what in KINDS}
    told = "  ".join(
        f"{what} {step.rates[what]:,.0f}/s ({shares[what]:.0%}) p99 {step.p99[what]:.0f} ms" for what in KINDS
    )
    load = f"load {step.load:,.0f}/s ({step.load / steps[0].load:.0%})"
    rooms, audit = (sum(step.apart.get(name, 0) for name in names) for names in (ROOMS, AUDIT))
    each = [round(size / step.resources) for size in (step.bytes, rooms, audit)]
    disk = f"{each[0]:,} B each, rooms {each[1]:,}, audit {each[2]:,}"
    return f"{step.resources:>9,} resources  {load}  {told}  {disk}"
