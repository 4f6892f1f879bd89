"""Proofs that nothing acknowledged is ever lost: kill -9 at random instants, and power cuts at random instants."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place
from onmaru.app.prove.disk import Disk, trace
from onmaru.app.verifying import examined
from onmaru.engines.sqlite.rows import HotTables

KILLS = 200
CUTS = 200
CUTS_A_RUN = 20


def checked(folder: Path, position: int, rows: int, *, deep: bool) -> None:
    """Open what is left and hold it to everything that was acknowledged."""
    house = House(Place(folder / "home", folder / "keys", folder / "witness"))
    try:
        seat = house.seat(MAIN)
        assert seat.home.head() >= position, f"acknowledged position {position} is lost, the head is {seat.home.head()}"
        assert seat.home.trail.count >= rows, (
            f"acknowledged audit row {rows} is lost, there are {seat.home.trail.count}"
        )
        house.catch_up(MAIN)
        seat.home.index.commit()
        report = examined(house, MAIN, deep=deep)
        assert report.ok, str(report.wrong[0])
        _projected(house)
    finally:
        house.close()


def _projected(house: House) -> None:
    """Every hot table equals one followed from zero."""
    seat = house.seat(MAIN)
    keys, _ = house.keys(MAIN)
    with tempfile.TemporaryDirectory() as scratch:
        again = HotTables(Path(scratch), keys.pages, seat.hot.projections)
        for projection in again.projections:
            while again.catch_up(projection, seat.home, 333):
                pass
        for _, physical in again.tables.values():
            select = f'SELECT * FROM "{physical}"'  # noqa: S608 - a table of ours
            ours, theirs = (sorted(map(repr, one.db.execute(select))) for one in (seat.hot, again))
            assert ours == theirs, f"table {physical} differs from a rebuild"
        again.close()


def kills() -> Figures:
    """Kill the writer KILLS times on one growing store."""
    chance = random.Random(2)  # noqa: S311 - reproducible
    acknowledged = (0, 0)
    with tempfile.TemporaryDirectory(prefix="onmaru-kill-") as scratch:
        folder = Path(scratch)
        for number in range(KILLS):
            if number % 25 == 0:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
            acknowledged = _killed(folder, number, chance.uniform(0.0, 0.5))
            checked(folder, *acknowledged, deep=number % 5 == 0)
    return {"kills": KILLS, "last acknowledged position": acknowledged[0], "lost": 0}


def _killed(folder: Path, seed: int, after: float) -> tuple[int, int]:
    """Start the writer, kill it `after` seconds from its first word; the last whole line it said."""
    argv = [sys.executable, "-m", "onmaru.app.prove.writer", str(folder), str(seed), "1000000"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)  # noqa: S603
    if process.stdout is None:
        raise RuntimeError("no pipe")
    said = process.stdout.readline()
    time.sleep(after)
    process.kill()
    said += process.stdout.read()
    process.wait()
    process.stdout.close()
    return last_line(said)


def last_line(said: bytes) -> tuple[int, int]:
    """The last whole `position rows` line."""
    lines = said.split(b"\n")[:-1]
    position, rows = lines[-1].split() if lines else (b"0", b"0")
    return int(position), int(rows)


def cuts() -> Figures:
    """Trace the writer's system calls, and put the files back to what had been synced at CUTS random instants."""
    chance = random.Random(3)  # noqa: S311 - reproducible
    furthest = calls = 0
    for run in range(CUTS // CUTS_A_RUN):
        with tempfile.TemporaryDirectory(prefix="onmaru-cut-") as scratch:
            folder = Path(scratch) / "store"
            folder.mkdir()
            argv = [
                sys.executable,
                "-m",
                "onmaru.app.prove.writer",
                str(folder),
                str(run),
                str(chance.randrange(20, 60)),
            ]
            log = trace(argv, folder, Path(scratch) / "calls")
            calls += len(log)
            for instant in sorted(chance.sample(range(len(log)), CUTS_A_RUN)):
                disk = Disk(folder)
                said = disk.play(log[:instant])
                left = Path(scratch) / "left" / "store"
                disk.put_back(left)
                acknowledged = last_line(said)
                if (left / "keys" / "master.key").exists():
                    checked(left, *acknowledged, deep=True)
                else:
                    assert acknowledged == (0, 0), "a key is lost though something was acknowledged"
                furthest = max(furthest, acknowledged[0])
                shutil.rmtree(left)
    return {"power cuts": CUTS, "system calls traced": calls, "furthest acknowledged position": furthest, "lost": 0}


PROOFS = (
    Proof(
        "2.kill",
        f"After {KILLS} kills -9 nothing acknowledged is lost, all seals verify, projections equal a rebuild.",
        kills,
    ),
    Proof("2.power", f"After {CUTS} power cuts nothing acknowledged is lost, all seals verify.", cuts),
)
