"""The demo: a run to its end agrees with its ledger, a planted difference is named, the live one opens and closes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import msgspec
import pytest
from tests.served import SRC, free_port
from tests.v2_hall import House

from offspring import Onmaru, ran
from onmaru.adapters.receipt import Source
from onmaru.app.demo.agreement import Agreement
from onmaru.app.demo.ground import MARK, chosen_home, prepared
from onmaru.app.demo.once import FAULTS, Size
from onmaru.app.demo.traces import patterns, traces
from onmaru.app.refusal import Refusal
from onmaru.kernel import bundle
from onmaru.simulate import NO_FAULTS, Settings, hospital
from onmaru.simulate.faults import BREAKING

ARGV = (sys.executable, "-m", "onmaru.app", "demo")
ENVIRON = {**os.environ, "PYTHONPATH": str(SRC)}


def test_a_run_to_the_end_agrees_with_its_ledger() -> None:
    wanted = ("--once", "--json", "--days", "1", "--patients", "5")
    done = subprocess.run([*ARGV, *wanted], env=ENVIRON, capture_output=True, text=True, timeout=300)
    report = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, report["disagreements"], report["agree"]) == (0, [], True)
    assert report["journeys"] == report["record"]["patients"] > 0
    assert report["verified"]["ok"] is True
    assert report["verified"]["index_rows"] > report["verified"]["entries"] > 0
    assert report["traces"]["found"] == 0
    assert report["traces"]["patterns"] > report["record"]["patients"]
    assert report["received"]["fhir"] == report["accepted"]["fhir"] + report["refused"].get("fhir", 0)
    assert report["dead_letters"] == report["refused"]["hl7v2"] + report["mislabelled"]["refused"]


def test_the_usual_run_has_every_course_and_every_kind_of_fault() -> None:
    run = Size().run()
    sent = b"".join(event.payload for event in run)
    truth = run.truth
    broken = {breaking.__name__ for kinds in BREAKING.values() for breaking in kinds} - {"wrong_charset"}
    assert set(truth.refused) == broken
    assert min(truth.mislabelled, truth.repeated, truth.held_back, truth.overtaken) > 0
    assert truth.merged and truth.corrected and truth.deceased and truth.allergies and truth.appointments
    assert {"ADT^A11", "ADT^A13", "ADT^A40"} <= {"^".join(kind.split("^")[:2]) for kind in truth.sent}
    # One diagnosis that only its own course gives: diabetes, pneumonia, cancer, hip fracture, check-up, chest pain.
    assert [code for code in (b"E11", b"J18", b"C50", b"S72", b"Z00", b"R07") if b"|" + code not in sent] == []
    assert all(getattr(FAULTS, name) > 0 for name in msgspec.structs.asdict(FAULTS))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, object]:
    """A hall that took a small hospital whole, and the hospital's ledger."""
    house = House(tmp_path_factory.mktemp("hall"))
    run = hospital(3, 0.5, settings=Settings(patients=4, faults=NO_FAULTS))
    for event in run:
        if event.channel == "hl7v2":
            assert house.door.take(house.hall, event.payload, Source("mllp", "test")).ack == "AA"
        else:
            bundle.process(house.hall.record, event.payload, bundle.Limits())
    return house, run.truth


def test_a_record_that_holds_all_agrees(filled: tuple[House, object]) -> None:
    house, truth = filled
    agreement = Agreement(house.hall.record, truth)  # type: ignore[arg-type]
    agreement.compare()
    assert agreement.disagreements == []
    assert agreement.found["observations"] > 0


@pytest.mark.parametrize("ledger", ["observations", "conditions", "prescriptions", "stays", "patients", "deceased"])
def test_a_difference_is_named(filled: tuple[House, object], ledger: str) -> None:
    house, truth = filled
    changed = msgspec.convert(msgspec.to_builtins(truth), type(truth))  # type: ignore[var-annotated]
    kept = getattr(changed, ledger)
    if ledger == "deceased":
        kept.add(next(iter(changed.patients)))
    elif ledger in ("stays", "patients"):
        kept.pop(next(iter(kept)))
    else:
        kept[next(iter(kept))] += 1
    agreement = Agreement(house.hall.record, changed)
    agreement.compare()
    assert agreement.disagreements


def test_a_name_or_number_on_the_disk_is_found_in_either_encoding_and_across_a_seam(tmp_path: Path) -> None:
    wanted = patterns(["홍길동"], [b"800101-S000001"])
    (tmp_path / "clean").write_bytes(os.urandom(4096))
    assert traces(tmp_path, wanted).found == []
    for number, text in enumerate(("홍길동".encode(), "홍길동".encode("euc_kr"), b"800101S000001")):
        (tmp_path / f"leak{number}").write_bytes(b"\0" * ((1 << 24) - 3) + text)
    assert traces(tmp_path, wanted).found == ["leak0", "leak1", "leak2"]


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tenants").mkdir()
    with pytest.raises(Refusal, match="not a demo"):
        prepared(tmp_path)
    fresh = tmp_path / "fresh"
    assert prepared(fresh, {"ONMARU_KEYS": "/elsewhere"}) == {"ONMARU_HOME": str(fresh)}
    assert (fresh / "onmaru.toml").read_text("utf-8").startswith(MARK)
    assert prepared(fresh, {}) == {"ONMARU_HOME": str(fresh)}


def test_the_demo_stays_out_of_the_data_directory_itself() -> None:
    assert chosen_home(None, {}).name == "demo"
    assert chosen_home(None, {"ONMARU_HOME": "/there"}) == Path("/there")
    assert chosen_home(Path("/here"), {"ONMARU_HOME": "/there"}) == Path("/here")


def started(port: int, mllp_port: int, home: Path) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """A live demo in its live part, and the accounts that it printed."""
    args = ["demo", "--home", str(home), "--past", "0.1", "--port", str(port), "--mllp-port", str(mllp_port)]
    running = Onmaru(args, env=ENVIRON, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    lines: list[str] = []
    deadline = time.monotonic() + 120
    while not any("Live now" in line for line in lines) and time.monotonic() < deadline:
        lines.append(running.stdout.readline())
    return running, {line.split()[0]: line.split()[1] for line in lines if line.startswith("  ")}


def ended(running: subprocess.Popen[str]) -> int:
    running.send_signal(signal.SIGINT)
    status = running.wait(60)
    assert running.stdout is not None
    running.stdout.close()
    return status


def test_the_live_demo_opens_lets_people_in_and_closes_cleanly(tmp_path: Path) -> None:
    port, mllp_port, home = free_port(), free_port(), tmp_path / "home"
    running, said = started(port, mllp_port, home)
    roles = {"physician", "nurse", "registrar", "researcher", "data-manager", "board-member", "admin"}
    assert roles <= set(said)
    body = json.dumps({"user": "nurse", "password": said["nurse"]}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/login", body)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.loads(answer.read())["roles"] == ["nurse"]
    assert ended(running) == 0
    first = json.loads((home / "simulated.json").read_bytes())
    running, said = started(port, mllp_port, home)
    assert roles <= set(said)
    assert ended(running) == 0
    second = json.loads((home / "simulated.json").read_bytes())
    assert (second["seed"], second["start"]) == (first["seed"], first["start"])
    assert second["sent"] >= first["sent"] > 0
    done = ran(["verify", "--deep", "--json"], env={**ENVIRON, "ONMARU_HOME": str(home)}, text=True)
    assert done.returncode == 0, done.stdout
