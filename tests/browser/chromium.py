"""The Chromium of one worker, begun by the first test of this folder that needs it and ended before any test elsewhere.

Its one law: while it lasts no other test runs, for Playwright keeps an event loop running, and nobody else could start one.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from tests.browser.tabs import Tabs

PROGRAM = Path("/usr/bin/chromium")
ABSENT = "no Chromium: apt-get install chromium fonts-noto-cjk"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Chromium:
    """`browser` is there once it is asked for, until `close`."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._browser: Browser | None = None
        self._tabs: dict[str, Tabs] = {}

    @property
    def browser(self) -> Browser:
        if self._browser is None:
            playwright = self._open.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
            self._open.callback(self._browser.close)
        return self._browser

    def tabs(self, address: str) -> Tabs:
        """The tabs for a server, found again by the next file that looks at the same."""
        if address not in self._tabs:
            self._tabs[address] = Tabs(self.browser, address)
        return self._tabs[address]

    def close(self) -> None:
        self._open.close()
        self._browser = None
        self._tabs.clear()


CHROMIUM = Chromium()
