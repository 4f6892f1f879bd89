"""The room's SQL, one file a view, read once: plain SELECTs with `:name` parameters that every engine runs unchanged."""

from __future__ import annotations

from importlib.resources import files

from onmaru.kernel.lake import View

PAGE = 50
INSTANTS = 200
_NAMES = ", ".join(f":p{number}" for number in range(PAGE))
_INSTANTS = ", ".join(f":i{number}" for number in range(INSTANTS))


def _text(name: str) -> str:
    return (files(__name__) / f"{name}.sql").read_text(encoding="utf-8")


def _view(name: str) -> View:
    head, _, body = _text(name).partition("\n")
    tables = tuple(table.strip() for table in head.removeprefix("-- tables:").split(","))
    stays = _text("stays").partition("\n")[2]
    sql = body.replace("{stays}", stays).replace("{patients}", _NAMES).replace("{instants}", _INSTANTS)
    return View(f"journey_{name}", sql, tables)


def named(patients: list[str]) -> dict[str, str]:
    """Parameters for `{patients}`: at most PAGE ids, the rest of the places filled with an id that nobody has."""
    return {f"p{number}": patients[number] if number < len(patients) else "" for number in range(PAGE)}


def instants(lows: list[int]) -> dict[str, int]:
    """Parameters for `{instants}`: between one and INSTANTS times, the last one repeated to fill the places."""
    return {f"i{number}": lows[min(number, len(lows) - 1)] for number in range(INSTANTS)}


EXTENT = _view("extent")
CLUSTERS = _view("clusters")
LONE = _view("lone")
SPANS = _view("spans")
ITEMS = _view("items")
UNDATED = _view("undated")
ITEMS_TOTAL = _view("items_total")
CURRENT = _view("current")
VITALS = _view("vitals")
SERIES = _view("series")
PATIENT = _view("patient")
LINKS = _view("links")
STAYS_OF = _view("stays_of")
WARDS = _view("wards")
NAMESAKES = _view("namesakes")
PATIENTS = _view("patients")
PATIENTS_TOTAL = _view("patients_total")
ON_WARD = _view("on_ward")
ON_WARD_TOTAL = _view("on_ward_total")
ALL = (
    EXTENT,
    CLUSTERS,
    LONE,
    SPANS,
    ITEMS,
    UNDATED,
    ITEMS_TOTAL,
    CURRENT,
    VITALS,
    SERIES,
    PATIENT,
    LINKS,
    STAYS_OF,
    WARDS,
    NAMESAKES,
    PATIENTS,
    PATIENTS_TOTAL,
    ON_WARD,
    ON_WARD_TOTAL,
)
