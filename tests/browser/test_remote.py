"""Care at home in Chromium: a plan is written, the patient enters a value, the nurse closes what asks for somebody."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import OWN, Hospital
from tests.browser.test_ward import sent

from journey_ward import patient
from onmaru.rooms.remote.moments import DAY
from onmaru.rooms.remote.writing import _ENCODER, Asked, careplan
from remote_plan import FORM, measured, questionnaire, wanted

pytestmark = pytest.mark.browser


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("ONMARU_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def home(served: Hospital) -> Iterator[Hospital]:
    """Two patients with a plan each: one who sends, though too much, and one of whom nothing is heard."""
    now = time.time_ns() // 1000
    sent(served, patient(OWN, "홍길동", "R-1", "1980-02-29"), patient("mute", "노무음", "R-2"), questionnaire())
    for who in (OWN, "mute"):
        said = msgspec.json.decode(msgspec.json.encode(wanted(who, now - 20 * DAY)), type=Asked)
        sent(served, {**msgspec.json.decode(_ENCODER.encode(careplan(said, "nurse"))), "id": f"plan-{who}"})
    days = [one for one in range(1, 20) if one not in (4, 9, 10)]
    sent(served, *(measured(f"w{n}", OWN, 76 + n % 5, now - n * DAY + DAY // 3) for n in days))
    sent(served, measured("odd", OWN, 81, now - DAY // 2, "%"))
    yield served
    served.remove(f"Patient/{OWN}", "Patient/mute")


@pytest.mark.parametrize(("language", "width"), [("ko", 1920), ("en", 360)])
def test_who_is_silent_stands_in_the_list_and_the_plan_tells_why(
    home: Hospital, visit: Open, axe: Callable[[Page], list[str]], language: str, width: int
) -> None:
    page = visit("nurse", "/remote", language, width)
    silent = page.locator('[data-plan="plan-mute"]')
    expect(silent).to_have_attribute("data-state", "silent")
    shot(page, f"remote-{language}-{width}")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(f'[data-plan="plan-{OWN}"] a').click()
    page.get_by_role("heading", name="홍길동").wait_for()
    page.locator("li[data-went]").first.wait_for()
    expect(page.locator('li[data-went="none"]')).not_to_have_count(0)
    shot(page, f"remote-plan-{language}-{width}")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.said == []


def test_calls_that_nobody_answered_make_unreachable_and_a_nurse_closes_the_case(home: Hospital, visit: Open) -> None:
    page = visit("nurse", "/remote/plans/plan-mute", "ko")
    for n in (1, 2):
        page.get_by_role("button", name="응답 없음", exact=True).click()
        expect(page.get_by_text(f"{n}/2")).to_be_visible()
    note = page.locator("form").get_by_label("메모")
    note.wait_for(timeout=8000)
    shot(page, "remote-unreachable")
    note.fill("보호자와 통화, 내일 방문")
    page.get_by_role("button", name="결과 기록", exact=True).click()
    expect(page.get_by_text("처리된 일")).to_be_visible()
    expect(page.locator("form")).to_have_count(0)


def test_a_patient_enters_a_weight_and_a_form_on_a_phone(
    home: Hospital, visit: Open, axe: Callable[[Page], list[str]]
) -> None:
    page = visit("person", "/remote/mine", "ko", 360)
    weight = page.get_by_role("textbox", name="체중 kg")
    weight.fill("83.5")
    page.get_by_role("button", name="보내기", exact=True).first.click()
    expect(page.get_by_text("보냈습니다.")).to_be_visible()
    page.get_by_role("combobox", name="숨이 찹니까?").select_option("예")
    page.get_by_role("textbox", name="얼마나").fill("3")
    shot(page, "remote-mine")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="보내기", exact=True).last.click()
    expect(page.get_by_text("이번에 1회 입력함").last).to_be_visible()
    nurse = visit("nurse", f"/remote/plans/plan-{OWN}", "ko")
    nurse.get_by_text("3 1").first.wait_for(timeout=8000)
    nurse.get_by_role("button", name="맡기").first.wait_for()
    assert page.said == []


def test_a_plan_is_written_on_the_page(home: Hospital, visit: Open, axe: Callable[[Page], list[str]]) -> None:
    page = visit("doctor", "/remote/new", "en", 1920)
    page.get_by_label("Patient, by name or number").fill("노무음")
    page.get_by_role("button", name="노무음 · R-2").click()
    page.get_by_label("Name of the plan").fill("After discharge")
    page.get_by_label("Silence allowed (hours)").fill("24")
    page.get_by_label("Failed calls that mean unreachable").fill("3")
    page.get_by_label("Upper limit").fill("82.5")
    page.get_by_role("button", name="Add another", exact=True).click()
    page.get_by_label("What").last.select_option("Questionnaire")
    page.get_by_label("Canonical address").fill(FORM)
    page.get_by_label("Called").fill("Breath")
    shot(page, "remote-new")
    assert axe(page) == []
    page.get_by_role("button", name="Write the plan", exact=True).click()
    page.get_by_role("heading", name="Breath").wait_for()
    expect(page.get_by_text("After discharge")).to_be_visible()
