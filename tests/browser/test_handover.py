"""A ward handed over in Chromium: the list is read and printed, given by one nurse and taken by whom it was given to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import Hospital
from tests.browser.test_remote import shot
from tests.browser.test_ward import sent

from alert_history import MINUTE, observation
from journey_ward import encounter, patient, place
from onmaru.fhir.verbatim import instant

pytestmark = pytest.mark.browser
PATH = "/handover?ward=Location/w72"
PEOPLE = (("h1", "강나루", "7201"), ("h2", "Björn Ek", "7202"), ("h3", "오솔길", ""))


@pytest.fixture(scope="module")
def ward(served: Hospital) -> Iterator[Hospital]:
    """A ward of three, one of them worse than when the shift began; taken away again afterwards."""
    now = time.time_ns() // 1000
    subject, ordered = {"subject": {"reference": "Patient/h1"}}, instant(now - 20 * MINUTE)
    bodies = [place("w72", "wa", "72병동"), place("b7201", "bd", "7201", "w72"), place("b7202", "bd", "7202", "w72")]
    for who, name, bed in PEOPLE:
        bodies += [patient(who, name, f"H-{who}"), encounter(f"e-{who}", who, f"b{bed}" if bed else "w72")]
    sent(
        served, *bodies,
        *(observation(f"{n}-early", n, value, now - 9 * 60 * MINUTE, "h1") for n, value in
          (("respiratory-rate", 14), ("heart-rate", 72), ("systolic", 128))),
        *(observation(f"{n}-now", n, value, now, "h1") for n, value in
          (("respiratory-rate", 22), ("heart-rate", 105), ("systolic", 128))),
        observation("h2-rr", "respiratory-rate", 15, now - 40 * MINUTE, "h2"),
        {"resourceType": "MedicationRequest", "id": "h-drug", "status": "active", "intent": "order", **subject,
         "authoredOn": ordered, "medicationCodeableConcept": {"text": "세프트리악손 2 g 정맥주사"}},
        {"resourceType": "ServiceRequest", "id": "h-lab", "status": "active", "intent": "order", **subject,
         "authoredOn": ordered, "code": {"text": "혈액배양 2쌍"}},
        {"resourceType": "Task", "id": "h-call", "status": "requested", "intent": "order",
         "for": {"reference": "Patient/h1"}, "code": {"text": "보호자에게 전화"}},
    )  # fmt: skip
    yield served
    sent(served, *(encounter(f"e-{who}", who, "b7201", status="finished") for who, _, _ in PEOPLE))
    served.remove(*(f"Patient/{who}" for who, _, _ in PEOPLE))


@pytest.mark.parametrize(("language", "width"), [("ko", 1920), ("en", 360)])
def test_the_list_tells_each_patient_and_prints(
    ward: Hospital, visit: Open, axe: Callable[[Page], list[str]], language: str, width: int
) -> None:
    page = visit("nurse", PATH, language, width)
    first = page.locator("[data-patient]").first
    expect(first).to_have_attribute("data-patient", "h1")
    expect(first.locator('[data-way="up"]')).to_be_visible()
    expect(first.locator('[data-source="ServiceRequest/h-lab"]')).to_have_count(2)
    expect(page.locator("[data-patient]").nth(1)).to_contain_text("Björn Ek")
    shot(page, f"handover-{language}-{width}")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.emulate_media(media="print")
    expect(page.get_by_role("button")).to_have_count(0)
    shot(page, f"handover-print-{width}")
    page.emulate_media(media="screen")
    assert page.said == []


def test_patients_are_given_by_keyboard_and_taken_by_whom_they_were_given_to(ward: Hospital, visit: Open) -> None:
    page = visit("nurse", PATH, "en")
    page.get_by_role("checkbox", name="Hand 오솔길 over").press("Space")
    page.get_by_label("Note for the next shift").first.fill("Blood cultures before the first dose")
    to = page.get_by_label("User who takes over")
    to.fill("nobody")
    to.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    to.fill("doctor")
    to.press("Enter")
    expect(page.get_by_text("Handed over to doctor.")).to_be_visible()
    expect(page.locator('[data-taken="false"]')).to_have_count(2)
    taker = visit("doctor", PATH, "ko")
    expect(taker.get_by_text("nurse 님이 환자 2명을 인계했습니다")).to_be_visible()
    expect(taker.locator("[data-patient]").first).to_contain_text("Blood cultures before the first dose")
    shot(taker, "handover-taken")
    taker.get_by_role("button", name="모두 읽음 · 인수").click()
    expect(taker.locator('[data-taken="true"]')).to_have_count(2)
    page.get_by_role("button", name="Reload").click()
    expect(page.locator('[data-taken="true"]').first).to_contain_text("Read and taken over by doctor")
