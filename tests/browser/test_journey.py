"""The patient page in Chromium on a real server: a big chart, and namesakes. `onmaru prove 2.chart` takes the biggest."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.browser.chromium import ABSENT, CHROMIUM, PROGRAM
from tests.browser.tabs import Tabs

from journey_big import hospital
from journey_ward import vital
from offspring import Onmaru
from onmaru.app.house import House, Place, system
from onmaru.kernel.accounts import User
from onmaru.kernel.record import Change

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "src" / "onmaru" / "web" / "static" / "index.html"
SECRET = "nine-quiet-lanterns"
# The bars hold on a quiet machine, where `onmaru prove 2.chart` asks for them; a busy one still has to answer.
SLACK = 1 if os.environ.get("ONMARU_PROVE") else 10
# Encounters and observations of the big chart
SIZE = (1000, 50_000) if os.environ.get("ONMARU_PROVE") else (80, 4_000)
WIDTHS = (360, 1920)
TRIES = 3  # the machine may be busy with other things: the best of so many counts
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAM.exists(), reason=ABSENT),
    pytest.mark.skipif(not BUILT.is_file(), reason="the interface is not built"),
]


def fill(where: Place) -> None:
    """Write the hospital and two physicians, one a language."""
    house = House(where)
    record = house.hall(system("main")).record
    bodies = hospital(*SIZE)
    while part := list(islice(bodies, 1000)):
        changes = [Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in part]
        house.seat("main").home.wait(record.write(changes)[-1].version.t)
    house.catch_up("main")
    for language in ("ko", "en"):
        user = User("main", f"doctor-{language}", "김의사", ("physician",), language=language)  # type: ignore[arg-type]
        house.logins.keep_user(house.logins.set_password(user, SECRET))
    house.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("big")
    where = Place(root / "home", root / "keys", root / "witness")
    fill(where)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "ONMARU_HOME": str(where.home),
        "ONMARU_KEYS": str(where.keys),
        "ONMARU_WITNESS": str(where.witness),
    }
    quiet = subprocess.DEVNULL
    process = Onmaru(["serve", "--port", str(port)], env=environment, stdout=quiet, stderr=quiet)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


@pytest.fixture
def tabs(served: str) -> Iterator[Tabs]:
    tabs = CHROMIUM.tabs(served)
    yield tabs
    tabs.give_back()


def page_of(tabs: Tabs, served: str, language: str = "ko", width: int = 1920) -> Any:
    """A signed-in page that keeps what it complains of in `page.said`."""
    page = tabs.take(width, locale="ko-KR" if language == "ko" else "en-GB")
    answer = page.request.post(f"{served}/api/login", data={"user": f"doctor-{language}", "password": SECRET})
    assert answer.ok
    return page


def opened(tabs: Tabs, served: str, language: str = "ko", width: int = 1920) -> Any:
    page = page_of(tabs, served, language, width)
    page.goto(f"{served}/patients/big")
    page.wait_for_selector("canvas[data-from]")
    page.wait_for_selector("button[data-source]")
    return page


def spent(page: Any, act: str, wanted: str) -> float:
    """ms from an action in the page to the first frame in which `wanted` (a JavaScript condition) holds."""
    script = f"""async () => {{
        const start = performance.now();
        {act};
        while (!({wanted})) {{
            if (performance.now() - start > 10000) return 10000;
            await new Promise(requestAnimationFrame);
        }}
        return performance.now() - start;
    }}"""
    return float(page.evaluate(script))


def test_the_header_and_the_first_timeline_stand_within_a_second(tabs: Tabs, served: str) -> None:
    took = []
    for _ in range(TRIES):
        page = page_of(tabs, served)
        page.goto(f"{served}/patients/big")
        page.wait_for_selector("canvas[data-from]")
        page.wait_for_selector("h1")
        spent(page, "", "performance.getEntriesByName('journey-drawn').length")
        for text in ("박서준", "200001", "1951-07-14", "페니실린", "와파린 2 mg", "71병동"):
            assert page.get_by_text(text).first.is_visible(), text
        assert page.said == []
        marks = ("journey-drawn", "journey-headed")
        took.append(max(page.evaluate(f"performance.getEntriesByName('{mark}')[0].startTime") for mark in marks))
        page.context.close()  # so that nothing is kept for the next try
        if took[-1] < 1000 * SLACK:
            return
    raise AssertionError(f"{min(took):.0f} ms")


def test_zoom_filter_and_jump_take_less_than_200_ms(tabs: Tabs, served: str) -> None:
    page = opened(tabs, served)
    page.evaluate(
        """() => {
            window.answers = [];
            const real = fetch;
            window.fetch = async (...asked) => {
                const answer = await real(...asked);
                answers.push(String(asked[0]));
                return answer;
            };
        }"""
    )
    canvas = "document.querySelector('canvas')"
    wide = f"(+{canvas}.dataset.to - +{canvas}.dataset.from)"
    told = "answers.some((one) => one.includes('/timeline'))"
    key = f"{canvas}.dispatchEvent(new KeyboardEvent('keydown', {{key: '+', bubbles: true}}))"
    chip = "document.querySelector(\"button[data-kind='lab'][aria-pressed]\")"
    page.get_by_label("날짜로 이동", exact=True).first.fill("2010-05")
    acts = {
        "zoom": (f"answers.length = 0; window.was = {wide}; {key}", f"{wide} < was * 0.6 && {told}"),
        "filter": (f"window.was = {chip}.ariaPressed; {chip}.click()", f"{chip}.ariaPressed !== was"),
        "jump": (
            "answers.length = 0; document.querySelector('form button[type=submit]').click()",
            f"{wide} < 40 * 86400000 && {told}",
        ),
    }
    slow = {}
    for name, (act, wanted) in acts.items():
        took = []
        for _ in range(TRIES):
            page.keyboard.press("Escape")
            page.get_by_label("전체 기간").click()
            page.wait_for_timeout(500)
            took.append(spent(page, act, wanted))
        if min(took) >= 200 * SLACK:
            slow[name] = [round(one) for one in took]
    assert slow == {}
    assert page.said == []


def test_every_data_address_answers_within_300_ms(tabs: Tabs, served: str) -> None:
    page = page_of(tabs, served)
    below = f"{served}/rooms/journey/patients/big"
    slow = {}
    for path in ("summary", "timeline?width=1600", "timeline?from=2010&to=2016&width=3200", "items", "items?kinds=lab"):
        took = []
        for _ in range(TRIES):
            start = time.perf_counter()
            assert page.request.get(f"{below}/{path}").ok
            took.append((time.perf_counter() - start) * 1000)
        if min(took) >= 300 * SLACK:
            slow[path] = [round(one) for one in took]
    assert slow == {}


def test_every_item_is_reached_page_by_page(tabs: Tabs, served: str) -> None:
    page = page_of(tabs, served)
    seen: set[str] = set()
    cursor, total = "", 0
    while True:
        query = f"count=200&cursor={cursor}" if cursor else "count=200"
        found = json.loads(page.request.get(f"{served}/rooms/journey/patients/big/items?{query}").body())
        total = found.get("total", total)
        seen.update(item["source"] for item in found["items"])
        cursor = found["cursor"]
        if not cursor:
            break
    assert len(seen) == total == sum(SIZE) + 13


def test_the_list_goes_on_as_one_scrolls(tabs: Tabs, served: str) -> None:
    page = opened(tabs, served)
    first = page.locator("button[data-source]").count()
    page.locator("button[data-source]").last.scroll_into_view_if_needed()
    page.locator("button[data-source]").nth(first).wait_for(state="attached")


def test_namesakes_on_one_ward_are_announced_with_number_birth_date_and_sex(tabs: Tabs, served: str) -> None:
    page = opened(tabs, served)
    warning = page.get_by_role("alert").filter(has_text="동명이인 주의").inner_text()
    for fact in ("박서준", "200002", "1988-02-29", "남"):
        assert fact in warning


def test_an_item_opens_its_source_with_every_digit(tabs: Tabs, served: str) -> None:
    page = opened(tabs, served)
    page.locator("button[data-source^='Observation']").first.click()
    tokens = page.locator("pre").inner_text()
    assert '"resourceType": "Observation"' in tokens
    assert page.get_by_text("출처 (메시지·시각·송신 기관)").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_selector("pre", state="detached")


def test_a_new_value_shows_without_reloading(tabs: Tabs, served: str) -> None:
    page = page_of(tabs, served)
    session = page.request.get(f"{served}/api/me").json()
    page.goto(f"{served}/patients/p1")
    page.wait_for_selector("button[data-source]")
    page.wait_for_timeout(1500)
    body = vital("live", "p1", "8867-4", "심박수", 131, "/min", "2026-11-22T10:00:00+09:00")
    headers = {"X-CSRF-Token": session["csrf"], "Content-Type": "application/fhir+json"}
    assert page.request.put(f"{served}/fhir/Observation/live", data=body, headers=headers).status == 201
    page.get_by_text("131").first.wait_for(timeout=10_000)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_is_accessible_and_nothing_sticks_out(
    tabs: Tabs, served: str, axe: Callable[[Any], list[str]], language: str
) -> None:
    page = opened(tabs, served, language, WIDTHS[0])
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1080 if width > 800 else 780})
        page.wait_for_timeout(400)
        if folder := os.environ.get("ONMARU_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"journey-{width}-{language}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert axe(page) == []
        page.locator("button[data-source]").first.click()
        page.wait_for_selector("pre")
        page.wait_for_timeout(400)
        assert axe(page) == []
        page.keyboard.press("Escape")
        page.wait_for_selector("pre", state="detached")
