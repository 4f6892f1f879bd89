"""Case review in Chromium: a moment shows what was known then, by mouse and by keyboard, and a case is taken as a file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import Hospital
from tests.browser.test_ward import sent

from alert_history import MINUTE, observation
from journey_ward import patient

pytestmark = pytest.mark.browser
WORDS = {
    "ko": ("증례 검토", "회의 자료로 내보내기", "내보내기", "사유"),
    "en": ("Case review", "Take to a meeting", "Take", "Reason"),
}


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("ONMARU_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def case(served: Hospital) -> Iterator[str]:
    """A case with a wrong value that was corrected and an alert that it raised."""
    now = time.time_ns() // 1000
    sent(served, patient("case", "나은수", "A-case"))
    for n, rate in enumerate((16, 18, 22, 27)):
        at = now - (4 - n) * MINUTE
        sent(
            served,
            observation(f"case-rr-{n}", "respiratory-rate", rate, at, "case"),
            observation(f"case-hr-{n}", "heart-rate", 80 + n * 14, at, "case"),
        )
    sent(served, observation("case-bp", "systolic", 60, now, "case"))
    time.sleep(1.5)
    sent(served, observation("case-bp", "systolic", 126, now, "case"))
    time.sleep(1)
    yield "case"
    served.remove("Patient/case")


@pytest.mark.parametrize(("language", "width"), [("ko", 1920), ("en", 360)])
def test_a_moment_shows_what_was_known_then(
    case: str, visit: Open, axe: Callable[[Page], list[str]], language: str, width: int
) -> None:
    page = visit("nurse", f"/review/{case}", language, width)
    moment = page.get_by_role("slider")
    score, lines = page.locator("[data-score]"), page.locator("ol li[data-kind]")
    expect(page.get_by_text("A-case")).to_be_visible()
    moment.press("Home")
    expect(score).to_have_attribute("data-score", "0–20")
    expect(lines).to_have_count(0)
    moment.press("End")
    expect(page.locator('li[data-what="changed"][data-kind="reading"]')).to_have_count(1)
    expect(page.locator('li[data-kind="alert"]')).not_to_have_count(0)
    shot(page, f"review-{language}-{width}")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # An hour before anything was written, then to the first alert: the correction is not known yet
    moment.press("PageUp")
    expect(lines).to_have_count(0)
    page.get_by_role("button", name="다음 사건" if language == "ko" else "Next event").click()
    expect(page.locator('li[data-kind="alert"]')).to_have_count(1)
    expect(page.locator('li[data-what="changed"]')).to_have_count(0)
    assert page.said == []


def test_it_plays_and_is_taken_as_a_file(case: str, visit: Open, axe: Callable[[Page], list[str]]) -> None:
    page = visit("doctor", "/review", "ko", 1920)
    page.get_by_role("link").filter(has_text="나은수").first.click()
    page.get_by_role("slider").press("Home")
    page.get_by_role("combobox", name="속도").select_option("3600")
    before = page.get_by_role("slider").input_value()
    page.get_by_role("button", name="재생", exact=True).click()
    page.get_by_role("button", name="멈춤", exact=True).wait_for()
    page.wait_for_timeout(400)
    assert float(page.get_by_role("slider").input_value()) - float(before) > 600_000_000
    page.get_by_role("button", name=WORDS["ko"][1], exact=True).click()
    page.get_by_label(WORDS["ko"][3]).fill("월례 증례 검토")
    page.wait_for_timeout(300)
    shot(page, "review-take")
    assert axe(page) == []
    with page.expect_download() as taken:
        page.get_by_role("button", name=WORDS["ko"][2], exact=True).click()
    text = taken.value.path().read_text("utf-8")
    assert "NEWS2" in text and "나은수" not in text
    printed = page.context.new_page()
    printed.set_content(text)
    shot(printed, "review-file")
    assert axe(printed) == []
