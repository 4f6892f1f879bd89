"""A short version of the kill proof: what is killed is the real command, and nothing that was acknowledged is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from offspring import Onmaru
from onmaru.app import reading
from onmaru.app.prove import corpus, killed_house, killed_load, victim
from onmaru.app.prove.clients import TAG, Ledger
from onmaru.app.prove.victim import Victim


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A victim is in the middle of its work at once: it is forked from a process that has imported the program."""

    def begun(argv: Sequence[str], **how: Any) -> Onmaru:
        return Onmaru(argv[1 + len(victim.ARGV) :], **how)

    monkeypatch.setattr(victim, "subprocess", SimpleNamespace(Popen=begun, DEVNULL=subprocess.DEVNULL))


def test_a_reader_ahead_ends_when_its_loader_is_killed(tmp_path: Path) -> None:
    """A loader that never looks: the reader is kept waiting with a full pipe, and in the middle of a long task."""
    large = tmp_path / "large.json"
    large.write_bytes(b'{"resourceType":"Patient","id":"a"}\n' * 20_000)
    code = (
        "import os, sys, time; from pathlib import Path; from onmaru.app.reading import Reading;"
        "one = Reading([Path(sys.argv[1])] * 500, {}); print(one._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(large)], stdout=subprocess.PIPE, text=True) as loader:
        assert loader.stdout is not None
        reader = int(loader.stdout.readline())
        time.sleep(1.0)
        loader.send_signal(signal.SIGKILL)
        loader.wait()
        for _ in range(500):
            if not running(reader):
                return
            time.sleep(0.01)
    os.kill(reader, signal.SIGKILL)
    raise AssertionError("the reader went on without its loader")


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_process_left_behind_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onmaru.app.prove.victim.PATIENCE", 0.2)
    monkeypatch.setattr(sys, "executable", "/bin/sh")
    script = tmp_path / "leave.sh"
    script.write_text("sleep 30 & wait\n")
    monkeypatch.setattr("onmaru.app.prove.victim.ARGV", (str(script),))
    victim = Victim([], os.environ, tmp_path / "log")
    time.sleep(0.3)
    assert victim.kill() == 1
    assert victim.orphans() == 0


@pytest.mark.usefixtures("at_once")
@pytest.mark.slow
def test_a_killed_load_goes_on_and_holds_each_entry_once(
    shared_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONMARU_TEST_DATA", str(shared_data("fhir-synthea-r4").parent))
    monkeypatch.setattr(killed_load, "PATIENTS", 2)
    found = killed_load.kills(1, 0, lambda text: None)
    assert (found.kills, found.orphans) == (1, 0)
    assert found.stores >= 1


@pytest.mark.usefixtures("at_once")
def test_an_entry_that_is_in_twice_is_seen(
    shared_data: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONMARU_TEST_DATA", str(shared_data("fhir-synthea-r4").parent))
    chance = random.Random(1)
    load = killed_load.Load(tmp_path / "s", corpus.sliced(chance, 1, tmp_path / "f"), tmp_path / "f")
    assert load.start().ended(120) == 0
    load.check(deep=False, whole=True)
    load.wanted[next(iter(load.wanted))] -= 1
    with pytest.raises(AssertionError, match="1 resources are in twice"):
        load.check(deep=False, whole=True)


@pytest.mark.usefixtures("at_once")
@pytest.mark.slow
def test_a_killed_demo_has_all_that_it_acknowledged() -> None:
    found = killed_house.kills(3, lambda text: None)
    assert (found.kills, found.orphans) == (3, 0)
    assert min(found.writes, found.messages, found.reads) > 0


@pytest.mark.parametrize(
    ("ledger", "said"),
    [
        (Ledger(written={"Patient/never/1": b""}), "an acknowledged Patient is lost"),
        (Ledger(written={"Patient/a/1": b"{ }"}), "an acknowledged Patient is another"),
        (Ledger(sent={"whole": 2}, committed={"whole"}), "of a transaction of 2 entries 1 are there"),
        (Ledger(sent={"half": 3}), "of a transaction of 3 entries 1 are there"),
        (Ledger(messages={"never"}), "an acknowledged message is lost"),
    ],
)
def test_what_is_lost_is_seen(ledger: Ledger, said: str) -> None:
    there = killed_house.Left()
    for id, tag in (("a", "whole"), ("b", "half")):
        body = {"resourceType": "Patient", "meta": {"tag": [{"system": TAG, "code": tag}]}}
        there.add(f"Patient/{id}", 1, json.dumps(body).encode())
    with pytest.raises(AssertionError, match=said):
        killed_house.compare(ledger, there)


def test_a_message_without_its_provenance_is_seen() -> None:
    there = killed_house.Left()
    document = {"resourceType": "DocumentReference", "identifier": [{"system": "urn:onmaru:message", "value": "d"}]}
    there.add("DocumentReference/d", 1, json.dumps(document).encode())
    with pytest.raises(AssertionError, match="without its Provenance"):
        killed_house.compare(Ledger(), there)


def test_reading_ahead_is_what_the_slices_do(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    os.environ.setdefault("ONMARU_TEST_DATA", str(shared_data("fhir-synthea-r4").parent))
    assert reading.worth(corpus.sliced(random.Random(2), killed_load.PATIENTS, tmp_path / "f")) or os.cpu_count() == 1
