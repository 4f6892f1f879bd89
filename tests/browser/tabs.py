"""Tabs of one browser, used again: to load a page into a tab that is there costs a third of what a new profile does.

Their one law: whoever takes a tab finds it as a new one: no cookie, nothing stored, nothing said, the size, colours and
language asked for.
"""

from __future__ import annotations

from playwright.sync_api import Browser, ConsoleMessage, Page
from tests.browser.rest import ASKING

# Nothing that runs, at the address of the pages: Chromium goes on from it in the process that it has, where it would begin
# another one after an empty page
QUIET = "/mark.svg"
# What a page left in its profile
FORGET = """async () => {
    localStorage.clear();
    sessionStorage.clear();
    for (const one of await navigator.serviceWorker.getRegistrations()) await one.unregister();
}"""


class Tabs:
    """`take` gives one that nobody has; `give_back` frees all that were taken.

    `page.said` collects what the console complains of.
    """

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self._free: dict[tuple[str, str], list[Page]] = {}
        self._taken: list[tuple[tuple[str, str], Page]] = []

    def take(self, width: int, scheme: str = "light", *, language: str = "", locale: str = "ko-KR") -> Page:
        """A tab at an image. `language`: what its profile remembers as the language of the pages."""
        kind = language, locale
        free = self._free.setdefault(kind, [])
        page = free.pop() if free else self._opened(*kind)
        self._taken.append((kind, page))
        page.context.clear_cookies()
        page.goto(f"{self._address}{QUIET}")
        page.evaluate(FORGET)
        page.set_viewport_size({"width": width, "height": 780 if width < 800 else 1080})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.mouse.move(0, 0)
        page.said.clear()
        return page

    def _opened(self, language: str, locale: str) -> Page:
        context = self._browser.new_context(base_url=self._address, locale=locale)
        context.add_init_script(ASKING)
        if language:
            context.add_init_script(f"localStorage.setItem('onmaru.language', '{language}')")
        page = context.new_page()
        page.said = []
        page.on("console", lambda line: page.said.append(_told(line)) if _complains(line) else None)
        page.on("pageerror", lambda error: page.said.append(str(error)))
        return page

    def give_back(self) -> None:
        """Whoever took tabs is done with them."""
        for kind, page in self._taken:
            for other in page.context.pages:
                if other is not page:
                    other.close()
            if not page.is_closed():
                self._free[kind].append(page)
        self._taken.clear()


def _complains(line: ConsoleMessage) -> bool:
    """Not that an image alone has no icon: Chromium asks for one when it likes, perhaps once a page is there."""
    return line.type in ("error", "warning") and not line.location["url"].endswith("/favicon.ico")


def _told(line: ConsoleMessage) -> str:
    return f"{line.text} {line.location['url']}".rstrip()
