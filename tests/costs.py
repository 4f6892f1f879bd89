"""What the tests cost: seconds of the clock and of the processor, of each file and of the programs it ran.

`--cpu N` tells the N files that cost most of either, at the end of every run. What programs leave behind when they end, as
Chromium does its renderers, is counted in the whole alone.
"""

from __future__ import annotations

import contextlib
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


def reaped() -> None:
    """Wait for whatever was left to this process and has ended: not before, it is counted. For the end of a run alone, as it
    takes from others what they would wait for."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


class Costs:
    """Measures each phase of each test, in workers too, and adds up per file."""

    def __init__(self, shown: int) -> None:
        self.shown = shown
        self.files: Counter[str] = Counter()
        self.clocks: Counter[str] = Counter()
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
        file = report.nodeid.partition("::")[0]
        self.files[file] += sum(value for name, value in report.user_properties if name == NAME)
        self.clocks[file] += report.duration

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            reaped()
            session.config.workeroutput[NAME] = spent()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.workers += getattr(node, "workeroutput", {}).get(NAME, 0.0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.workers:
            reaped()
        own = os.times()
        tests, all = self.files.total(), self.workers + (own.user + own.system if self.workers else spent())
        terminalreporter.section(f"{all:.0f} s of processor time, {all - tests:.0f} s of it to start and collect")
        folders: Counter[str] = Counter()
        for file, seconds in self.files.items():
            folders[file.rpartition("/")[0]] += seconds
        for name, seconds in folders.most_common():
            terminalreporter.write_line(f"{seconds:7.1f} s  {name}")
        dear = dict(self.files.most_common(self.shown))
        slow = [name for name, _ in self.clocks.most_common(self.shown) if name not in dear]
        terminalreporter.write_line(f"  the {self.shown} files that took most of the processor, and of the clock:")
        for name in (*dear, *slow):
            terminalreporter.write_line(f"{self.files[name]:7.1f} s {self.clocks[name]:7.1f} s  {name}")
