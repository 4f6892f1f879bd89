"""What every test may lean on: shared data found or visibly missed, hypothesis profiles, and no silent skip under CI."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cluster import ABSENT, another, cluster, programs
from costs import Costs
from light import lighten

ROOT = Path(__file__).resolve().parents[1]

# Where the tests' own files lie, if there is enough of it: each of a thousand stores would be flushed to a disk otherwise.
# `onmaru prove` measures on the disk.
MEMORY, ENOUGH = Path("/dev/shm"), 4 << 30


def in_memory() -> bool:
    """Whether files and programs may lie in memory."""
    if not MEMORY.is_dir():
        return False
    found = os.statvfs(MEMORY)
    return found.f_bavail * found.f_frsize >= ENOUGH and not found.f_flag & os.ST_NOEXEC


if not {"TMPDIR", "ONMARU_PROVE"} & os.environ.keys() and in_memory():
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None

# Servers that tests start listen for HL7 v2 only where the test asks for it: two at once would want the same port.
os.environ.setdefault("ONMARU_MLLP_PORT", "0")
# Nor do they ever write into a record that somebody keeps.
os.environ.pop("ONMARU_STORE", None)

lighten()

# How often garbage is looked for: the young as seldom as in a house that serves (`onmaru.app.calm`)
SELDOM = (70_000, 20, 100)

# `ci` repeats exactly; `dev` looks at new examples each time; `long` is for the run before a release.
settings.register_profile("dev", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), max_examples=25, derandomize=True)
settings.register_profile("long", parent=settings.get_profile("dev"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))

# The one reason to skip that CI accepts: a clone that stands alone has no shared data beside it.
NO_DATA = "no shared data: set ONMARU_TEST_DATA, or put it at ../shared/data beside the checkout"


def data_root() -> Path | None:
    """The folder of shared test data, or None. It is never part of the repository."""
    named = os.environ.get("ONMARU_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cpu", type=int, default=0, metavar="N", help="tell processor seconds and the N dearest files")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--cpu"):
        config.pluginmanager.register(Costs(config.getoption("--cpu")), "costs")


def pytest_collection_finish() -> None:
    """What was collected stays to the end, and little of what tests make goes in circles: look less often for garbage."""
    gc.freeze()
    gc.set_threshold(*SELDOM)


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """`shared_data("hl7v2")` → that folder or file of the shared data; skips the test where there is none at all.

    A kind that is missing while the rest is there is a mistake in the test, and fails.
    """

    def find(kind: str) -> Path:
        folder = data_root()
        if folder is None:
            pytest.skip(NO_DATA)
        found = folder / kind
        assert found.exists(), f"the shared data has no {kind}"
        return found

    return find


@pytest.fixture(scope="session")
def running() -> Iterator[str]:
    """The address of a throw-away PostgreSQL; skips where there is none."""
    if programs() is None:
        pytest.skip(ABSENT)
    with cluster() as address:
        yield address


@pytest.fixture(scope="module")
def database(running: str) -> str:
    """A database of this file's own: what other files leave behind, under keys of theirs, is not in it."""
    return another(running)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """What `web_house.House` calls the engine that the test is parametrised with, indirectly."""
    if request.param != "postgres":
        return str(request.param)
    return str(request.getfixturevalue("database"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI a test that was skipped was not run, so the run has failed."""
    if os.environ.get("CI") and forbidden_skips(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say, above the closing line, which skips made a CI run fail."""
    if os.environ.get("CI"):
        for report in forbidden_skips(config):
            terminalreporter.write_line(f"FAILED under CI because skipped: {report.nodeid}", red=True)


def forbidden_skips(config: pytest.Config) -> list[pytest.TestReport]:
    """Reports of tests skipped for any reason but missing shared data; only the process that reports has them."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    return [report for report in skipped if NO_DATA not in str(report.longrepr)]
