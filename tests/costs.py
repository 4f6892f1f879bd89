"""What the tests cost: processor seconds of each file and of the programs it ran; `--cpu N` tells the N dearest."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

# What a report carries from the worker that made it to the process that tells
NAME = "cpu"


def spent() -> float:
    """Processor seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


class Costs:
    """Measures each phase of each test, in workers too, and adds up per file."""

    def __init__(self, shown: int) -> None:
        self.shown = shown
        self.files: Counter[str] = Counter()
        self.workers = 0.0
        self._mark = spent()

    def pytest_runtest_logstart(self) -> None:
        self._mark = spent()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        now = spent()
        report.user_properties.append((NAME, now - self._mark))
        self._mark = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.files[report.nodeid.partition("::")[0]] += sum(
            value for name, value in report.user_properties if name == NAME
        )

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[NAME] = spent()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.workers += getattr(node, "workeroutput", {}).get(NAME, 0.0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        own = os.times()
        tests, all = self.files.total(), self.workers + (own.user + own.system if self.workers else spent())
        terminalreporter.section(f"{all:.0f} s of processor time, {all - tests:.0f} s of it to start and collect")
        folders: Counter[str] = Counter()
        for file, seconds in self.files.items():
            folders[file.rpartition("/")[0]] += seconds
        for name, seconds in [*folders.most_common(), *self.files.most_common(self.shown)]:
            terminalreporter.write_line(f"{seconds:7.1f} s  {name}")
