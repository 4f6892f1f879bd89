"""What is heard of alerts and what a closed page is told: real Web Audio, a real service worker, no push service outside."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import Hospital
from tests.browser.listening import burst, heard, listen
from tests.browser.test_remote import shot
from tests.browser.test_ward import sent

from journey_ward import encounter, patient, place
from onmaru.rooms.monitor.alerts.alert import Alert, Step, stepped, written

pytestmark = pytest.mark.browser
TONES = {"stat": [988, 988, 988, 1319], "urgent": [784, 784], "asap": [587]}
STAT = "alert-heard-stat"
RULES = {"stat": "news2-high", "urgent": "news2-medium", "asap": "news2-single"}
TRIES = 5


def alert(urgency: str) -> Alert:
    """One that is raised now: later it would have reached nobody, and be another alert."""
    now, rule = time.time_ns() // 1000, RULES[urgency]
    id = f"alert-heard-{urgency}"
    return Alert(id, "heard", rule, rule, urgency, "Location/w74", now, "requested", "", "NEWS2", ())


def raised() -> list[dict[str, Any]]:
    return [written(alert(urgency)) for urgency in TONES]


def closed(urgency: str) -> dict[str, Any]:
    one = alert(urgency)
    return stepped(written(one), Step("outcome", one.raised + 1, "nurse", "acted"), "completed")


@pytest.fixture(scope="module")
def bed(served: Hospital) -> Iterator[Hospital]:
    """A bed whose alerts are told; all of it taken away again afterwards."""
    bodies = [place("w74", "wa", "74병동"), place("b7401", "bd", "7401", "w74"), patient("heard", "소리나", "S-1")]
    sent(served, *bodies, encounter("e-heard", "heard", "b7401"))
    yield served
    sent(served, *map(closed, TONES), encounter("e-heard", "heard", "b7401", status="finished"))
    served.remove("Patient/heard")


def test_each_urgency_is_heard_by_its_own_tones_and_nothing_before_sound_is_turned_on(
    bed: Hospital, visit: Open
) -> None:
    sent(bed, *raised())
    page = visit("nurse", "/bedside/heard", "ko")
    listen(page)
    page.locator("[data-alert]").nth(2).wait_for()
    sound = page.get_by_role("switch", name="소리")
    expect(sound).not_to_be_checked()
    page.wait_for_timeout(300)
    assert heard(page) == []
    sound.press("Space")
    for urgency, tones in TONES.items():
        burst(page, tones, 15)
        sent(bed, closed(urgency))
    expect(page.locator("[data-alert]")).to_have_count(0, timeout=15_000)


def test_the_choice_of_sound_is_kept_and_a_page_that_may_not_sound_yet_says_so(
    bed: Hospital, visit: Open, axe: Callable[[Page], list[str]]
) -> None:
    sent(bed, *raised())
    page = visit("nurse", "/ward", "en", 360)
    page.get_by_role("switch", name="Sound").press("Space")
    other = page.context.new_page()
    # Asking a page anything counts as touching it: it is not asked before it has begun by itself
    with other.expect_response(re.compile("/rooms/monitor/alerts")):
        other.goto("/bedside/heard")
    expect(other.get_by_role("switch", name="Sound")).to_be_checked()
    waits = other.get_by_text("This browser lets nothing be heard until the page is touched")
    expect(waits).to_be_visible()
    listen(other)
    shot(other, "sound-waits")
    assert axe(other) == []
    other.locator("h1").first.click()
    expect(waits).to_have_count(0)
    burst(other, TONES["stat"], 15)
    other.get_by_role("switch", name="Sound").press("Space")
    page.reload()
    expect(page.get_by_role("switch", name="Sound")).not_to_be_checked()


def test_a_push_is_shown_without_a_name_and_its_touch_opens_the_alert(bed: Hospital, visit: Open) -> None:
    sent(bed, *raised())
    page = visit("nurse", "/ward?ward=Location/w74", "ko")
    page.context.grant_permissions(["notifications"])
    line = page.context.new_cdp_session(page)
    registered: list[str] = []
    line.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: registered.extend(
            one["registrationId"]
            for one in told["registrations"]
            if not one["isDeleted"] and one["scopeURL"].startswith(bed.address)
        ),
    )
    line.send("ServiceWorker.enable")
    # As the page's switch does once a push service has given it an address
    page.evaluate(
        "navigator.serviceWorker.register('/push.js', { scope: '/' }).then(() => navigator.serviceWorker.ready)"
    )
    page.reload()
    page.evaluate("navigator.serviceWorker.ready")
    text = msgspec.json.encode({"alert": STAT, "urgency": "stat"}).decode()
    shown = """async () => {
        const held = await navigator.serviceWorker.ready;
        for (let n = 0; n < 20; n++) {
            const found = await held.getNotifications();
            if (found.length) return found.map((one) => [one.title, one.body, one.requireInteraction, one.data]);
            await new Promise((done) => setTimeout(done, 50));
        }
        return [];
    }"""
    found: list[object] = []
    tries = TRIES
    # Chromium gives a message away while the worker is being replaced; one of the same tag stands for the one before
    while not found and (tries := tries - 1):
        told = {"origin": bed.address, "registrationId": registered[-1], "data": text}
        line.send("ServiceWorker.deliverPushMessage", told)
        found = page.evaluate(shown)
    assert found == [["경보가 기다립니다", "로그인하여 확인하십시오.", True, STAT]]
    (worker,) = page.context.service_workers
    touch = """async () => {
        const [one] = await self.registration.getNotifications();
        self.dispatchEvent(new NotificationEvent('notificationclick', { notification: one }));
    }"""
    worker.evaluate(touch)
    page.wait_for_url(f"**/ward?alert={STAT}")
    expect(page.get_by_role("dialog").get_by_text("NEWS2 7점 이상")).to_be_visible()
    assert (
        page.evaluate("navigator.serviceWorker.ready.then((held) => held.getNotifications()).then((all) => all.length)")
        == 0
    )
    page.get_by_role("dialog").get_by_role("button", name="닫기").click()
    expect(page).not_to_have_url("**/ward?alert=*")
