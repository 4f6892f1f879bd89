"""The room's SQL, one file a view: plain SELECTs with `:name` parameters that every engine runs unchanged."""

from __future__ import annotations

from importlib.resources import files

from onmaru.kernel.lake import View


def _view(name: str) -> View:
    head, _, body = (files(__name__) / f"{name}.sql").read_text(encoding="utf-8").partition("\n")
    return View(f"monitor_{name}", body, tuple(table.strip() for table in head.removeprefix("-- tables:").split(",")))


READINGS = _view("readings")
BEDS = _view("beds")
ALERTS = _view("alerts")
TOLD = _view("told")
SHIFTS = _view("shifts")
PLACES = _view("places")
NEWEST = _view("newest")
LIMITS = _view("limits")
HOURS = _view("hours")
RISKS = _view("risks")
DEVICES = _view("devices")
STRETCHES = _view("stretches")
HANDED = _view("handed")
CHANGES = _view("changes")
UNDONE = _view("undone")
ALL = (
    READINGS, BEDS, ALERTS, TOLD, SHIFTS, PLACES, NEWEST, LIMITS, HOURS, RISKS, DEVICES, STRETCHES, HANDED, CHANGES, UNDONE,
)  # fmt: skip
