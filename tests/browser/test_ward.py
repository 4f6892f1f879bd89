"""A nurse's path from the alert to its outcome, and a ward page that says itself when it is not up to date."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import Hospital
from tests.browser.listening import SILENT, burst, listen

from alert_history import MINUTE, observation
from journey_ward import encounter, patient, place

pytestmark = pytest.mark.browser
WORDS = {
    "ko": ("확인", "의사 호출", "조치 필요했음"),
    "en": ("Acknowledge", "Physician called", "Acted"),
}


def sent(served: Hospital, *bodies: dict[str, Any]) -> None:
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in bodies
    ]
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def ill(who: str) -> list[dict[str, Any]]:
    now = time.time_ns() // 1000
    return [
        observation(f"rr-{who}", "respiratory-rate", 27, now, who),
        observation(f"bp-{who}", "systolic", 88, now, who),
        observation(f"hr-{who}", "heart-rate", 124, now, who),
        *(observation(f"t-{who}-{n}", "temperature", 38.4, now - (40 + n * 5) * MINUTE, who) for n in range(3)),
    ]


@pytest.fixture(scope="module")
def ward(served: Hospital) -> Iterator[Hospital]:
    """A ward with three beds; taken away again afterwards."""
    bodies: list[dict[str, Any]] = [place("w71", "wa", "71병동"), place("b71", "bd", "7101", "w71")]
    for who, name in (("ko", "박하람"), ("en", "Im Sora"), ("well", "정고요")):
        bodies += [patient(who, name, f"A-{who}"), encounter(f"e-{who}", who, "b71")]
    sent(served, *bodies, observation("rr-well", "respiratory-rate", 14, time.time_ns() // 1000, "well"))
    yield served
    ended = [encounter(f"e-{who}", who, "b71", status="finished") for who in ("ko", "en", "well")]
    sent(served, *ended)
    served.remove(*(f"Patient/{who}" for who in ("ko", "en", "well")))


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("ONMARU_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_from_the_alert_to_its_outcome_in_four_clicks(
    ward: Hospital, visit: Open, axe: Callable[[Page], list[str]], language: str
) -> None:
    page = visit("nurse", "/ward", language, 1920 if language == "ko" else 360)
    sent(ward, *ill(language))
    alert = page.locator(f'[data-alert]:has-text("{"박하람" if language == "ko" else "Im Sora"}")')
    alert.wait_for(timeout=8000)
    shot(page, f"ward-{language}")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]  # set
    clicks = 0
    for target in (alert, *(page.get_by_role("button", name=name, exact=True) for name in WORDS[language])):
        target.click()
        clicks += 1
        if clicks < 4:
            page.get_by_role("button", name=WORDS[language][2], exact=True).wait_for()
            page.wait_for_timeout(400)
            shot(page, f"ward-{language}-{clicks}")
        if clicks == 1:
            assert axe(page) == []
    expect(alert).to_have_count(0)
    assert clicks == 4
    # The worst bed is first, whoever has an alert; the temperature is old and says how old
    first = page.locator("[data-patient]").first
    expect(first).to_have_attribute("data-level", "high")
    expect(first.locator('[data-old="true"]')).to_contain_text("40")
    assert [line for line in page.said if "Failed to load resource" not in line] == []


def test_the_path_can_be_gone_by_keyboard_alone(ward: Hospital, visit: Open) -> None:
    page = visit("nurse", "/ward", "en")
    sent(ward, observation("rr-well", "respiratory-rate", 31, time.time_ns() // 1000, "well"))
    alert = page.locator('[data-alert]:has-text("정고요")')
    alert.wait_for(timeout=8000)
    alert.focus()
    page.keyboard.press("Enter")
    taken = page.get_by_role("button", name="Acknowledge", exact=True)
    taken.wait_for()
    for _ in range(8):
        page.keyboard.press("Tab")
        if taken.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Taken by nurse", exact=True)).to_be_visible()
    page.get_by_role("button", name="Not needed", exact=True).press("Enter")
    expect(alert).to_have_count(0)


def test_a_silent_server_is_shown_and_heard_within_ten_seconds(ward: Hospital, visit: Open) -> None:
    page = visit("nurse", "/ward", "en")
    page.locator("[data-patient]").first.wait_for()
    listen(page)
    page.get_by_role("switch", name="Sound").press("Space")
    os.kill(ward.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        page.get_by_role("alert").filter(has_text="The server has not answered").wait_for(timeout=10_000)
        burst(page, SILENT, 10 - (time.monotonic() - began))
        shot(page, "ward-silent")
    finally:
        os.kill(ward.process.pid, signal.SIGCONT)
    expect(page.get_by_role("alert").filter(has_text="The server has not answered")).to_have_count(0, timeout=10_000)


def test_a_shift_is_put_on_the_roster_and_taken_off(ward: Hospital, visit: Open) -> None:
    page = visit("nurse", "/roster", "en")
    page.get_by_label("User").fill("nurse-7")
    page.get_by_label("Ward", exact=True).select_option(label="71병동")
    page.get_by_role("button", name="Add", exact=True).click()
    off = page.get_by_role("button", name="Take nurse-7 off")
    off.wait_for()
    shot(page, "roster")
    off.click()
    expect(off).to_have_count(0)
