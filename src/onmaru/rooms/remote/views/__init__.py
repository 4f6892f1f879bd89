"""The room's SQL, one file a view: plain SELECTs with `:name` parameters that every engine runs unchanged."""

from __future__ import annotations

from importlib.resources import files

from onmaru.kernel.lake import View


def _view(name: str) -> View:
    head, _, body = (files(__name__) / f"{name}.sql").read_text(encoding="utf-8").partition("\n")
    return View(f"remote_{name}", body, tuple(table.strip() for table in head.removeprefix("-- tables:").split(",")))


PLANS = _view("plans")
GOT = _view("got")
CONTACTS = _view("contacts")
ATTENTION = _view("attention")
ALL = (PLANS, GOT, CONTACTS, ATTENTION)
