"""Chromium against the real server. Skipped, visibly, without Chromium or without the built interface."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.browser.chromium import ABSENT, CHROMIUM, PROGRAM
from tests.browser.hospital import SECRET, Hospital, hospital
from tests.browser.tabs import Tabs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
Open = Callable[..., Page]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """Chromium stays for the next test of this folder, and for no other."""
    yield
    if nextitem is None or not nextitem.path.is_relative_to(HERE):
        CHROMIUM.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    if not PROGRAM.exists():
        pytest.skip(ABSENT)
    if not (ROOT / "src/onmaru/web/static/index.html").exists():
        pytest.skip("the interface is not built: npm ci && npm run build, in ui/")
    with hospital(tmp_path_factory.mktemp("hospital")) as found:
        yield found


@pytest.fixture(scope="session")
def sessions() -> dict[str, list[Any]]:
    """The session cookies of users who signed in before: checking a password is slow by design."""
    return {}


@pytest.fixture
def tabs(served: Hospital) -> Tabs:
    return CHROMIUM.tabs(served.address)


@pytest.fixture
def visit(tabs: Tabs, sessions: dict[str, list[Any]]) -> Iterator[Open]:
    """`visit(user, path, language, width)`: a tab as of a fresh profile, signed in.

    `page.said` collects what the console complains of.
    """

    def go(user: str = "", path: str = "/", language: str = "ko", width: int = 1920, scheme: str = "light") -> Page:
        page = tabs.take(width, scheme, language=language)
        context = page.context
        if user in sessions:
            context.add_cookies(sessions[user])
        elif user:
            answer = context.request.post("/api/login", data={"user": user, "password": SECRET})
            assert answer.ok, answer.status
            sessions[user] = context.cookies()
        page.goto(path)
        page.locator("h1").first.wait_for()
        page.wait_for_load_state("load")
        return page

    yield go
    tabs.give_back()


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    """`axe(page)`: what axe-core finds wrong, one line each; [] is right."""
    source = (ROOT / "ui/node_modules/axe-core/axe.min.js").read_text("utf-8")

    def check(page: Page) -> list[str]:
        # Its half a megabyte is read once a document, not at each look
        if not page.evaluate("'axe' in window"):
            page.evaluate(source)
        found = page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]

    return check
