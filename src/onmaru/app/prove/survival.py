"""Proofs that nothing acknowledged is ever lost: kill -9 at random instants, and power cuts at random instants."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path

import click

from onmaru.app.evidence import Figures, Proof
from onmaru.app.prove import killed_house, killed_load
from onmaru.app.prove.disk import Disk, trace
from onmaru.app.prove.remains import checked

# Kills of each, a load and a demo; of those of a load so many are of the whole corpus.
KILLS = 100
WHOLE = 3
CUTS = 200
CUTS_A_RUN = 20


def kills() -> Figures:
    """Kill real loads KILLS times, then real demos KILLS times."""
    load = killed_load.kills(KILLS, WHOLE, told)
    house = killed_house.kills(KILLS, told)
    orphans = load.orphans + house.orphans
    assert not orphans, f"{orphans} processes went on without the one they worked for"
    return {
        "kills of load": load.kills,
        "of these by tenths of the load that were in": dict(sorted(load.instants.items())),
        "loads brought to their end, each entry in once": load.stores,
        "resources in the last of them": load.entries,
        "kills of the served house": house.kills,
        "of these while it started": house.in_start,
        "acknowledged writes checked": house.writes,
        "acknowledged transactions checked": house.transactions,
        "unanswered transactions that are in wholly or not at all": house.unanswered,
        "acknowledged messages checked": house.messages,
        "messages of the simulated hospital checked": house.fed,
        "answered reads found audited": house.reads,
        "orphans": orphans,
        "lost": 0,
    }


def told(text: str) -> None:
    """Progress, for whoever watches a long proof."""
    click.echo(text, err=True)


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
        f"After {2 * KILLS} kills -9 of a real load and a real demo nothing acknowledged is lost, all seals verify, "
        "projections equal a rebuild.",
        kills,
    ),
    Proof(
        "2.power",
        f"After {CUTS} power cuts nothing acknowledged is lost, all seals verify, projections equal a rebuild.",
        cuts,
    ),
)
