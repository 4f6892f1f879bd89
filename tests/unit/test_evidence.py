"""Evidence and benchmarks: figures are kept with what they depend on, and a proof that fails says so."""

from __future__ import annotations

import getpass
import json
import platform
from pathlib import Path

import pytest

from onmaru.app import cli, proofs
from onmaru.app.bench import loaded, result, scripts
from onmaru.app.checkout import root
from onmaru.app.checks import steps
from onmaru.app.evidence import Evidence, Figures, Proof, gather, page, write


def holds() -> Figures:
    return {"rate": 12}


def fails() -> Figures:
    raise AssertionError("rate 3 is below 12")


def test_a_proof_that_holds_is_written_for_programs_and_for_people(tmp_path: Path) -> None:
    evidence = gather(Proof("2.x", "It is fast.", holds), "abc")
    write(evidence, tmp_path)
    kept = json.loads((tmp_path / "2.x.json").read_text("utf-8"))
    assert kept["holds"] is True and kept["figures"] == {"rate": 12} and kept["commit"] == "abc"
    assert kept["machine"]["cores"] > 0 and "load average before" in kept["conditions"]
    assert "# 2.x: holds" in (tmp_path / "2.x.md").read_text("utf-8")


def test_a_proof_that_fails_is_kept_with_its_reason() -> None:
    evidence = gather(Proof("2.x", "It is fast.", fails), "abc")
    assert not evidence.holds and evidence.figures == {"failed": "rate 3 is below 12"}
    assert "DOES NOT HOLD" in page(evidence)


def test_evidence_names_no_machine_user_or_folder() -> None:
    evidence: Evidence = gather(Proof("2.x", "It is fast.", holds), "abc")
    text = json.dumps([dict(evidence.machine), dict(evidence.conditions)])
    for private in (platform.node(), getpass.getuser(), str(Path.home()), str(root())):
        assert private not in text


def test_the_folder_that_a_proof_goes_on_in_is_nobodys_business(tmp_path: Path) -> None:
    proof = Proof("9.kept", "It goes on.", lambda folder, patients: {"people": patients}, ("folder", "patients"))
    evidence = gather(proof, "abc", {"folder": tmp_path, "patients": 3})
    write(evidence, tmp_path)
    assert evidence.conditions["patients"] == 3 and str(tmp_path) not in (tmp_path / "9.kept.json").read_text("utf-8")


def test_every_proof_can_be_listed_and_has_a_claim() -> None:
    assert proofs.known()
    assert all(name == proof.name and proof.claim.endswith(".") for name, proof in proofs.known().items())


def test_a_result_has_the_latencies_and_the_ratio() -> None:
    found = result("x", [n / 1000 for n in range(1, 101)], 50.0, 100.0)
    assert (found.ours.p50_ms, found.ours.p99_ms, found.ratio) == (51.0, 100.0, 0.5)


def test_every_benchmark_that_is_listed_loads_and_can_be_run() -> None:
    found = scripts(root())
    assert {"create", "floor", "hl7", "journey", "load", "read", "search"} <= found.keys()
    assert [name for name, file in found.items() if not callable(getattr(loaded(file), "run", None))] == []


def test_a_benchmark_ends_with_one_line_of_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["bench", "startup", "--quick", "--json"]) == 0
    line = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert line["bench"] == "startup" and line["ours"]["rate"] > 0 and line["floor"]["rate"] > 0


def test_the_tests_are_the_last_step_so_that_pytest_speaks_last() -> None:
    names = [step.name for step in steps(root())]
    assert names[:5] == ["lint", "format", "types", "imports", "docs"] and names[-1] == "tests"


def counted(requests: int = 100) -> Figures:
    return {"requests": requests}


def test_a_proof_that_is_not_run_in_full_says_so_and_takes_no_size_that_it_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = Proof("2.x", "It counts.", counted, ("requests",))
    evidence = gather(proof, "abc", {"requests": 3})
    assert evidence.figures == {"requests": 3} and evidence.conditions["requests"] == 3
    assert "requests" not in gather(proof, "abc").conditions
    monkeypatch.setattr(proofs, "known", lambda: {"2.x": proof})
    monkeypatch.setattr(proofs, "root", lambda: tmp_path)
    assert cli.run(["2.x", "--resources", "3"], proofs.prove) == 2
    assert cli.run(["2.x", "--requests", "3"], proofs.prove) == 0
    assert json.loads((tmp_path / "docs" / "evidence" / "2.x.json").read_text())["figures"] == {"requests": 3}
