"""Breast cancer: clinic and biopsy, multidisciplinary meeting, operation, then cycles of chemotherapy with blood counts."""

from __future__ import annotations

from onmaru.simulate.acts import booked, imaged, noted, prescribed, tested
from onmaru.simulate.chart import Chart
from onmaru.simulate.codes import (
    BREAST_CANCER,
    CBC_DIFF,
    CEFAZOLIN,
    CHEMISTRY,
    CYCLOPHOSPHAMIDE,
    DOXORUBICIN,
    NEUTROPHILS,
    ONDANSETRON,
    TRAMADOL,
    WBC,
)
from onmaru.simulate.flows import DAY, admitted, left, next_visit, seen
from onmaru.simulate.world import Steps

CYCLES = 4
CYCLE_DAYS = 21


def steps(chart: Chart) -> Steps:
    yield from _found(chart)
    yield from next_visit(chart, 7)
    yield from _decided(chart)
    yield from next_visit(chart, 10)
    yield from _operated(chart)
    for cycle in range(1, CYCLES + 1):
        yield from next_visit(chart, CYCLE_DAYS)
        yield from _cycle(chart, cycle)


def _found(chart: Chart) -> Steps:
    yield from seen(chart, "04")
    chart.vital_signs(chart.here)
    yield from imaged(chart, ("SR03", "유방촬영 양측"), "우측 유방 상외측 불규칙 종괴. 조직검사 권고.", 40)
    noted(chart, ("SN01", "외래경과기록"), "우측 유방 종괴 촉지되어 내원.\n초음파 유도하 조직검사 시행.")
    booked(chart, "04", 7)
    yield from left(chart)


def _decided(chart: Chart) -> Steps:
    yield from seen(chart, "04")
    pathologist = chart.world.roster.physician("18", chart.rng)
    receptors = chart.rng.choice(
        ("ER 양성, PR 양성, HER2 음성", "ER 양성, PR 음성, HER2 음성", "ER 음성, PR 음성, HER2 음성")
    )
    noted(
        chart,
        ("SN09", "병리검사 결과보고서"),
        f"진단명: 침윤성 유방암종, 우측.\n면역조직화학검사: {receptors}.",
        sender="PATH",
        author=pathologist,
    )
    chart.diagnose(BREAST_CANCER)
    noted(
        chart,
        ("SN10", "다학제 진료기록"),
        "외과, 혈액종양내과, 병리과, 영상의학과 참석.\n수술 후 보조 항암화학요법 시행하기로 함.",
    )
    booked(chart, "04", 10)
    yield from left(chart)


def _operated(chart: Chart) -> Steps:
    yield from admitted(chart, "81W", "04")
    chart.diagnose(BREAST_CANCER)
    yield from tested(chart, CBC_DIFF, {})
    yield DAY
    prescribed(chart, CEFAZOLIN, 1)
    noted(chart, ("SN04", "수술기록"), "수술명: 우측 유방보존술 및 감시림프절 생검.\n합병증 없음.")
    prescribed(chart, TRAMADOL, 2)
    yield 3 * DAY
    noted(chart, ("SN05", "퇴원기록"), "수술 후 경과 양호하여 퇴원. 병리 결과 확인 후 항암치료 예정.")
    yield from left(chart)


def _cycle(chart: Chart, cycle: int) -> Steps:
    yield from admitted(chart, "81W", "01")
    chart.diagnose(BREAST_CANCER)
    low = {WBC: (5.8 - 0.5 * cycle, 0.5), NEUTROPHILS: (3.4 - 0.4 * cycle, 0.4)}
    yield from tested(chart, CBC_DIFF, low)
    yield from tested(chart, CHEMISTRY, {})
    for drug in (ONDANSETRON, DOXORUBICIN, CYCLOPHOSPHAMIDE):
        prescribed(chart, drug, 1)
    noted(chart, ("SN11", "항암치료기록"), f"보조 항암화학요법 {cycle}주기 투여. 오심 경미함.")
    yield 1.2 * DAY
    booked(chart, "04", CYCLE_DAYS)
    yield from left(chart)
