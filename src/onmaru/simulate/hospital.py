"""The hospital itself: people fall ill one after another, each on a course of their own, and all systems tell of it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import msgspec

from onmaru.simulate.chart import Chart
from onmaru.simulate.courses import COURSES, Course
from onmaru.simulate.faults import Event, Line
from onmaru.simulate.masters import masters
from onmaru.simulate.people import Person, Wanted, first_of_two, person
from onmaru.simulate.settings import Settings
from onmaru.simulate.truth import Truth
from onmaru.simulate.world import Steps, World

NAMESAKES_COURSE = COURSES["pneumonia"]
NAMESAKES_APART = 15.0
"""Minutes between the arrivals of two people of one name, so that they lie on one ward together."""


class Hospital(Iterator[Event]):
    """Iterate to get events in order of arrival. `truth` is whole once iteration has ended."""

    def __init__(self, seed: int, days: float, settings: Settings) -> None:
        self._world = World(seed, settings)
        until = self._world.now_us + int(days * 86_400_000_000)
        self._world.spawn(_opened(self._world, days))
        line = Line(settings.faults, self._world.rng("faults"), self._world.truth)
        self._events = line.events(self._world.run(until))

    @property
    def truth(self) -> Truth:
        return self._world.truth

    def __next__(self) -> Event:
        return next(self._events)


def hospital(
    seed: int,
    days: float,
    *,
    beds: int | None = None,
    patients: int | None = None,
    settings: Settings | None = None,
) -> Hospital:
    """A hospital that runs for `days`. The same arguments give the same bytes, on every machine and in every process."""
    chosen = settings or Settings()
    chosen = msgspec.structs.replace(
        chosen,
        beds=chosen.beds if beds is None else beds,
        patients=chosen.patients if patients is None else patients,
    )
    return Hospital(seed, days, chosen)


def _opened(world: World, days: float) -> Steps:
    """Masters first, then the patients, spread over the first nine tenths of the time."""
    masters(world)
    yield 1
    total = world.settings.patients
    gap = days * 1440 * 0.9 / max(1, total)
    for n in range(1, total + 1):
        course = _course(world, n)
        chart = Chart(world, _person(world, n, course))
        second = _is_second(world, n)
        world.spawn(course.steps(chart), NAMESAKES_APART if second else world.rng(f"arrival/{n}").uniform(0, gap))
        yield 0 if _is_second(world, n + 1) else gap


def _is_second(world: World, n: int) -> bool:
    """Whether person `n` is the namesake of the one before."""
    every = world.settings.namesake_every
    return every > 0 and n % every == 2 % every and n > 1


def _course(world: World, n: int) -> Course:
    if _is_second(world, n) or _is_second(world, n + 1):
        return NAMESAKES_COURSE
    mix = dict(world.settings.mix) or {course.name: course.weight for course in COURSES.values()}
    return COURSES[world.rng(f"course/{n}").choices(list(mix), list(mix.values()))[0]]


def _person(world: World, n: int, course: Course) -> Person:
    year = datetime.datetime.fromisoformat(world.settings.start).year
    twice = world.rng(f"registration/{n}").random() < world.settings.faults.merge
    wanted = Wanted(year - course.ages[1], year - course.ages[0], course.sex, twice)
    if _is_second(world, n):
        return person(world.seed, n, wanted, first_of_two(world.seed, n - 1, wanted))
    return first_of_two(world.seed, n, wanted) if _is_second(world, n + 1) else person(world.seed, n, wanted)
