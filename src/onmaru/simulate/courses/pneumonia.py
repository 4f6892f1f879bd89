"""Pneumonia admitted to the ward: some get worse hour by hour, go to intensive care, and recover or die."""

from __future__ import annotations

from onmaru.simulate.acts import imaged, noted, prescribed, tested
from onmaru.simulate.chart import DIED, Chart
from onmaru.simulate.codes import (
    AZITHROMYCIN,
    BLOOD_GAS,
    CBC,
    CEFTRIAXONE,
    CHEMISTRY,
    CRP,
    INFLAMMATION,
    NOREPINEPHRINE,
    PAO2,
    PARACETAMOL,
    PCT,
    PIPERACILLIN,
    PNEUMONIA,
    RESPIRATORY_FAILURE,
    WBC,
)
from onmaru.simulate.flows import DAY, INTENSIVE, admitted, emergency, left, moved
from onmaru.simulate.world import Steps

WORSENING = 0.4
DYING = 0.3


def steps(chart: Chart) -> Steps:
    chart.body.illness, chart.body.fever = chart.rng.uniform(0.25, 0.4), chart.rng.uniform(1.2, 2.4)
    yield from emergency(chart)
    chart.diagnose(PNEUMONIA)
    yield from imaged(chart, ("SR01", "흉부 X선 후전면"), "우하엽 폐침윤 증가. 폐렴에 합당한 소견.", 30)
    yield from _bloods(chart)
    noted(chart, ("SN03", "응급기록"), "3일 전부터 발열, 기침, 가래.\n흉부 X선상 우하엽 침윤, 폐렴으로 입원 결정.")
    yield from admitted(chart, "71W", "01")
    chart.diagnose(PNEUMONIA)
    for drug in (CEFTRIAXONE, AZITHROMYCIN, PARACETAMOL):
        prescribed(chart, drug, 5)
    yield from _worse(chart) if chart.rng.random() < WORSENING else _better(chart, 4)


def _bloods(chart: Chart) -> Steps:
    ill = chart.body.illness
    yield from tested(chart, CBC, {WBC: (8 + 14 * ill, 1.2)}, 30)
    yield from tested(chart, INFLAMMATION, {CRP: (30 + 320 * ill, 20), PCT: (0.2 + 9 * ill * ill, 0.2)}, 20)


def _worse(chart: Chart) -> Steps:
    """Eighteen hours of rising breathing and heart rate and falling saturation, then intensive care."""
    for _ in range(6):
        yield 180
        chart.body.illness = min(0.85, chart.body.illness + 0.075)
        chart.vital_signs(chart.here)
    ward, now = chart.here.bed.ward, chart.world.now
    shift, nurse = chart.world.roster.shift(ward, now).ko, chart.world.roster.nurse(ward, now)
    noted(
        chart, ("SN06", "간호기록"), f"[{shift}] 호흡곤란 호소, 산소 요구량 증가함.\n담당의에게 보고함.", author=nurse
    )
    yield from tested(chart, BLOOD_GAS, {PAO2: (54, 4)}, 15)
    yield from moved(chart, INTENSIVE, "01")
    chart.diagnose(RESPIRATORY_FAILURE)
    prescribed(chart, PIPERACILLIN, 7)
    prescribed(chart, NOREPINEPHRINE, 2)
    yield from _bloods(chart)
    yield DAY
    if chart.rng.random() < DYING:
        chart.body.illness = 0.95
        yield 12 * 60
        noted(chart, ("SN07", "사망기록"), "적극적 치료에도 호전 없이 사망함.")
        yield from left(chart, DIED)
        return
    chart.body.illness = 0.45
    yield 2 * DAY
    yield from tested(chart, BLOOD_GAS, {PAO2: (82, 4)}, 15)
    yield from moved(chart, "71W", "01")
    yield from _better(chart, 5)


def _better(chart: Chart, days: int) -> Steps:
    for _ in range(days):
        yield DAY
        chart.body.illness *= 0.6
        chart.body.fever *= 0.4
        yield from _bloods(chart)
    yield from tested(chart, CHEMISTRY, {})
    noted(chart, ("SN05", "퇴원기록"), "폐렴으로 입원하여 항생제 치료 후 호전되어 퇴원.")
    yield from left(chart)
