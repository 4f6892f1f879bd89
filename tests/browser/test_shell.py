"""What a user does in the shell, by keyboard where a hand is on it anyway."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.hospital import OWN, SECRET, Hospital

pytestmark = pytest.mark.browser
STALE = re.compile("실시간 연결")


@pytest.fixture
def frozen(served: Hospital) -> Iterator[Callable[[], None]]:
    """Stops the server as a dead network would: connections stay open, nothing comes."""
    yield lambda: served.process.send_signal(signal.SIGSTOP)
    served.process.send_signal(signal.SIGCONT)


def test_a_ward_round_from_sign_in_to_the_chart_needs_no_mouse(visit: Open) -> None:
    page = visit()
    page.locator("input[type=password]").wait_for()
    page.keyboard.type("doctor")
    page.keyboard.press("Tab")
    page.keyboard.type(SECRET)
    page.keyboard.press("Enter")
    rows = page.locator("[data-index]")
    expect(rows).to_have_count(5)
    page.keyboard.type("ㄱㅎㄴ")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("김하늘")
    page.keyboard.press("ArrowDown")
    expect(rows.first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/patients/*")
    expect(page.locator("h1")).to_contain_text("김하늘")
    assert "김하늘" not in page.url + page.title()
    assert [line for line in page.said if "Failed to load resource" not in line] == []


def test_two_namesakes_are_told_apart_and_warned_of(visit: Open) -> None:
    page = visit("doctor", "/patients")
    page.keyboard.type("홍길동")
    rows = page.locator("[data-index]")
    expect(rows).to_have_count(2)
    for row in rows.all():
        expect(row).to_contain_text("동명이인")
        expect(row).to_contain_text(re.compile(r"T-000[12].*남.*19\d\d-\d\d-\d\d", re.DOTALL))


def test_a_new_patient_appears_on_an_open_list(visit: Open, served: Hospital) -> None:
    page = visit("doctor", "/patients")
    page.keyboard.type("나중에온")
    expect(page.get_by_text("찾는 환자가 없습니다")).to_be_visible()
    patient = {
        "resourceType": "Patient",
        "name": [{"text": "나중에온이"}],
        "gender": "female",
        "birthDate": "1977-01-01",
    }
    entry = {"resource": patient, "request": {"method": "POST", "url": "Patient"}}
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    expect(page.locator("[data-index]")).to_have_count(1, timeout=5_000)
    href = page.locator("[data-index] a").get_attribute("href") or ""
    gone = {"request": {"method": "DELETE", "url": f"Patient/{href.rpartition('/')[2]}"}}
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": [gone]})
    expect(page.locator("[data-index]")).to_have_count(0, timeout=5_000)


def test_a_dead_network_is_told_within_ten_seconds_and_its_end_too(
    visit: Open, frozen: Callable[[], None], served: Hospital
) -> None:
    page = visit("doctor", "/patients")
    expect(page.locator("[data-index]").first).to_be_visible()
    frozen()
    started = time.monotonic()
    expect(page.get_by_text(STALE)).to_be_visible(timeout=15_000)
    assert time.monotonic() - started < 10
    served.process.send_signal(signal.SIGCONT)
    expect(page.get_by_text(STALE)).to_be_hidden(timeout=15_000)


def test_an_ended_session_hides_the_page_and_gives_it_back_after_sign_in(visit: Open) -> None:
    page = visit("doctor", "/patients")
    grid = page.get_by_role("grid")
    expect(grid).to_be_visible()
    page.context.clear_cookies()
    page.keyboard.type("홍")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert not grid.is_visible()
    page.locator("input[type=password]").fill(SECRET)
    page.keyboard.press("Enter")
    expect(grid).to_be_visible()
    expect(page.locator("input[type=search]")).to_have_value("홍")


@pytest.mark.parametrize(
    ("user", "links"),
    [
        (
            "doctor",
            [
                "환자 목록",
                "병동 현황",
                "병동 인계",
                "중앙 모니터",
                "증례 검토",
                "근무표",
                "알림 기준 시험",
                "위험 모델",
                "재택 관리",
                "연락 대상 환자",
            ],
        ),
        (
            "keeper",
            [
                "연계 현황",
                "운영 현황",
                "대량 내보내기",
                "알림 신청",
                "감사 기록",
                "이상 접근",
                "코호트",
                "건강 형평성",
                "병원 현황판",
                "질 지표",
                "근무표",
                "알림 기준 시험",
                "위험 모델",
                "연구 테이블 (OMOP)",
                "데이터 품질",
                "뷰",
            ],
        ),
        ("chief", ["연계 현황", "운영 현황", "감사 기록", "이상 접근", "사용자", "연결된 앱"]),
        ("student", []),
    ],
)
def test_the_menu_offers_what_the_role_may_open(visit: Open, user: str, links: list[str]) -> None:
    page = visit(user)
    assert page.locator("nav:visible a").all_inner_texts() == links


def test_a_patient_comes_to_their_own_record(visit: Open, served: Hospital) -> None:
    own = {"resourceType": "Patient", "id": OWN, "name": [{"text": "제기록이"}], "gender": "female"}
    entry = {"resource": own, "request": {"method": "PUT", "url": f"Patient/{OWN}"}}
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    page = visit("person")
    page.wait_for_url(f"**/patients/{OWN}")
    expect(page.locator("h1")).to_contain_text("제기록이")
    assert page.locator("nav:visible a").all_inner_texts() == ["내 기록", "내 측정"]
    gone = {"request": {"method": "DELETE", "url": f"Patient/{OWN}"}}
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": [gone]})


def test_an_item_leads_to_the_message_that_brought_it(
    visit: Open, served: Hospital, axe: Callable[[Page], list[str]]
) -> None:
    about = {"reference": "Patient/sent"}
    kind = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
    at = "2026-11-01T09:00:00+09:00"
    bodies: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "sent", "name": [{"text": "보내진이"}]},
        {
            "resourceType": "DocumentReference", "id": "message", "status": "current", "subject": about, "date": at,
            "type": {"text": "ORU^R01"}, "content": [{"attachment": {"contentType": "x-application/hl7-v2+er7"}}],
        },
        {
            "resourceType": "Observation", "id": "brought", "status": "final", "subject": about,
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}, "effectiveDateTime": at,
            "valueQuantity": {"value": 72, "unit": "/min"},
        },
        {
            "resourceType": "Provenance", "id": "how", "target": [{"reference": "Observation/brought"}], "recorded": at,
            "agent": [{"type": {"coding": [{"system": kind, "code": "transmitter"}]}, "who": {"display": "SIMHOSP"}}],
            "entity": [{"role": "source", "what": {"reference": "DocumentReference/message"}}],
        },
    ]  # fmt: skip
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in bodies
    ]
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    page = visit("doctor", "/patients/sent")
    page.locator("button[data-source='Observation/brought']").click()
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("SIMHOSP · 전송")
    drawer.get_by_role("button", name="원본 메시지 열기").click()
    expect(drawer.locator("pre")).to_contain_text('"resourceType": "DocumentReference"')
    assert axe(page) == []
    assert [line for line in page.said if "Failed to load resource" not in line] == []
    gone = [{"request": {"method": "DELETE", "url": entry["request"]["url"]}} for entry in entries]
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": gone})


def test_an_administrator_makes_a_user_who_can_sign_in(visit: Open) -> None:
    page = visit("chief", "/users")
    page.get_by_role("button", name="사용자 추가").click()
    page.get_by_label("아이디").fill("newcomer")
    page.get_by_label("이름", exact=True).fill("새내기")
    page.get_by_label("간호사").check()
    page.get_by_label("초기 비밀번호").fill(SECRET)
    page.get_by_role("button", name="저장").click()
    expect(page.get_by_role("row", name="새내기")).to_contain_text("간호사")
    answer = page.context.request.post("/api/login", data={"user": "newcomer", "password": SECRET})
    assert answer.json()["roles"] == ["nurse"]


def test_a_wrong_password_is_told_without_saying_which_part_was_wrong(
    visit: Open, axe: Callable[[Page], list[str]]
) -> None:
    page = visit()
    page.get_by_label("아이디").fill("nobody-here")
    page.locator("input[type=password]").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("아이디 또는 비밀번호가 맞지 않습니다.")
    assert axe(page) == []


@pytest.mark.parametrize(
    ("language", "words"), [("ko", "15분 뒤에 다시 시도하세요"), ("en", "Try again in 15 minutes")]
)
def test_too_many_wrong_passwords_are_told_with_the_time_to_wait(visit: Open, language: str, words: str) -> None:
    page = visit("", "/", language)
    for _ in range(6):
        page.locator("input").first.fill(f"nobody-{language}")
        page.locator("input[type=password]").fill("wrong")
        with page.expect_response("**/api/login"):
            page.keyboard.press("Enter")
        expect(page.locator("button[type=submit]")).to_be_enabled()
    expect(page.get_by_role("alert")).to_contain_text(words)


@pytest.mark.parametrize(("language", "since"), [("ko", "집계 시작"), ("en", "Counted since")])
def test_every_door_tells_what_came_and_since_when_it_counts(visit: Open, language: str, since: str) -> None:
    page = visit("keeper", "/doors", language)
    table = page.get_by_role("table").first
    expect(table.get_by_role("columnheader", name=since)).to_be_visible()
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(re.compile(r"HTTP.*FHIR REST", re.DOTALL))
    for row in rows.all():
        assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d", row.locator("td").last.inner_text())
    came = int(rows.first.locator("td").nth(1).inner_text())
    assert came > 0


@pytest.mark.parametrize(
    ("language", "merged", "open_it"),
    [("ko", "통합됨", "통합된 기록 열기"), ("en", "Merged", "Open the merged record")],
)
def test_a_record_that_was_merged_away_says_so_on_the_list_and_in_its_header(
    visit: Open, served: Hospital, language: str, merged: str, open_it: str
) -> None:
    kept = {"resourceType": "Patient", "id": "kept", "name": [{"text": "합쳐진이"}], "gender": "male"}
    gone = {
        **kept,
        "id": "gone",
        "active": False,
        "link": [{"other": {"reference": "Patient/kept"}, "type": "replaced-by"}],
    }
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"Patient/{one['id']}"}} for one in (kept, gone)]
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    page = visit("doctor", "/patients", language)
    page.keyboard.type("합쳐진이")
    expect(page.locator("[data-index]")).to_have_count(2)
    expect(page.locator("[data-index]", has_text=merged)).to_have_count(1)
    page.goto("/patients/gone")
    expect(page.locator("h1 ~ *", has_text=merged)).to_be_visible()
    page.get_by_role("link", name=re.compile(open_it)).click()
    page.wait_for_url("**/patients/kept")
    expect(page.locator("h1 ~ *", has_text=merged)).to_have_count(0)
    removals = [{"request": {"method": "DELETE", "url": f"Patient/{id}"}} for id in ("gone", "kept")]
    served.send({"resourceType": "Bundle", "type": "transaction", "entry": removals})


def test_the_audit_shows_who_looked_at_whom(visit: Open) -> None:
    visit("doctor", "/patients").locator("[data-index]").first.wait_for()
    page = visit("keeper", "/audit")
    page.get_by_label("아이디").fill("doctor")
    page.get_by_role("button", name="조회").click()
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("doctor")
    expect(row).to_contain_text("진료")
