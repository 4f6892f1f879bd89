"""What clinicians do to a patient, as the hospital's systems report it: orders, results, images, notes, prescriptions."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import msgspec

from onmaru.simulate import segments as s
from onmaru.simulate.bundles import administration
from onmaru.simulate.chart import Chart, Visit
from onmaru.simulate.codes import BODY, HEIGHT, WEIGHT, Analyte, Drug, Panel
from onmaru.simulate.places import clinic
from onmaru.simulate.staff import Member
from onmaru.simulate.systems import LOCAL, ORDER
from onmaru.simulate.truth import count
from onmaru.simulate.world import Steps

Values = Mapping[Analyte, tuple[float, float]]
"""Mean and spread of each test's simulated result."""
UNUSUAL = (0.15, 0.6)
"""A wrong first result lies between these shares above the right one."""


class Order(msgspec.Struct, frozen=True):
    """Tests ordered on a visit, and when the specimen was drawn. `filler` is the laboratory's number."""

    visit: Visit
    panel: Panel
    placer: str
    filler: str
    drawn: datetime.datetime


def tested(chart: Chart, panel: Panel, values: Values, minutes: float = 50) -> Steps:
    """Order tests (OML^O21) and, after about so many minutes, report them (ORU^R01)."""
    world, visit = chart.world, chart.here
    order = Order(visit, panel, world.number("LO"), world.number("LF"), world.now)
    lines = [
        chart.pid(),
        chart.pv1(visit),
        s.orc("NW", order.placer, "", visit.attending, world.now),
        s.obr(s.panel(panel), (order.placer, ""), world.now, visit.attending, {}),
    ]
    world.send("OCS", "OML^O21^OML_O21", lines)
    yield chart.rng.uniform(0.7, 1.4) * minutes
    _report(chart, order, {one: _drawn(chart, one, values) for one in panel.analytes})


def _drawn(chart: Chart, one: Analyte, values: Values) -> float:
    mean, spread = values.get(one) or _middle(one)
    return max(0.0, round(chart.rng.gauss(mean, spread), one.digits))


def _middle(one: Analyte) -> tuple[float, float]:
    low = one.low if one.low is not None else (one.high or 0) * 0.4
    high = one.high if one.high is not None else low * 1.6
    return (low + high) / 2, (high - low) / 8


def _report(chart: Chart, order: Order, right: dict[Analyte, float]) -> None:
    """Report results; by chance one is wrong at first and corrected half an hour later (OBX-11 C, OBR-25 C)."""
    world = chart.world
    shown = dict(right)
    count(world.truth.observations, chart.mrn, len(right))
    wrong = chart.rng.random() < world.settings.faults.correction
    if wrong:
        one = chart.rng.choice(order.panel.analytes)
        shown[one] = round(right[one] * (1 + chart.rng.uniform(*UNUSUAL)) + 10**-one.digits, one.digits)
        world.truth.corrected[f"{order.filler}/{one.loinc}"] = _written(one, right[one])
        world.spawn(_corrected(chart, order, one, right[one]), 30)
    _send_results(chart, order, "F", shown, orderly=wrong)


def _corrected(chart: Chart, order: Order, one: Analyte, value: float) -> Steps:
    _send_results(chart, order, "C", {one: value}, orderly=True)
    yield from ()


def _written(one: Analyte, value: float) -> str:
    return f"{value:.{one.digits}f}"


def _send_results(chart: Chart, order: Order, status: str, values: Mapping[Analyte, float], *, orderly: bool) -> None:
    world, doctor, numbers = chart.world, order.visit.attending, (order.placer, order.filler)
    more = {22: s.stamp(world.now), 24: order.panel.section, 25: status}
    lines = [
        chart.pid(),
        chart.pv1(order.visit),
        s.orc("RE", *numbers, doctor, world.now),
        s.obr(s.panel(order.panel), numbers, order.drawn, doctor, more),
        *(s.obx(n, one, _written(one, value), status, order.drawn) for n, (one, value) in enumerate(values.items(), 1)),
        s.specimen(f"SP{order.filler}", order.panel.specimen, order.drawn),
    ]
    world.send("LIS", "ORU^R01^ORU_R01", lines, orderly=orderly)


def imaged(chart: Chart, code: tuple[str, str], finding: str, minutes: float = 40) -> Steps:
    """Order an image (ORM^O01) and report it in words (ORU^R01) after about so many minutes."""
    world, visit = chart.world, chart.here
    placer, what = world.number("RO"), s.coded(*code, LOCAL)
    reader = world.roster.physician("16", chart.rng)
    orc, obr = (
        s.orc("NW", placer, "", visit.attending, world.now),
        s.obr(what, (placer, ""), world.now, visit.attending, {}),
    )
    world.send("OCS", "ORM^O01^ORM_O01", [chart.pid(), chart.pv1(visit), orc, obr])
    taken = world.now
    yield chart.rng.uniform(0.7, 1.5) * minutes
    filler = world.number("RF")
    more = {22: s.stamp(world.now), 24: "RAD", 25: "F", 32: f"{reader.number}&{reader.family}&{reader.given}"}
    lines = [
        chart.pid(),
        chart.pv1(visit),
        s.orc("RE", placer, filler, visit.attending, world.now),
        s.obr(what, (placer, filler), taken, visit.attending, more),
        s.obx_text(1, code, finding, taken),
    ]
    count(world.truth.observations, chart.mrn)
    world.send("RIS", "ORU^R01^ORU_R01", lines)


def measured_body(chart: Chart) -> None:
    """Height and weight (ORU^R01 from the ward's system)."""
    world, visit, now = chart.world, chart.here, chart.world.now
    numbers = (world.number("BP"), world.number("BF"))
    nurse = world.roster.nurse(visit.bed.ward, now)
    lines = [
        chart.pid(),
        chart.pv1(visit),
        s.obr(s.panel(BODY), numbers, now, nurse, {22: s.stamp(now), 25: "F"}),
        s.obx(1, HEIGHT, f"{chart.body.height:.1f}", "F", now),
        s.obx(2, WEIGHT, f"{chart.body.weight:.1f}", "F", now),
    ]
    count(world.truth.observations, chart.mrn, 2)
    world.send("CIS", "ORU^R01^ORU_R01", lines)


def noted(chart: Chart, code: tuple[str, str], text: str, *, sender: str = "EMR", author: Member | None = None) -> None:
    """A signed note (MDM^T02): TXA, then its text in one OBX."""
    world, visit = chart.world, chart.here
    by = author or visit.attending
    now, number = s.stamp(world.now), world.number("DN")
    values = {
        1: "1",
        2: s.coded(*code, LOCAL),
        3: "FT",
        4: now,
        6: now,
        9: s.member(by),
        12: f"{number}^^{ORDER}^ISO",
        17: "AU",
        19: "AV",
        25: s.escaped(code[1]),
    }
    lines = [
        f"EVN|T02|{now}",
        chart.pid(),
        chart.pv1(visit),
        s.fields("TXA", values),
        s.obx_text(1, code, text, world.now),
    ]
    count(world.truth.documents, chart.mrn)
    world.send(sender, "MDM^T02^MDM_T02", lines)


def booked(chart: Chart, department: str, days: float) -> None:
    """Book the next visit on the working day in about so many days (SIU^S12)."""
    world = chart.world
    start = (world.now + datetime.timedelta(days=days)).replace(minute=0, second=0)
    start += datetime.timedelta(days=(7 - start.weekday()) if start.weekday() >= 5 else 0)
    start = start.replace(hour=chart.rng.randint(9, 15), minute=chart.rng.randrange(0, 60, 15))
    doctor = world.roster.physician(department, chart.rng)
    where = s.bed(clinic(department), world.settings.facility)
    begin, length = s.stamp(start), "15|min^minute^UCUM"
    lines = [
        s.appointment(world.number("AP"), department, start, 15),
        chart.pid(),
        "RGS|1|A",
        f"AIL|1|A|{where}|CLINIC^Clinic^{LOCAL}||{begin}|||{length}||Booked",
        f"AIP|1|A|{s.member(doctor)}|D^Physician^{LOCAL}||{begin}|||{length}||Booked",
    ]
    count(world.truth.appointments, chart.mrn)
    world.send("HIS", "SIU^S12^SIU_S12", lines)


def prescribed(chart: Chart, drug: Drug, days: float) -> None:
    """Prescribe (RDE^O11). To an inpatient each dose is given and reported as MedicationAdministration (FHIR)."""
    world, visit = chart.world, chart.here
    placer, end = world.number("PR"), world.now + datetime.timedelta(days=days)
    doses = max(1, round(days * 24 / drug.hours))
    unit = s.coded(drug.unit, drug.unit, "UCUM")
    lines = [
        chart.pid(),
        chart.pv1(visit),
        s.orc("NW", placer, "", visit.attending, world.now),
        s.timing(drug, world.now, end),
        s.fields("RXO", {1: s.drug(drug), 2: drug.amount, 4: unit, 11: str(doses), 14: s.member(visit.attending)}),
        s.route(drug),
        s.fields("RXE", {2: s.drug(drug), 3: drug.amount, 5: unit, 10: str(doses)}),
        s.timing(drug, world.now, end),
        s.route(drug),
    ]
    count(world.truth.prescriptions, chart.mrn)
    world.send("OCS", "RDE^O11^RDE_O11", lines)
    if visit.kind != "O":
        world.spawn(_given(chart, visit, drug, placer, doses), chart.rng.uniform(20, 60))


def _given(chart: Chart, visit: Visit, drug: Drug, placer: str, doses: int) -> Steps:
    for _ in range(doses):
        if visit.ended is not None or visit is not chart.visit:
            return
        administration(chart, visit, drug, placer)
        yield drug.hours * 60 + chart.rng.uniform(-15, 15)
