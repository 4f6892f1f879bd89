"""Every page of the shell, in both languages and at both ends of the widths: no fault that a machine can find."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page
from tests.browser.conftest import Open

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
    "quality-check": ("keeper", "/quality/check?id=messageSex.DocumentReference.PID-8"),
}
WIDTHS = (360, 1920)


@pytest.mark.browser
@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_fits_its_width_and_breaks_no_policy(
    visit: Open, axe: Callable[[Page], list[str]], name: str, language: str
) -> None:
    user, path = PAGES[name]
    page = visit(user, path, language, WIDTHS[0], "dark" if language == "en" else "light")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1080 if width > 800 else 780})
        page.wait_for_timeout(300)
        if folder := os.environ.get("ONMARU_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{width}-{language}.png")
        assert axe(page) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.lang") == language
    # A refusal such as 401 is noted by the browser itself; a breach of the page's policy or an exception is not that.
    assert [line for line in page.said if "Failed to load resource" not in line] == []
