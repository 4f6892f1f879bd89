"""What an approved model says, looked at in Chromium: a draft with interval and reasons, gone once it is withdrawn."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import Hospital
from tests.browser.test_remote import shot
from tests.browser.test_ward import sent
from tests.journeys.test_model_registry import GOOD, LIMITS, WHY

from journey_ward import encounter, patient, place
from onmaru.rooms.monitor.models.entry import Entry, entry_id, library, step
from onmaru.rooms.monitor.models.risk import Judgement, Reason, assessment

pytestmark = pytest.mark.browser
NAME, VERSION, TITLE = "sepsis-6h", "7", "Sepsis within 6 h"
DIGEST = hashlib.sha256(b"drafts").hexdigest()
ID = entry_id(NAME, VERSION)
WORDS = {
    "ko": ("초안", "6시간 내 패혈증", "맥박 최근값 124: 위험을 높임"),
    "en": ("Draft", TITLE, "Pulse, last 124: raises the risk"),
}


def posted(page: Page, path: str, body: dict[str, Any]) -> None:
    """As whoever is signed in on the page."""
    csrf = page.context.request.get("/api/me").json()["csrf"]
    answer = page.context.request.post(path, data=body, headers={"X-CSRF-Token": csrf})
    assert answer.ok, answer.text()


def acted(page: Page, what: str) -> None:
    posted(page, f"/rooms/monitor/models/{ID}/steps", {"step": what, "digest": DIGEST, "reason": WHY})


@pytest.fixture(scope="module")
def judged(served: Hospital) -> Iterator[Hospital]:
    """A patient of whom a model's version said something, whose approval is still to come; taken away again afterwards."""
    now = time.time_ns() // 1000
    parts = [("text/markdown", b"# Card"), ("application/json", msgspec.json.encode({"model": {"auroc": 0.8}}))]
    entry = Entry(ID, NAME, VERSION, DIGEST, 0, now, "machine", TITLE, "# Card", {})
    reasons = (Reason("HR last", 124.0, 0.9), Reason("Temp age", None, -0.2))
    said = assessment(entry, "active", Judgement("draft", now, 0.31, 0.22, 0.43, reasons))
    bodies = [place("w75", "wa", "75병동"), place("b7501", "bd", "7501", "w75"), patient("draft", "안초안", "D-1")]
    sent(served, *bodies, encounter("e-draft", "draft", "b7501"), library(NAME, VERSION, DIGEST, TITLE, parts), said)
    yield served
    sent(served, encounter("e-draft", "draft", "b7501", status="finished"))
    served.remove(f"RiskAssessment/{said['id']}", f"Library/{ID}", "Patient/draft")


@pytest.fixture(scope="module")
def tested(judged: Hospital) -> dict[str, Any]:
    return {
        **step("back-test", ID, "machine", time.time_ns() // 1000, digest=DIGEST, figures=GOOD),
        "id": "drafts-test",
    }


def test_a_draft_is_shown_with_interval_and_reasons_while_its_version_is_approved(
    judged: Hospital, tested: dict[str, Any], visit: Open, axe: Callable[[Page], list[str]]
) -> None:
    doctor = visit("doctor", "/models", "en")
    page = visit("nurse", "/bedside/draft", "ko", 360)
    expect(page.locator("[data-risk]")).to_have_count(0)
    posted(doctor, f"/rooms/monitor/models/{ID}/limits", {"limits": LIMITS, "reason": WHY})
    sent(judged, tested)
    acted(doctor, "approve")
    for path, language, width in (("/bedside/draft", "ko", 360), ("/ward?ward=Location/w75", "en", 1920)):
        page = visit("nurse", path, language, width)
        draft, title, reason = WORDS[language]
        risk = page.locator(f'[data-risk="{NAME}"]')
        expect(risk.locator("summary")).to_contain_text(draft)
        expect(risk.locator("summary")).to_contain_text(title)
        expect(risk.locator("summary")).to_contain_text("31")
        expect(risk.locator("summary")).to_contain_text("22")
        risk.locator("summary").press("Enter")
        expect(risk.get_by_text(reason)).to_be_visible()
        shot(page, f"draft-{language}-{width}")
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    acted(doctor, "withdraw")
    page.reload()
    page.locator('[data-patient="draft"]').wait_for()
    expect(page.locator("[data-risk]")).to_have_count(0)
