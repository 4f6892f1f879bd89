"""Courses of illness, one file each: small state machines that yield the minutes until the next step.

Their numbers are illustrative simulation parameters; no clinical rule is claimed and nothing may be learnt from them.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from onmaru.simulate.chart import Chart
from onmaru.simulate.courses import breast_cancer, check_up, chest_pain, diabetes, hip_fracture, pneumonia
from onmaru.simulate.world import Steps


class Course(msgspec.Struct, frozen=True):
    """`ages` youngest and oldest in years; `sex` "" for both; `weight` how often it comes."""

    name: str
    steps: Callable[[Chart], Steps]
    ages: tuple[int, int]
    sex: str
    weight: float


COURSES = {
    course.name: course
    for course in (
        Course("diabetes", diabetes.steps, (45, 80), "", 3),
        Course("pneumonia", pneumonia.steps, (60, 92), "", 3),
        Course("breast_cancer", breast_cancer.steps, (38, 70), "F", 1.5),
        Course("hip_fracture", hip_fracture.steps, (70, 95), "", 1.5),
        Course("check_up", check_up.steps, (25, 70), "", 2),
        Course("chest_pain", chest_pain.steps, (40, 85), "", 2),
    )
}
