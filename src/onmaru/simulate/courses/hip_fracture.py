"""A fall at home, hip fracture, operation on the next day, then rehabilitation on the integrated nursing ward."""

from __future__ import annotations

from onmaru.simulate.acts import booked, imaged, noted, prescribed, tested
from onmaru.simulate.chart import Chart
from onmaru.simulate.codes import CBC, CEFAZOLIN, CHEMISTRY, COAGULATION, ENOXAPARIN, HB, HIP_FRACTURE, TRAMADOL
from onmaru.simulate.flows import DAY, admitted, emergency, left
from onmaru.simulate.world import Steps

REHABILITATION_DAYS = 10


def steps(chart: Chart) -> Steps:
    chart.body.illness = 0.1
    yield from emergency(chart)
    chart.diagnose(HIP_FRACTURE)
    yield from imaged(chart, ("SR02", "고관절 X선 양면"), "우측 대퇴골 경부 골절.", 30)
    yield from tested(chart, CBC, {HB: (11.4, 0.8)}, 30)
    yield from tested(chart, COAGULATION, {}, 20)
    noted(chart, ("SN03", "응급기록"), "자택에서 낙상 후 우측 고관절 통증, 보행 불가.\n정형외과 입원, 수술 예정.")
    yield from admitted(chart, "62W", "05")
    chart.diagnose(HIP_FRACTURE)
    prescribed(chart, TRAMADOL, 4)
    yield chart.rng.uniform(16, 30) * 60
    prescribed(chart, CEFAZOLIN, 1)
    noted(chart, ("SN04", "수술기록"), "수술명: 인공 고관절 반치환술.\n출혈 소량, 합병증 없이 종료함.")
    prescribed(chart, ENOXAPARIN, 10)
    yield from tested(chart, CBC, {HB: (9.6, 0.7)}, 40)
    yield from _rehabilitation(chart)


def _rehabilitation(chart: Chart) -> Steps:
    therapist = chart.world.roster.physician("21", chart.rng)
    for day in range(1, REHABILITATION_DAYS + 1):
        yield DAY
        chart.body.illness = max(0.0, chart.body.illness - 0.02)
        metres = 3 * day + chart.rng.randint(0, 4)
        noted(chart, ("SN08", "재활경과기록"), f"재활 {day}일째. 보행기로 {metres} m 보행.", author=therapist)
        if day % 3 == 0:
            yield from tested(chart, CBC, {HB: (9.6 + 0.15 * day, 0.4)})
    yield from tested(chart, CHEMISTRY, {})
    noted(chart, ("SN05", "퇴원기록"), "수술 및 재활치료 후 보행기 보행 가능하여 퇴원.")
    booked(chart, "05", 14)
    yield from left(chart)
