"""Ways into and out of the hospital that all courses share, with the clerical mistakes that happen on them."""

from __future__ import annotations

from collections.abc import Generator

from onmaru.simulate.body import measured
from onmaru.simulate.bundles import numerics
from onmaru.simulate.chart import DIED, HOME, Chart, Visit
from onmaru.simulate.places import Bed
from onmaru.simulate.world import Steps

DAY = 1440.0
OPENS, CLOSES = 9 * 60, 16 * 60
INTENSIVE = "MICU"


def until_clinic(chart: Chart) -> Steps:
    """Wait for a clinic's next opening hours on a working day."""
    now = chart.world.now
    minute, day = now.hour * 60 + now.minute, now.weekday()
    if day < 5 and OPENS <= minute < CLOSES:
        return
    ahead = 0 if minute < OPENS else 1
    while (day + ahead) % 7 >= 5:
        ahead += 1
    yield ahead * DAY + OPENS - minute + chart.rng.uniform(0, CLOSES - OPENS)


def next_visit(chart: Chart, days: float) -> Steps:
    """Wait for the next visit of a long course; the setting `interval` shortens or lengthens it."""
    yield days * DAY * chart.world.settings.interval
    yield from until_clinic(chart)


def seen(chart: Chart, department: str) -> Steps:
    """Come to a clinic (A04) and wait for the physician. A registration made twice is found and merged (A40) now."""
    yield from until_clinic(chart)
    chart.start("O", department)
    yield chart.rng.uniform(5, 30)
    if chart.mrn != chart.person.mrn:
        chart.vital_signs(chart.here)
        yield 5
        chart.merge()


def _bed(chart: Chart, ward: str) -> Generator[float, None, Bed]:
    """Wait until the ward has a free bed; it is taken and returned."""
    while (bed := chart.world.board.take(ward)) is None:
        yield 30
    return bed


def emergency(chart: Chart) -> Steps:
    """Come to the emergency room (A04, class E)."""
    bed = yield from _bed(chart, "ER")
    chart.start("E", "24", bed)
    yield chart.rng.uniform(5, 20)
    if chart.mrn != chart.person.mrn:
        yield chart.rng.uniform(20, 60)
        chart.merge()


def admitted(chart: Chart, ward: str, department: str) -> Steps:
    """Admit (A01) to a ward, by chance first wrongly (A11), by chance to a wrong bed that is corrected (A08)."""
    faults = chart.world.settings.faults
    bed = yield from _bed(chart, ward)
    if chart.visit is not None:
        chart.end("09")
    if chart.rng.random() < faults.cancelled_admission:
        chart.start("I", department, bed)
        yield chart.rng.uniform(1, 3)
        chart.cancel()
        yield 5
        bed = yield from _bed(chart, ward)
    chart.start("I", department, bed)
    other = chart.world.board.take(ward) if chart.rng.random() < faults.wrong_bed else None
    if other is not None:
        yield 10
        chart.correct_bed(other)
    _watch_closely(chart)
    yield 15


def moved(chart: Chart, ward: str, department: str) -> Steps:
    """Transfer (A02) as soon as the ward has a bed."""
    bed = yield from _bed(chart, ward)
    chart.move(bed, department)
    _watch_closely(chart)
    yield 10


def left(chart: Chart, disposition: str = HOME) -> Steps:
    """Discharge (A03); by chance too early: cancelled (A13) an hour later and done again in the evening."""
    visit = chart.here
    chart.end(disposition)
    if (
        disposition == DIED
        or visit.kind != "I"
        or chart.rng.random() >= chart.world.settings.faults.cancelled_discharge
    ):
        return
    yield 60
    if chart.undo_end(visit):
        yield 240
        chart.end(disposition)


def _watch_closely(chart: Chart) -> None:
    """In intensive care the monitor's numerics begin, if the setting asks for them."""
    visit = chart.here
    if visit.bed.ward == INTENSIVE and chart.world.settings.vitals_seconds:
        chart.world.spawn(_monitored(chart, visit, visit.bed))


def _monitored(chart: Chart, visit: Visit, bed: Bed) -> Steps:
    period = chart.world.settings.vitals_seconds / 60
    while chart.visit is visit and visit.bed == bed:
        values = measured(chart.body, chart.rng)
        numerics(chart.world, chart, visit, ((what.loinc, value, what.unit) for what, value in values))
        yield period
