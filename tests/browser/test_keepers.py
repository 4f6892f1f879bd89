"""The pages of those who keep a house, and one's own account: each loaded once a language, looked at in every width."""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import SECRET

pytestmark = pytest.mark.browser
WIDTHS = (360, 1920)
Axe = Callable[[Page], list[str]]


class Shot(NamedTuple):
    """One page: who opens it where, and what is done there before it is looked at (the name of a button)."""

    name: str
    user: str
    path: str
    button: str = ""


SHOTS = (
    Shot("account", "chief", "/account"),
    Shot("apps", "chief", "/apps"),
    Shot("apps-create", "chief", "/apps", "앱 등록|Register an app"),
    Shot("why", "doctor", "/patients", "볼 수 있는 이유|Why may I see this"),
)


def looked_at(page: Page, axe: Axe, name: str, language: str) -> None:
    """No fault that a machine finds, at either end of the widths, without loading again."""
    folder = os.environ.get("ONMARU_SCREENSHOTS")
    for width in (360, 1280, 1920) if folder else WIDTHS:
        page.set_viewport_size({"width": width, "height": 1080 if width > 800 else 780})
        page.wait_for_timeout(250)
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{width}-{language}.png", full_page=True)
        if width in WIDTHS:
            assert axe(page) == [], (name, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)


def settled(page: Page) -> None:
    """Wait until everything asked for is here."""
    page.locator("h1").first.wait_for()
    expect(page.get_by_text(re.compile("불러오는 중|^Loading"))).to_have_count(0)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_page_is_accessible_and_fits_its_width(visit: Open, axe: Axe, language: str) -> None:
    pages: dict[str, Page] = {}
    for shot in SHOTS:
        page = pages.get(shot.user)
        if page is None:
            page = pages[shot.user] = visit(
                shot.user, shot.path, language, 1280, "dark" if language == "en" else "light"
            )
        else:
            page.set_viewport_size({"width": 1280, "height": 800})
            page.goto(shot.path)
        settled(page)
        if shot.name == "why":
            page.locator("[data-index] a").first.click()
        if shot.button:
            page.get_by_role("button", name=re.compile(shot.button)).first.click()
        settled(page)
        looked_at(page, axe, shot.name, language)
    for page in pages.values():
        assert [line for line in page.said if "Failed to load resource" not in line] == []


def test_a_second_step_is_set_up_from_its_qr_code_to_the_recovery_codes_by_keyboard(visit: Open, axe: Axe) -> None:
    page = visit("student", "/account")
    page.get_by_role("button", name="2단계 인증 설정").press("Enter")
    page.locator("input[type=password]").fill(SECRET)
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="QR 코드")).to_be_visible()
    looked_at(page, axe, "account-qr", "ko")
    secret = page.get_by_label("앱에 입력하세요").input_value()
    code = HOTP(base64.b32decode(secret), 6, SHA1()).generate(int(time.time()) // 30).decode()
    page.get_by_label("인증 코드").fill(code)
    page.keyboard.press("Enter")
    codes = page.get_by_role("list", name="복구 코드").get_by_role("listitem")
    expect(codes).to_have_count(10)
    looked_at(page, axe, "account-codes", "ko")
    recovery = codes.first.inner_text()
    page.get_by_role("button", name="보관했습니다").click()
    expect(page.get_by_text("복구 코드 10개 남음")).to_be_visible()
    page.get_by_role("button", name="2단계 인증 해제").click()
    page.locator("input[type=password]").fill(SECRET)
    page.get_by_label("인증 코드").fill(recovery)
    page.keyboard.press("Enter")
    expect(page.get_by_text("사용 안 함")).to_be_visible()


def test_an_app_is_registered_gets_another_secret_and_is_removed(visit: Open, axe: Axe) -> None:
    page = visit("chief", "/apps")
    page.get_by_role("button", name="앱 등록").click()
    page.get_by_label("이름").fill("성장 곡선")
    page.get_by_label("종류").select_option("secret")
    page.get_by_label("돌아갈 주소").fill("https://growth.example/app")
    page.get_by_role("dialog").get_by_role("button", name="앱 등록").click()
    told = page.get_by_role("dialog", name="성장 곡선")
    first = told.get_by_label("비밀키").input_value()
    looked_at(page, axe, "apps-told", "ko")
    told.get_by_role("button", name="닫기").last.click()
    page.get_by_role("button", name="성장 곡선 키 교체").click()
    page.get_by_role("dialog").get_by_role("button", name="키 교체").click()
    second = told.get_by_label("비밀키").input_value()
    assert first != second and len(second) > 40
    told.get_by_role("button", name="닫기").last.click()
    page.get_by_role("button", name="성장 곡선 삭제").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="삭제")).to_be_disabled()
    looked_at(page, axe, "apps-remove", "ko")
    dialog.get_by_role("textbox").fill("성장 곡선")
    dialog.get_by_role("button", name="삭제").click()
    expect(page.get_by_text("등록된 앱이 없습니다")).to_be_visible()
