"""What opens over a page, what is printed, and the wide table of codes: in both languages and at both ends of the widths."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import Hospital
from tests.browser.rest import rest

pytestmark = pytest.mark.browser
WIDTHS = (360, 1920)
LOINC = "http://loinc.org"
# Real names of tests: the longest words of a lane and of the table of codes
NAMES = (("8867-4", "심박수"), ("2345-7", "포도당"), ("24331-1", "Lipid 1996 panel - Serum or Plasma"))


def _put(resource: dict[str, Any]) -> dict[str, Any]:
    name = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": name}}


def _result(patient: str, number: int) -> dict[str, Any]:
    code, words = NAMES[number % len(NAMES)]
    kind = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
    return {
        "resourceType": "Observation",
        "id": f"{patient}-{number}",
        "status": "final",
        "category": [{"coding": [kind]}],
        "code": {"coding": [{"system": LOINC, "code": code, "display": words}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": f"2026-{1 + number // 3:02d}-1{number % 3}T09:00:00+09:00",
        "valueQuantity": {"value": 70 + number, "unit": "mg/dL"},
    }


def _person(id: str, name: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id,
        "name": [{"text": name}],
        "gender": "female",
        "birthDate": "1977-01-01",
    }


@pytest.fixture
def charts(served: Hospital) -> Iterator[None]:
    """A chart with results and a drug, and one that its patient has closed to others; taken away again afterwards."""
    drug = {
        "resourceType": "MedicationRequest",
        "id": "printed-drug",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/printed"},
        "authoredOn": "2026-03-01",
        "medicationCodeableConcept": {"text": "메트포르민 500 mg"},
    }
    closing = {
        "resourceType": "Consent",
        "id": "closing",
        "status": "active",
        "patient": {"reference": "Patient/closed"},
        "scope": {"coding": [{"code": "patient-privacy"}]},
        "category": [{"text": "개인정보"}],
        "policyRule": {"text": "거부"},
        "provision": {"type": "deny"},
    }
    results = [_result("printed", number) for number in range(24)]
    bodies = [_person("printed", "인쇄본이"), *results, drug, _person("closed", "닫힌이"), closing]
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": [_put(one) for one in bodies]})
    yield
    names = [f"{one['resourceType']}/{one['id']}" for one in reversed(bodies)]
    gone = [{"request": {"method": "DELETE", "url": name}} for name in names]
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": gone})


def at_each_width(page: Page, axe: Callable[[Page], list[str]], name: str, language: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1080 if width > 800 else 780})
        rest(page)
        if folder := os.environ.get("ONMARU_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{width}-{language}.png")
        assert axe(page) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_account_menu_stays_on_the_page_and_is_left_by_escape(
    visit: Open, axe: Callable[[Page], list[str]], language: str
) -> None:
    page = visit("doctor", "/patients", language, 360, "dark" if language == "en" else "light")
    button = page.locator("header button[aria-haspopup]")
    button.click()
    menu = page.get_by_role("dialog")
    expect(menu).to_be_visible()
    at_each_width(page, axe, "account", language)
    box = menu.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 1920
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_closed_chart_is_broken_open_with_a_reason_only(
    visit: Open, axe: Callable[[Page], list[str]], charts: None, sessions: dict[str, list[Any]], language: str
) -> None:
    sessions.pop("doctor", None)  # a broken glass stays broken for its session: nobody else shall have this one
    page = visit("doctor", "/patients/closed", language, 360, "dark" if language == "en" else "light")
    at_each_width(page, axe, "closed", language)
    sessions.pop("doctor")
    page.locator("main button").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    at_each_width(page, axe, "break-glass", language)
    expect(dialog.locator("textarea")).to_be_focused()
    dialog.locator("textarea").fill("응급")
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator("textarea")).to_have_attribute("aria-invalid", "true")
    page.set_viewport_size({"width": 360, "height": 780})
    assert axe(page) == []
    dialog.locator("textarea").fill("의식이 없는 환자, 알레르기 확인")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("h1")).to_contain_text("닫힌이")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_table_of_codes_can_be_read_on_a_telephone(
    visit: Open, axe: Callable[[Page], list[str]], charts: None, language: str
) -> None:
    page = visit("keeper", "/omop", language, 360, "dark" if language == "en" else "light")
    # The tables are derived when they are first asked for
    expect(page.locator("table").first).to_be_visible(timeout=30_000)
    at_each_width(page, axe, "coverage", language)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_printed_timeline_is_not_squeezed(visit: Open, charts: None, language: str, tmp_path: Path) -> None:
    page = visit("doctor", "/patients/printed", language)
    expect(page.locator("canvas")).to_be_visible()
    page.wait_for_timeout(500)
    wide = page.locator("canvas").evaluate("canvas => [canvas.width, canvas.height, canvas.style.width]")
    page.evaluate(
        """addEventListener('beforeprint', () => {
          const { width, height, style } = document.querySelector('canvas');
          window.printed = [width, height, parseFloat(style.width), parseFloat(style.height)];
        })"""
    )
    folder = Path(os.environ.get("ONMARU_SCREENSHOTS") or tmp_path)
    page.pdf(path=folder / f"print-{language}.pdf", format="A4")
    width, height, shown, tall = page.evaluate("window.printed")
    assert shown <= 700
    assert abs(width / shown - height / tall) < 0.05
    page.wait_for_timeout(300)
    assert page.locator("canvas").evaluate("canvas => [canvas.width, canvas.height, canvas.style.width]") == wide
