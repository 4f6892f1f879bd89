"""The pages of those who keep a house, and one's own account: each loaded once a language, looked at in every width."""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import SECRET, Hospital
from tests.browser.rest import rest

pytestmark = pytest.mark.browser
WIDTHS = (360, 1920)
VIP = "특별 보호 환자의 기록을 열람했습니다"
Axe = Callable[[Page], list[str]]


class Shot(NamedTuple):
    """One page: who opens it where, by the menu or by the element `by`, and the button of what opens over it."""

    name: str
    user: str
    path: str
    button: str = ""
    by: str = ""


SHOTS = (
    Shot("account", "chief", "/account"),
    Shot("apps", "chief", "/apps"),
    Shot("apps-create", "chief", "/apps", "앱 등록|Register an app"),
    Shot("alarms", "keeper", "/alarms"),
    Shot("operating", "keeper", "/operating"),
    Shot("subscriptions", "keeper", "/subscriptions"),
    Shot("bulk", "keeper", "/bulk"),
    Shot("bulk-export", "keeper", "/bulk", "내보내기 시작|Start an export"),
    Shot("tenants", "operator", "/t/house/tenants"),
    Shot("tenant", "operator", "/t/house/tenants/clinic", by="a[href$='/tenants/clinic']"),
    Shot("tenant-destroy", "operator", "/t/house/tenants", "파기|Destroy", by="h1"),
    Shot("why", "doctor", "/patients", "볼 수 있는 이유|Why may I see this"),
)


@pytest.fixture(scope="module", autouse=True)
def clinic(served: Hospital) -> Iterator[None]:
    """Tenants `house`, kept by `operator`, and `clinic`; and an alarm: the keeper has read a celebrity's record."""
    for tenant in ("house", "clinic"):
        served.command("tenant", "add", tenant)
    served.command("user", "add", "operator", "--role", "admin", "--tenant", "house", "--display", "윤슬")
    mark = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CEL"}]}
    star = {"resourceType": "Patient", "id": "star", "meta": mark, "name": [{"text": "이름난이"}]}
    # Nobody is reached there: it stands in error
    told = {"resourceType": "Subscription", "id": "told", "status": "requested", "reason": "검사실에 새 결과를 알림",
            "criteria": "Observation?code=http://loinc.org|8867-4",
            "channel": {"type": "rest-hook", "endpoint": "https://results.example/notify"}}  # fmt: skip
    both = [(f"{one['resourceType']}/{one['id']}", one) for one in (star, told)]
    put = [{"resource": one, "request": {"method": "PUT", "url": name}} for name, one in both]
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": put})
    yield
    gone = [{"request": {"method": "DELETE", "url": name}} for name, _ in both]
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": gone})


def entered(visit: Open, shot: Shot, language: str) -> Page:
    """The first page of somebody; whoever keeps the house comes in by its own door."""
    scheme = "dark" if language == "en" else "light"
    if shot.user != "operator":
        return visit(shot.user, shot.path, language, 1280, scheme)
    page = visit("", shot.path, language, 1280, scheme)
    page.locator("input").first.fill("operator")
    page.locator("input[type=password]").fill(SECRET)
    page.keyboard.press("Enter")
    expect(page.locator("nav:visible").first).to_be_visible()
    return page


def looked_at(page: Page, axe: Axe, name: str, language: str, widths: tuple[int, ...] = WIDTHS[:1]) -> None:
    """No fault that a machine finds, in each of the widths, without loading again."""
    folder = os.environ.get("ONMARU_SCREENSHOTS")
    for width in (360, 1280, 1920) if folder else widths:
        page.set_viewport_size({"width": width, "height": 1080 if width > 800 else 780})
        rest(page)
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{width}-{language}.png", full_page=True)
        if width in widths:
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
        if shot.user not in pages:
            pages[shot.user] = entered(visit, shot, language)
            if shot.name == "why":
                pages[shot.user].locator("[data-index] a").first.click()
        else:
            # Within one document, as a user goes: nothing is loaded again
            pages[shot.user].set_viewport_size({"width": 1280, "height": 1080})
            pages[shot.user].locator(shot.by or f"nav:visible a[href$='{shot.path}']").first.click()
        page = pages[shot.user]
        settled(page)
        if shot.button:
            page.get_by_role("button", name=re.compile(shot.button)).first.click()
            settled(page)
        # What opens over a page is of one form at both ends: it is looked at in one of them
        widths = WIDTHS if not shot.button else WIDTHS[:1] if language == "en" else WIDTHS[1:]
        looked_at(page, axe, shot.name, language, widths)
        if shot.button:
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_have_count(0)
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
    looked_at(page, axe, "account-codes", "ko", ())
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
    looked_at(page, axe, "apps-told", "ko", ())
    told.get_by_role("button", name="닫기").last.click()
    page.get_by_role("button", name="성장 곡선 키 교체").click()
    page.get_by_role("dialog").get_by_role("button", name="키 교체").click()
    second = told.get_by_label("비밀키").input_value()
    assert first != second and len(second) > 40
    told.get_by_role("button", name="닫기").last.click()
    page.get_by_role("button", name="성장 곡선 삭제").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="삭제")).to_be_disabled()
    looked_at(page, axe, "apps-remove", "ko", ())
    dialog.get_by_role("textbox").fill("성장 곡선")
    dialog.get_by_role("button", name="삭제").click()
    expect(page.get_by_text("등록된 앱이 없습니다")).to_be_visible()


def test_an_alarm_is_looked_into_and_closed_with_a_reason(visit: Open, axe: Axe) -> None:
    page = visit("keeper", "/alarms")
    assert page.evaluate("fetch('/fhir/Patient/star').then((answer) => answer.status)") == 200
    row = page.locator("tr", has_text="keeper").filter(has_text=VIP).get_by_role("button")
    for _ in range(60):
        page.get_by_text("종결", exact=True).first.click()
        page.get_by_text("확인 전", exact=True).first.click()
        page.wait_for_timeout(250)
        if row.count():
            break
    row.first.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("본인에 대한 경보는 다른 담당자가 종결해야 합니다")
    drawer.get_by_role("button", name="이 환자를 볼 수 있는 이유").click()
    expect(drawer).to_contain_text("역할과 권한 범위")
    other = visit("chief", "/alarms")
    other.locator("tr", has_text="keeper").filter(has_text=VIP).get_by_role("button").first.press("Enter")
    dialog = other.get_by_role("dialog")
    looked_at(other, axe, "alarm", "ko")
    expect(dialog.get_by_role("button", name="종결")).to_be_disabled()
    dialog.get_by_label("확인 결과").fill("병동 담당자에게 확인했습니다")
    dialog.get_by_role("button", name="종결").click()
    expect(other.locator("tr", has_text="keeper").filter(has_text=VIP)).to_have_count(0)


def test_a_tenant_is_limited_suspended_and_opened_again_by_who_keeps_the_house(visit: Open) -> None:
    page = entered(visit, Shot("tenant", "operator", "/t/house/tenants"), "ko")
    page.get_by_role("link", name="clinic").click()
    page.get_by_role("button", name="한도 변경").click()
    page.get_by_label("초당 요청").fill("200")
    page.keyboard.press("Enter")
    expect(page.locator("dl")).to_contain_text("초당 200건")
    page.get_by_role("button", name="중지", exact=True).click()
    page.get_by_label("사유").fill("이전 점검")
    page.get_by_role("dialog").get_by_role("button", name="중지").click()
    expect(page.locator("dl")).to_contain_text("중지")
    assert page.context.request.get("/t/clinic/").status == 403
    page.get_by_role("button", name="다시 열기").click()
    page.get_by_role("dialog").get_by_role("button", name="다시 열기").click()
    expect(page.locator("dl")).to_contain_text("운영")


def test_an_export_is_begun_watched_taken_and_removed(visit: Open, axe: Axe) -> None:
    page = visit("keeper", "/bulk")
    page.get_by_role("button", name="내보내기 시작").click()
    page.get_by_label("환자 인적 사항").check()
    page.get_by_role("button", name="시작", exact=True).click()
    row = page.locator("tbody tr")
    expect(row).to_contain_text("완료", timeout=20_000)
    expect(row).to_contain_text("Patient/$export?_type=Patient")
    looked_at(page, axe, "bulk-jobs", "ko", ())
    row.get_by_role("button", name="작업의 파일").click()
    files = page.get_by_role("dialog")
    expect(files.get_by_role("row", name="환자 인적 사항")).to_be_visible()
    looked_at(page, axe, "bulk-files", "ko")
    with page.expect_download() as taken:
        files.get_by_role("link", name="저장").click()
    assert b'"resourceType":"Patient"' in taken.value.path().read_bytes()
    page.keyboard.press("Escape")
    row.get_by_role("button", name="작업 삭제").click()
    page.get_by_role("dialog").get_by_role("button", name="삭제").click()
    expect(page.get_by_text("진행 중이거나 보관 중인 작업이 없습니다")).to_be_visible()
