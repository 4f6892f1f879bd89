"""A healthy person's check-up in family medicine: body measurements, blood tests, questionnaire, result in words."""

from __future__ import annotations

from onmaru.simulate.acts import imaged, measured_body, noted, tested
from onmaru.simulate.bundles import answered
from onmaru.simulate.chart import Chart
from onmaru.simulate.codes import CBC, CHECK_UP, CHEMISTRY, LIPIDS
from onmaru.simulate.flows import left, seen
from onmaru.simulate.world import Steps


def steps(chart: Chart) -> Steps:
    yield from seen(chart, "23")
    answered(chart, "check-up", _answers(chart))
    measured_body(chart)
    chart.vital_signs(chart.here)
    chart.diagnose(CHECK_UP)
    yield from tested(chart, CBC, {}, 30)
    yield from tested(chart, CHEMISTRY, {}, 20)
    yield from tested(chart, LIPIDS, {}, 20)
    yield from imaged(chart, ("SR01", "흉부 X선 후전면"), "활동성 병변 없음.", 20)
    noted(chart, ("SN02", "건강검진 결과기록"), "전반적으로 특이 소견 없음.\n수치가 표시된 항목은 외래에서 설명함.")
    yield from left(chart)


def _answers(chart: Chart) -> list[tuple[str, str, str | int]]:
    return [
        ("1", "담배를 피우십니까?", chart.rng.choice(("아니오", "과거에 피움", "예"))),
        ("2", "일주일에 술을 마시는 날은 며칠입니까?", chart.rng.randint(0, 4)),
        ("3", "평소 숨이 찬 적이 있습니까?", chart.rng.choice(("아니오", "계단을 오를 때"))),
    ]
