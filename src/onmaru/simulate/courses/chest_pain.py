"""Chest pain in the emergency room: two troponins; most go home, some are admitted with an infarction."""

from __future__ import annotations

from onmaru.simulate.acts import imaged, noted, prescribed, tested
from onmaru.simulate.chart import Chart
from onmaru.simulate.codes import (
    ASPIRIN,
    ATORVASTATIN,
    CARDIAC,
    CBC,
    CHEMISTRY,
    CHEST_PAIN,
    ENOXAPARIN,
    INFARCTION,
    TROPONIN,
)
from onmaru.simulate.flows import DAY, INTENSIVE, admitted, emergency, left, moved
from onmaru.simulate.world import Steps


def steps(chart: Chart) -> Steps:
    infarction = chart.rng.random() < 0.35
    chart.body.illness = 0.25 if infarction else 0.1
    yield from emergency(chart)
    chart.diagnose(CHEST_PAIN)
    noted(
        chart,
        ("SN03", "응급기록"),
        "주호소: 흉통 (수 시간 전 발생, 휴식 시에도 지속).\n심전도 시행, 심근효소 추적 예정.",
    )
    first = 180.0 if infarction else 8.0
    yield from tested(chart, CARDIAC, {TROPONIN: (first, first / 6)}, 40)
    yield from tested(chart, CBC, {}, 15)
    yield from imaged(chart, ("SR01", "흉부 X선 후전면"), "급성 심폐 병변 없음.", 25)
    yield 120
    yield from tested(chart, CARDIAC, {TROPONIN: (first * (6 if infarction else 1), first / 5)}, 40)
    if not infarction:
        noted(chart, ("SN03", "응급기록"), "심근효소 상승 없음. 증상 소실되어 귀가, 외래 추적 권고.")
        yield from left(chart)
        return
    yield from _treated(chart)


def _treated(chart: Chart) -> Steps:
    yield from admitted(chart, INTENSIVE, "01")
    chart.diagnose(INFARCTION)
    for drug in (ASPIRIN, ATORVASTATIN, ENOXAPARIN):
        prescribed(chart, drug, 4)
    noted(chart, ("SN04", "시술기록"), "관상동맥 중재시술 시행. 합병증 없음.\n중환자실에서 경과 관찰.")
    yield 1.5 * DAY
    chart.body.illness = 0.1
    yield from tested(chart, CHEMISTRY, {})
    yield from moved(chart, "71W", "01")
    yield 2 * DAY
    noted(chart, ("SN05", "퇴원기록"), "급성 심근경색증으로 시술 후 호전되어 퇴원.")
    yield from left(chart)
