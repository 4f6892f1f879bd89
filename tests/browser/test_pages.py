"""Every page of the shell, in both languages and at both ends of the widths: no fault that a machine can find."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.rest import rest

PAGES = {
    "login": ("", "/"),
    "patients": ("doctor", "/patients"),
    "doors": ("keeper", "/doors"),
    "audit": ("keeper", "/audit"),
    "users": ("chief", "/users"),
    "nothing-for-you": ("student", "/"),
    "forbidden": ("doctor", "/users"),
    "absent": ("doctor", "/no/such/page"),
    "research-tables": ("keeper", "/omop"),
    "views": ("keeper", "/views"),
    "cohort": ("keeper", "/cohort"),
    "equity": ("keeper", "/equity"),
    "insight": ("keeper", "/insight"),
    "ward": ("nurse", "/ward"),
    "wall": ("nurse", "/wall"),
    "bedside": ("nurse", "/bedside/nobody-here"),
    "what-if": ("nurse", "/what-if"),
    "roster": ("nurse", "/roster"),
    "models": ("keeper", "/models"),
    "quality-check": ("keeper", "/quality/check?id=messageSex.DocumentReference.PID-8"),
}
WIDTHS = (360, 1920)
Axe = Callable[[Page], list[str]]


def without_fault(page: Page, axe: Axe, name: str, language: str) -> None:
    """No fault that a machine finds, at either width, and nothing said on the console."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1080 if width > 800 else 780})
        rest(page)
        # A busy machine answers later; what fades in meanwhile is no page yet
        expect(page.locator("[data-waiting]")).to_have_count(0, timeout=20_000)
        if folder := os.environ.get("ONMARU_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{width}-{language}.png")
        assert axe(page) == [], (name, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
    assert page.evaluate("document.documentElement.lang") == language
    # A refusal such as 401 is noted by the browser itself; a breach of the page's policy or an exception is not that.
    assert [line for line in page.said if "Failed to load resource" not in line] == [], name


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_a_page_at_its_address_is_accessible_fits_its_width_and_breaks_no_policy(
    visit: Open, axe: Axe, name: str
) -> None:
    user, path = PAGES[name]
    without_fault(visit(user, path, "ko", WIDTHS[0]), axe, name, "ko")


@pytest.mark.browser
@pytest.mark.parametrize("user", sorted({user for user, _ in PAGES.values()}))
def test_the_same_holds_in_english_and_in_the_dark_from_page_to_page(visit: Open, axe: Axe, user: str) -> None:
    """Within one document, as a user goes: nothing is loaded again."""
    pages = [(name, path) for name, (who, path) in PAGES.items() if who == user]
    page = visit(user, pages[0][1], "en", WIDTHS[0], "dark")
    page.evaluate("window.loaded = 'once'")
    without_fault(page, axe, pages[0][0], "en")
    heading = page.locator("h1").first
    for name, path in pages[1:]:
        before = heading.inner_text()
        page.evaluate("to => { history.pushState({}, '', to); dispatchEvent(new PopStateEvent('popstate')); }", path)
        expect(heading).not_to_have_text(before)
        heading.wait_for()
        without_fault(page, axe, name, "en")
    assert page.evaluate("window.loaded") == "once"
