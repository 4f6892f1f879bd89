"""The launcher's own steps, in a small checkout whose python and npm only write down that they were called.

That the real ones do their work is shown by every run of `./onmaru test` in a clean clone.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PYTHON = """#!/bin/sh
case "$1 $2" in
    -c*) exec "$REAL_PYTHON" "$@" ;;
    --version*) echo 'Python 3.11.0' ;;
    '-m venv')
        rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; cp "$(dirname "$0")/npm" "$4/bin/npm"; : >"$4/bin/pip"
        chmod +x "$4/bin/pip"; echo venv >>"$CALLS" ;;
    '-m pip')
        echo pip >>"$CALLS"; sleep "${PIP_SECONDS:-0}"
        bin=$(dirname "$0"); printf '#!/bin/sh\\necho "ran $*"\\nexit 7\\n' >"$bin/onmaru"; chmod +x "$bin/onmaru" ;;
    '-m compileall') sleep 0.2; : >"$(dirname "$0")/compiled" ;;
esac
"""

NPM = """#!/bin/sh
echo "npm $1" >>"$CALLS"
case $1 in
    ci) mkdir -p node_modules ;;
    run) mkdir -p ../src/onmaru/web/static; : >../src/onmaru/web/static/index.html ;;
esac
"""


class Checkout:
    """A folder with the launcher in it, and the calls that its python and npm got."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a checkout with spaces"
        bin = folder / "bin"
        for place in (self.folder, bin):
            place.mkdir()
        shutil.copy(ROOT / "onmaru", self.folder)
        (self.folder / "pyproject.toml").write_text("one", "utf-8")
        for name, text in {"python": PYTHON, "npm": NPM}.items():
            (bin / name).write_text(text, "utf-8")
            (bin / name).chmod(0o755)
        self.log = folder / "calls"
        given = {"ONMARU_PYTHON": str(bin / "python"), "REAL_PYTHON": sys.executable, "CALLS": str(self.log)}
        self.environ = {**os.environ, **given}

    def start(self, *args: str, shell: str = "sh", **environ: str) -> subprocess.Popen[str]:
        argv = [shell, str(self.folder / "onmaru"), *args]
        out = subprocess.PIPE
        environ = {**self.environ, **environ}
        return subprocess.Popen(argv, env=environ, stdout=out, stderr=out, text=True, start_new_session=True)

    def run(self, *args: str, shell: str = "sh", **environ: str) -> tuple[int, str, str]:
        started = self.start(*args, shell=shell, **environ)
        out, err = started.communicate(timeout=30)
        return started.returncode, out, err

    def calls(self) -> list[str]:
        found = self.log.read_text("utf-8").split("\n")[:-1] if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return found

    def add_interface(self) -> None:
        (self.folder / "ui" / "src").mkdir(parents=True)
        (self.folder / "ui" / "package-lock.json").write_text("{}", "utf-8")
        (self.folder / "ui" / "src" / "app.tsx").write_text("one", "utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize("shell", [name for name in ("sh", "dash", "bash") if shutil.which(name)])
def test_the_first_run_installs_and_the_second_says_nothing(checkout: Checkout, shell: str) -> None:
    status, out, err = checkout.run("load", "a b", shell=shell)
    assert (status, out) == (7, "ran load a b\n")
    assert "installing" in err
    assert checkout.calls() == ["venv", "pip"]
    assert (checkout.folder / ".venv" / "bin" / "compiled").exists(), (
        "the program was begun before its libraries were ready"
    )
    assert checkout.run("load", shell=shell) == (7, "ran load\n", "")
    assert checkout.calls() == []


def test_a_changed_pyproject_installs_again_into_the_same_environment(checkout: Checkout) -> None:
    checkout.run()
    checkout.calls()
    (checkout.folder / "pyproject.toml").write_text("two", "utf-8")
    checkout.run()
    assert checkout.calls() == ["pip"]


def test_a_moved_checkout_installs_again(checkout: Checkout) -> None:
    checkout.run()
    checkout.calls()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("elsewhere"))
    assert checkout.run()[0] == 7
    assert checkout.calls() == ["pip"]


def test_two_first_runs_at_once_install_once(checkout: Checkout) -> None:
    both = [checkout.start("x", PIP_SECONDS="1") for _ in range(2)]
    ends = [(run.communicate(timeout=30), run.returncode) for run in both]
    assert [status for _, status in ends] == [7, 7]
    assert checkout.calls() == ["venv", "pip"]
    assert any("waiting" in err for (_, err), _ in ends)


def test_an_interrupted_installation_starts_afresh(checkout: Checkout) -> None:
    first = checkout.start(PIP_SECONDS="20")
    deadline = time.monotonic() + 20
    while not (checkout.log.exists() and "pip" in checkout.log.read_text("utf-8")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    checkout.calls()
    assert checkout.run()[0] == 7
    assert checkout.calls() == ["venv", "pip"]


def test_the_interface_is_built_once_and_again_only_when_its_sources_change(checkout: Checkout) -> None:
    checkout.add_interface()
    checkout.run()
    assert checkout.calls() == ["venv", "pip", "npm ci", "npm run"]
    assert checkout.run() == (7, "ran \n", "")
    (checkout.folder / "ui" / "src" / "app.tsx").write_text("two", "utf-8")
    checkout.run()
    assert checkout.calls() == ["npm run"]
    (checkout.folder / "ui" / "package-lock.json").write_text("{ }", "utf-8")
    checkout.run()
    assert checkout.calls() == ["npm ci", "npm run"]
    (checkout.folder / "src" / "onmaru" / "rooms" / "attic" / "ui").mkdir(parents=True)
    (checkout.folder / "src" / "onmaru" / "rooms" / "attic" / "ui" / "page.tsx").write_text("new", "utf-8")
    checkout.run()
    assert checkout.calls() == ["npm run"]


def test_the_interface_can_be_left_out(checkout: Checkout) -> None:
    checkout.add_interface()
    assert checkout.run(ONMARU_SKIP_UI="1")[0] == 7
    assert checkout.calls() == ["venv", "pip"]


def test_without_a_good_python_it_says_what_to_do(checkout: Checkout) -> None:
    status, out, err = checkout.run(ONMARU_PYTHON="/bin/false")
    assert (status, out) == (4, "")
    assert "Python 3.11 or newer" in err and "apt-get install" in err


def test_it_works_through_a_symbolic_link(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(checkout.folder / "onmaru")
    done = subprocess.run([str(tmp_path / "linked"), "x"], env=checkout.environ, capture_output=True, text=True)
    assert done.stdout == "ran x\n"
