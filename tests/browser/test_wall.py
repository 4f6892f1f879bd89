"""The wall in Chromium: every bed for eyes, keyboard and screen reader, and nothing old or silent that looks live."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import Hospital
from tests.browser.listening import SILENT, burst, heard, listen

from journey_ward import encounter, patient, place

pytestmark = pytest.mark.browser
PEOPLE = ("김별솔", "이달솔", "박해솔", "Ada Sol")


def put(served: Hospital, *bodies: dict[str, Any]) -> None:
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in bodies
    ]
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def said(bed: int) -> dict[str, Any]:
    """A second of one bed's monitor, with a waveform."""
    wave = {"code": "ecg-ii", "unit": "mV", "hz": 50, "samples": [n % 10 / 10 for n in range(50)]}
    ill = bed == 2
    values = {
        "8867-4": [124 if ill else 70, "/min"],
        "9279-1": [27 if ill else 14, "/min"],
        "8480-6": [85 if ill else 120, "mm[Hg]"],
        "59408-5": [97, "%"],
    }
    return {"device": f"wall-{bed}", "at_us": time.time_ns() // 1000, "values": values, "waves": [wave]}


@pytest.fixture(scope="module")
def ward(served: Hospital) -> Iterator[Hospital]:
    """A ward of four beds, the third of them ill, whose monitors speak each second."""
    bodies: list[dict[str, Any]] = [place("w81", "wa", "81병동")]
    for n, name in enumerate(PEOPLE):
        here = {"reference": f"Location/b81{n}"}
        bodies += [
            place(f"b81{n}", "bd", f"81-0{n}", "w81"),
            patient(f"wp{n}", name, f"W-{n}"),
            encounter(f"we{n}", f"wp{n}", f"b81{n}"),
            {"resourceType": "Device", "id": f"wall-{n}", "identifier": [{"value": f"wall-{n}"}], "location": here},
        ]
    put(served, *bodies)
    served.say(*map(said, range(len(PEOPLE))))
    yield served
    put(served, *(encounter(f"we{n}", f"wp{n}", f"b81{n}", status="finished") for n in range(len(PEOPLE))))
    served.remove(*(f"Patient/wp{n}" for n in range(len(PEOPLE))))


@pytest.fixture
def speaking(ward: Hospital) -> Iterator[threading.Event]:
    """Until it is set or the test ends, every bed speaks."""
    stopped = threading.Event()

    def speak() -> None:
        while not stopped.wait(1.0):
            ward.say(*map(said, range(len(PEOPLE))))

    thread = threading.Thread(target=speak)
    thread.start()
    yield stopped
    stopped.set()
    thread.join()


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("ONMARU_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_every_bed_is_on_the_wall_for_eyes_keyboard_and_screen_reader(
    ward: Hospital, visit: Open, axe: Callable[[Page], list[str]], speaking: threading.Event
) -> None:
    page = visit("nurse", "/wall?ward=Location/w81", "en")
    beds = page.locator("[data-bed]")
    expect(beds).to_have_count(4)
    expect(beds.first).to_contain_text("81-02")
    expect(beds.first).to_contain_text("박해솔")
    expect(beds.first.get_by_role("img").last).to_have_accessible_name("High risk")
    expect(beds.first.locator('[data-measure="heart-rate"]')).to_contain_text("124")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", re.compile(r"\d+"), timeout=8000)
    shot(page, "wall-few")
    assert axe(page) == []
    beds.first.focus()
    page.keyboard.press("ArrowRight")
    expect(beds.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(beds.nth(3)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/bedside/wp3")
    assert [line for line in page.said if "Failed to load resource" not in line] == []


def test_a_phone_has_the_beds_as_a_list_and_a_silent_bed_says_so(
    ward: Hospital, visit: Open, axe: Callable[[Page], list[str]], speaking: threading.Event
) -> None:
    page = visit("nurse", "/wall?ward=Location/w81", "ko", 360)
    expect(page.locator("canvas")).to_have_count(0)
    first = page.locator("[data-bed]").first
    expect(first.locator('[data-measure="heart-rate"][data-age="live"]')).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert axe(page) == []
    listen(page)
    page.get_by_role("switch", name="소리").press("Space")
    page.wait_for_timeout(100)
    assert [tone for tone, _, _ in heard(page)][-2:] != SILENT
    speaking.set()
    began = time.monotonic()
    expect(first.locator('[data-measure="heart-rate"]')).to_have_attribute("data-age", "old", timeout=8000)
    expect(first).to_contain_text("장비 응답 없음", timeout=10_000)
    burst(page, SILENT, 10 - (time.monotonic() - began))
    shot(page, "wall-phone")


def test_a_silent_server_shows_on_the_wall_within_ten_seconds_and_its_return_too(
    ward: Hospital, visit: Open, speaking: threading.Event
) -> None:
    page = visit("nurse", "/wall?ward=Location/w81", "en")
    expect(page.locator("[data-bed]")).to_have_count(4)
    listen(page)
    page.get_by_role("switch", name="Sound").press("Space")
    speaking.set()
    os.kill(ward.process.pid, signal.SIGSTOP)
    said = page.get_by_role("alert").filter(has_text="The server has not answered")
    try:
        began = time.monotonic()
        said.wait_for(timeout=10_000)
        burst(page, SILENT, 10 - (time.monotonic() - began))
        shot(page, "wall-silent")
    finally:
        os.kill(ward.process.pid, signal.SIGCONT)
    expect(said).to_have_count(0, timeout=15_000)


@pytest.mark.parametrize(("language", "width"), [("ko", 360), ("en", 1920)])
def test_a_bedside_has_live_numbers_the_parts_of_the_score_and_a_course_by_keyboard(
    ward: Hospital, visit: Open, axe: Callable[[Page], list[str]], speaking: threading.Event, language: str, width: int
) -> None:
    given = {
        "resourceType": "MedicationAdministration", "id": "wm", "status": "completed",
        "subject": {"reference": "Patient/wp2"}, "medicationCodeableConcept": {"text": "Paracetamol"},
        "effectiveDateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1800)),
    }  # fmt: skip
    put(ward, given)
    page = visit("nurse", "/bedside/wp2", language, width)
    expect(page.locator('[data-measure="heart-rate"][data-age="live"]')).to_contain_text("124")
    expect(page.locator('tr[data-points="3"]')).to_have_count(2)
    expect(page.get_by_role("cell", name="Paracetamol")).to_be_visible()
    page.wait_for_timeout(1500)
    shot(page, f"bedside-{width}")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("radio", name="24").focus()
    page.keyboard.press("-")
    expect(page.get_by_role("radio", name=re.compile("^7"))).to_be_checked()
    page.keyboard.press("+")
    expect(page.get_by_role("radio", name="24")).to_be_checked()
    assert [line for line in page.said if "Failed to load resource" not in line] == []


def test_a_changed_limit_is_tried_on_the_days_that_were_and_changes_nothing(ward: Hospital, visit: Open) -> None:
    page = visit("nurse", "/what-if", "en")
    rule = page.get_by_role("group", name="NEWS2 of 7 or more")
    attempt = page.get_by_role("button", name="Try")
    expect(attempt).to_be_disabled()
    rule.get_by_label("At least").fill("none")
    expect(attempt).to_be_disabled()
    rule.get_by_label("At least").fill("19")
    page.get_by_label("Last days").select_option("1")
    shot(page, "what-if")
    attempt.click()
    told = page.locator("[data-trial]")
    expect(told.get_by_role("row", name=re.compile("^Alerts [0-9]"))).to_be_visible(timeout=15_000)
    shot(page, "what-if-told")
    # Another limit is another trial
    rule.get_by_label("At least").fill("18")
    expect(told).to_have_count(0)
    page.get_by_role("button", name="As they stand").click()
    expect(rule.get_by_label("At least")).to_have_value("7")
