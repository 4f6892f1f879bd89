"""Proof of issue 5's wall: what it costs a browser, how late a number is on it, and that a dead server shows in time."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from onmaru.app.evidence import Figures, Proof
from onmaru.app.prove.hung_wall import ARGUMENTS, CHROMIUM, SECRET, Hospital, streaming
from onmaru.app.prove.wall_trace import frames, share

BEDS, SECONDS = 100, 30
# ms: script a frame, from the house to the screen, and until a silent server shows
SCRIPT, LATE, SHOWN = 2.0, 1000, 10_000
CATEGORIES = ["devtools.timeline", "toplevel"]


def wall(patients: int = BEDS) -> Figures:
    """`patients`: how many beds stream."""
    assert CHROMIUM.exists(), "install Chromium first: apt-get install chromium fonts-noto-cjk"
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="onmaru-wall-") as scratch:
        hospital = Hospital(Path(scratch), patients)
        try:
            with streaming(hospital), sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                return _watched(hospital, browser)
        finally:
            hospital.close()


def _watched(hospital: Hospital, browser: Any) -> Figures:
    context = browser.new_context(base_url=hospital.address, viewport={"width": 1920, "height": 1080}, locale="ko-KR")
    assert context.request.post("/api/login", data={"user": "nurse", "password": SECRET}).ok
    page = context.new_page()
    page.goto("/wall")
    page.locator("[data-bed]").nth(hospital.beds - 1).wait_for(state="attached", timeout=60_000)
    time.sleep(10)
    browser.start_tracing(page=page, categories=CATEGORIES)
    time.sleep(SECONDS)
    spent = frames(json.loads(browser.stop_tracing())["traceEvents"])
    lag = page.locator("[data-p99]").evaluate("one => ({...one.dataset})")
    silent = _killed(hospital, page)
    mean = sum(spent.all) / len(spent.all)
    figures: Figures = {
        "beds": hospital.beds,
        "frames": len(spent.all),
        "frames a second": round(len(spent.all) / SECONDS, 1),
        "script a frame, mean ms": round(mean, 2),
        "script a frame, p95 ms": round(share(spent.all, 0.95), 2),
        "script a frame, p99 ms": round(share(spent.all, 0.99), 2),
        "of the page's own thread, p99 ms": round(share(spent.main, 0.99), 2),
        "house to screen, p50 ms": int(lag["p50"]),
        "house to screen, p99 ms": int(lag["p99"]),
        "killed server shown after ms": round(silent),
    }
    assert share(spent.all, 0.95) <= SCRIPT, f"scripts take longer than {SCRIPT:g} ms: {figures}"
    assert int(lag["p99"]) < LATE, f"numbers come later than {LATE} ms: {figures}"
    assert silent < SHOWN, f"a dead server shows later than {SHOWN} ms: {figures}"
    return figures


def _killed(hospital: Hospital, page: Any) -> float:
    """ms from the death of the server until the page says so."""
    hospital.process.kill()
    began = time.monotonic()
    page.get_by_role("alert").first.wait_for(timeout=20_000)
    return (time.monotonic() - began) * 1000


CLAIM = (
    "A wall of 100 beds with two waveforms of 250 Hz each takes 2 ms of script a frame at most (p95), shows a number "
    "within a second of the house's having it, and a dead server within ten."
)
PROOFS = (Proof("5.wall", CLAIM, wall, ("patients",)),)
