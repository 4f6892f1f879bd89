"""What a page makes heard: every tone that its Web Audio really starts is written down, and still sounds."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Page

# What a silent server, way in or device sounds like
SILENT = [220, 196]
LISTEN = """() => {
    window.heard = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) {
        window.heard.push([Math.round(this.frequency.value), at, this.context.state]);
        return start.call(this, at);
    };
}"""


def listen(page: Page) -> None:
    """From here on; anew after each navigation."""
    page.evaluate(LISTEN)


def heard(page: Page) -> list[list[Any]]:
    """Pitch (Hz), when it starts (s of the context) and the state of its context, of each tone so far."""
    found: list[list[Any]] = page.evaluate("window.heard")
    return found


def burst(page: Page, tones: list[int], seconds: float) -> float:
    """Wait until these tones were the last that were started, one after another, and heard; how long that took (s)."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        last = heard(page)[-len(tones) :]
        if [tone for tone, _, _ in last] == tones:
            starts = [at for _, at, _ in last]
            assert starts == sorted(set(starts)) and {state for _, _, state in last} == {"running"}
            return time.monotonic() - began
        page.wait_for_timeout(50)
    raise AssertionError(f"not heard within {seconds} s: {tones}; heard were {heard(page)}")
