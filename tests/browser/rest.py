"""When a page has come to rest: nothing asked for is under way, nothing fades, and nothing has changed for a while."""

from __future__ import annotations

from playwright.sync_api import Page

# Counts what is asked for; a stream is under way until its first byte
ASKING = """(() => {
    const real = window.fetch;
    window.asking = 0;
    window.fetch = (...asked) => {
        const answer = real(...asked);
        const ended = () => { window.asking -= 1; };
        window.asking += 1;
        answer.then(ended, ended);
        return answer;
    };
})()"""
# In ms and frames. A page that never rests, as one with a clock, is looked at after `long`; one that waits for an answer
# after `longest`, and is told by what it then shows.
AT_REST = """async () => {
    const quiet = 120, frames = 6, long = 300, longest = 10000;
    const began = performance.now();
    let changed = began, seen = 0;
    const watch = new MutationObserver(() => { changed = performance.now(); seen = 0; });
    watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    const moves = (one) => one.playState === 'running' && one.effect.getComputedTiming().endTime !== Infinity;
    for (;;) {
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        seen += 1;
        if (window.asking || document.getAnimations().some(moves)) { changed = now; seen = 0; }
        if (seen >= frames && now - changed >= quiet) break;
        if (now - began >= (window.asking ? longest : long)) break;
    }
    watch.disconnect();
}"""


def rest(page: Page) -> None:
    """Return once the page is at rest."""
    page.evaluate(AT_REST)
