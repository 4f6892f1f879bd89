"""The walls hold: every import contract is kept, and a planted violation of each kind breaks the contract that names it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINTER = Path(sys.executable).parent / "lint-imports"

PICTURE = "An import goes down the picture, never up or sideways"
ROOMS = "A room does not know another room"
DRIVERS = "No engine or driver is named in rooms, kernel or fhir"
WIRING = "Only app wires engines and rooms"
PURE = "FHIR is pure: no network, process, store, chance or secret is named in fhir"
CYCLES = "No cycles among packages or modules"


class Planted(NamedTuple):
    """Files to add (path below the package → source) and the contract that must break."""

    files: dict[str, str]
    broken: str


PLANTED = {
    "kernel imports engines": Planted({"kernel/_p.py": "import onmaru.engines"}, PICTURE),
    "kernel imports app": Planted({"kernel/_p.py": "import onmaru.app.rooms"}, PICTURE),
    "fhir imports kernel": Planted({"fhir/_p.py": "from onmaru.kernel import log"}, PICTURE),
    "web imports rooms": Planted({"web/_p.py": "import onmaru.rooms"}, PICTURE),
    "adapters import engines": Planted({"adapters/_p.py": "import onmaru.engines"}, PICTURE),
    "simulate imports adapters": Planted({"simulate/_p.py": "import onmaru.adapters"}, PICTURE),
    "a package outside the picture": Planted({"attic/__init__.py": '"""Out of the picture."""'}, PICTURE),
    "a lazy import inside a function": Planted({"kernel/_p.py": "def f():\n    import onmaru.web"}, PICTURE),
    "an import for types only": Planted(
        {"fhir/_p.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import onmaru.kernel"}, PICTURE
    ),
    "a room imports a room": Planted(
        {"rooms/attic/__init__.py": "from onmaru.rooms import cellar", "rooms/cellar/__init__.py": ""}, ROOMS
    ),
    "a room's inner file imports a room": Planted(
        {
            "rooms/attic/__init__.py": "",
            "rooms/attic/beam.py": "import onmaru.rooms.cellar.wine",
            "rooms/cellar/__init__.py": "",
            "rooms/cellar/wine.py": "",
        },
        ROOMS,
    ),
    "web imports engines": Planted({"web/_p.py": "import onmaru.engines"}, WIRING),
    "adapters import a room": Planted({"adapters/_p.py": "import onmaru.rooms"}, WIRING),
    "a cycle of two modules": Planted(
        {"kernel/_p.py": "import onmaru.kernel._q", "kernel/_q.py": "import onmaru.kernel._p"}, CYCLES
    ),
    "a cycle of two packages": Planted(
        {
            "adapters/_p/__init__.py": "",
            "adapters/_p/one.py": "import onmaru.adapters._q.one",
            "adapters/_q/__init__.py": "",
            "adapters/_q/one.py": "",
            "adapters/_q/two.py": "import onmaru.adapters._p.two",
            "adapters/_p/two.py": "",
        },
        CYCLES,
    ),
    **{
        f"{wing} names {driver}": Planted({f"{wing}/_p.py": f"import {driver}"}, DRIVERS)
        for wing, driver in (
            ("rooms", "sqlite3"),
            ("rooms", "duckdb"),
            ("rooms", "apsw"),
            ("kernel", "sqlite3"),
            ("kernel", "granian"),
            ("fhir", "duckdb"),
        )
    },
    "fhir opens a socket": Planted({"fhir/_p.py": "import socket"}, PURE),
    "fhir throws dice": Planted({"fhir/_p.py": "import random"}, PURE),
}


# Reads import-linter once and judges each folder named on its input in a fork of itself, which knows of no other folder
JUDGE = """
import os, sys
from importlinter.cli import lint_imports_command
for folder in sys.stdin:
    pid = os.fork()
    if not pid:
        os.chdir(folder.rstrip("\\n"))
        sys.path.insert(0, os.getcwd())
        os.dup2(os.open("verdict", os.O_WRONLY | os.O_CREAT), 1)
        lint_imports_command(["--no-logo", "--no-cache", "--config", sys.argv[1]])
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
CONFIG = str(ROOT / "pyproject.toml")
Judge = Callable[[Path], set[str]]


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    """Names of the contracts that break for the package in a folder, by the project's own configuration."""
    environ = {**os.environ, "PYTHONPATH": "", "NO_COLOR": "1", "COLUMNS": "200"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", JUDGE, CONFIG], env=environ, text=True, stdin=pipe, stdout=pipe
    ) as judging:
        assert judging.stdin and judging.stdout

        def broken(source: Path) -> set[str]:
            print(source, file=judging.stdin, flush=True)
            status = int(judging.stdout.readline())
            return broken_contracts(status, (source / "verdict").read_text("utf-8"))

        yield broken


def broken_contracts(status: int, said: str) -> set[str]:
    """Names of the contracts that import-linter called broken."""
    verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)$", said, re.MULTILINE))
    assert verdicts, f"import-linter said nothing to read: {said[-500:]}"
    broken = {name for name, verdict in verdicts.items() if verdict == "BROKEN"}
    assert status == (1 if broken else 0)
    return broken


def plant(source: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = source / "onmaru" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", "utf-8")


def test_every_import_contract_is_kept() -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1", "COLUMNS": "200"}
    argv = [str(LINTER), "--no-logo", "--no-cache", "--config", CONFIG]
    done = subprocess.run(argv, cwd=ROOT / "src", env=environ, capture_output=True, text=True, check=False)
    assert broken_contracts(done.returncode, done.stdout + done.stderr) == set()


def bare(source: Path) -> None:
    """The packages of the house with nothing in them: what the contracts speak of, read in a hundredth of the time."""
    for file in sorted((ROOT / "src" / "onmaru").rglob("__init__.py")):
        plant(source, {str(file.relative_to(ROOT / "src" / "onmaru")): ""})


def test_the_bare_house_keeps_every_contract(tmp_path: Path, judge: Judge) -> None:
    bare(tmp_path)
    assert judge(tmp_path) == set()


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_violation_breaks_the_contract_that_names_it(planted: Planted, tmp_path: Path, judge: Judge) -> None:
    bare(tmp_path)
    plant(tmp_path, planted.files)
    assert planted.broken in judge(tmp_path)


def test_every_contract_has_a_planted_violation() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    contracts = text.partition("[tool.importlinter]")[2]
    assert set(re.findall(r'^name = "(.+)"$', contracts, re.MULTILINE)) == {p.broken for p in PLANTED.values()}
