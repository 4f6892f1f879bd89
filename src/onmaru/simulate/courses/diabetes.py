"""Type 2 diabetes followed in the clinic every three months; HbA1c wanders towards the effect of treatment."""

from __future__ import annotations

from onmaru.simulate.acts import booked, noted, prescribed, tested
from onmaru.simulate.bundles import answered
from onmaru.simulate.chart import Chart
from onmaru.simulate.codes import (
    AMLODIPINE,
    ATORVASTATIN,
    DIABETES,
    DIABETES_2,
    GLUCOSE,
    HBA1C,
    HYPERTENSION,
    LIPIDS,
    METFORMIN,
)
from onmaru.simulate.flows import left, next_visit, seen
from onmaru.simulate.world import Steps

VISITS = 5


def steps(chart: Chart) -> Steps:
    hba1c, hypertensive = chart.rng.uniform(7.0, 10.5), chart.rng.random() < 0.5
    if hypertensive:
        chart.body.pressure += 24
    for n in range(VISITS):
        yield from seen(chart, "01")
        chart.vital_signs(chart.here)
        found = (DIABETES_2, HYPERTENSION) if hypertensive else (DIABETES_2,)
        chart.diagnose(*found)
        yield from tested(chart, DIABETES, {HBA1C: (hba1c, 0.15), GLUCOSE: (28.7 * hba1c - 46.7, 14)})
        if n == 0:
            yield from tested(chart, LIPIDS, {})
            prescribed(chart, ATORVASTATIN, 90)
        answered(chart, "diabetes-self-care", _answers(chart))
        prescribed(chart, METFORMIN, 90)
        if hypertensive:
            prescribed(chart, AMLODIPINE, 90)
        noted(
            chart,
            ("SN01", "외래경과기록"),
            f"당화혈색소 {hba1c:.1f}% 전후. 복약 순응도 확인함.\n식사·운동 교육, 3개월 뒤 재진.",
        )
        booked(chart, "01", 90)
        yield from left(chart)
        hba1c += (6.9 - hba1c) * chart.rng.uniform(0.1, 0.4) + chart.rng.gauss(0, 0.2)
        yield from next_visit(chart, 90)


def _answers(chart: Chart) -> list[tuple[str, str, str | int]]:
    return [
        ("1", "지난 7일 동안 약을 거르지 않은 날은 며칠입니까?", chart.rng.randint(3, 7)),
        ("2", "지난 7일 동안 30분 이상 운동한 날은 며칠입니까?", chart.rng.randint(0, 7)),
        ("3", "저혈당 증상이 있었습니까?", chart.rng.choice(("없음", "가끔", "자주"))),
    ]
