"""Systems loaded by the command: what profiles bind to them is judged, operations and search ask them, a removal ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import term_files
from tests.made_profiles import definition, element

from onmaru.app.cli import run
from onmaru.app.house import MAIN, House, place, system
from onmaru.fhir.profiles.validator import Wanted, validated
from onmaru.kernel.record import Change

KCD = "http://www.hl7korea.or.kr/CodeSystem/kostat-kcd-8"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(tmp_path / name))
    yield tmp_path


def told(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_loaded_system_is_judged_by_bindings_and_gone_when_removed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = House(place(), rooms=())
    hall = house.hall(system(MAIN))
    bound = {"binding": {"strength": "required", "valueSet": "urn:kcd-codes"}}
    profile = definition("urn:bound", "Condition", element("Condition.code", **bound))
    codes = {"resourceType": "ValueSet", "id": "k", "url": "urn:kcd-codes", "status": "active"}
    codes["compose"] = {"include": [{"system": KCD, "filter": [{"property": "concept", "op": "is-a", "value": "E11"}]}]}
    bodies = [("ValueSet", "k", codes), ("StructureDefinition", "bound", {**profile, "id": "bound"})]
    hall.record.write([Change("update", type, id, json.dumps(body).encode()) for type, id, body in bodies])

    def severities(code: str) -> set[str]:
        coding = {"coding": [{"system": KCD, "code": code}]}
        body = {"resourceType": "Condition", "code": coding, "subject": {"reference": "Patient/p"}}
        found = validated(json.dumps(body).encode(), hall.rules.library, Wanted(profiles=["urn:bound"]))
        return {one.severity for one in found if one.expression == "Condition.code"}

    assert severities("I10") == {"information"}
    # The command works beside the open house, as beside a server
    assert run(["terms", "load", "kcd", str(term_files.kcd(home)), "--version", "8", "--json"]) == 1
    [outcome] = told(capsys)
    assert (outcome["concepts"], [one["line"] for one in outcome["refused"]]) == (4, [6])
    assert severities("E11.20") == set() and severities("I10") == {"error"} and severities("E10-E14") == {"error"}
    assert run(["terms", "load", "kcd", str(term_files.kcd(home)), "--version", "8", "--fragment", "--json"]) == 1
    assert severities("E11.20") == set() and severities("I10") == {"information"}
    capsys.readouterr()
    assert run(["terms", "list", "--json"]) == 0
    assert [(one["url"], one["version"], one["whole"]) for one in told(capsys)] == [(KCD, "8", True)]
    assert run(["terms", "remove", KCD, "--json"]) == 0
    assert severities("I10") == {"information"}
    assert run(["terms", "remove", KCD]) == 3 and run(["terms", "load", "kcd", str(home), "--tenant", "nobody"]) == 3
    house.close()


LINES = 5_000
# The command, but that the power goes at a row in the middle
VICTIM = """
import os, signal, sys
from onmaru.adapters.terms import sheet
from onmaru.app.cli import run
read, left = sheet._term, 3_000
def term(*told):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(*told)
sheet._term = term
sys.exit(run(["terms", "load", "kcd", sys.argv[1], "--version", "9", "--json"]))
"""


def test_a_load_that_is_killed_goes_on_and_is_whole(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = home / "big.csv"
    rows = (f"{chr(65 + n // 1_000)}{n % 1_000:04d},이름 {n}" for n in range(LINES))
    table.write_text("상병기호,한글명\n" + "\n".join(rows) + "\n", "utf-8")
    killed = subprocess.run([sys.executable, "-c", VICTIM, str(table)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert run(["terms", "list", "--json"]) == 0
    assert [one["whole"] for one in told(capsys)] == [False]
    assert run(["terms", "load", "kcd", str(table), "--version", "9", "--json"]) == 0
    [outcome] = told(capsys)
    assert (outcome["concepts"], outcome["refusals"], outcome["resumed"]) == (LINES, 0, True)
