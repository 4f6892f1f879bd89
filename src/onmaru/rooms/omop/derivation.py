"""The CDM tables as a derivation: base tables, then codes, lookups, rows and groups (kernel/derivation.py)."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from onmaru.kernel.derivation import Derivation, Kind, Step
from onmaru.kernel.projection import ColumnType, Table
from onmaru.rooms.omop.cdm import CLINICAL, COLUMNS, DOMAINS, RESULTS, VOCABULARY, cast, kept
from onmaru.rooms.omop.steps.columns import FROM, MERGED, VALUES
from onmaru.rooms.omop.tables import TABLES
from onmaru.rooms.omop.vocabulary import parameters

VERSION = 3
OWN = "_source, _version, _t, _patient, _patients, _labels"
_ASKS = """SELECT split_part(one, chr(28), 1)::BIGINT AS "key", split_part(one, chr(28), 2) AS "text"
FROM (SELECT unnest(string_split(codes, chr(29))) AS one FROM (SELECT DISTINCT codes FROM @{base} WHERE codes <> ''))"""
_DRUGS = "SELECT target AS \"key\", '' AS \"text\" FROM @omop_mapping WHERE domain = 'Drug' AND target <> 0"
_KINDS: dict[str, ColumnType] = {"i": "int", "s": "text", "d": "date", "x": "float"}
_MAPPING = """key:i text:s hint:s system:s code:s label:s vocabulary:s source_concept:i source_name:s source_domain:s
    target:i domain:s nth:i how:s value:i reason:s"""


def text(name: str) -> str:
    """The SQL of steps/NAME.sql without its heading comment."""
    return re.sub(r"^--.*\n", "", (files(__package__) / "steps" / f"{name}.sql").read_text("utf-8"), flags=re.MULTILINE)


def _table(name: str, columns: str) -> Table:
    pairs = (one.partition(":") for one in columns.split())
    return Table(name, tuple((column, _KINDS[kind]) for column, _, kind in pairs))


def _coded() -> tuple[str, ...]:
    """Every key with its text, of each base table that has codes."""
    bases = [table.name for table in TABLES if any(name == "codes" for name, _ in table.columns)]
    return tuple(_ASKS.replace("{base}", name) for name in bases)


def _lookup(name: str, columns: str, file: str, near: str = "") -> Step:
    return Step(_table(name, columns), "lookup", text(file), unit="id" if near else "_t", near=near)


def _typed(table: str, file: str, kind: Kind, **more: Any) -> Step:
    """A CDM table whose SQL is in a file, with the CDM's own types."""
    columns = ", ".join(f"{cast(name, type_)} AS {name}" for name, type_, _ in COLUMNS[table])
    select = text(file).replace("{version}", str(VERSION))
    return Step(kept(table), kind, f"SELECT {columns}, {OWN} FROM ({select})", **more)  # noqa: S608 - files of ours


def _made(table: str) -> Step:
    """A CDM table of which each row comes of one base row."""
    base, place = FROM[table]
    columns = [f"{cast(VALUES[table].get(name, 'NULL'), kind)} AS {name}" for name, kind, _ in COLUMNS[table]]
    patients = MERGED if " p ON " in place else "f._patients"  # scopes have them already
    own = f"f._source, f._version, f._t, f._patient, {patients} AS _patients, f._labels"
    select = f"SELECT {', '.join(columns)}, {own} FROM {place}"  # noqa: S608 - names of ours
    return Step(kept(table), "rows", select, (base,), order=_order(table), when=_when(place))


def _when(place: str) -> str:
    """The same rows of the first table, without its joins; "" where only these tell whether there are any."""
    first, conditions = re.split(r"\n| (?=WHERE)", place, maxsplit=1)[0], place.partition("WHERE ")[2]
    own = [one for one in conditions.split(" AND ") if one.startswith("f.")]
    return f"SELECT 1 FROM {first} WHERE {' AND '.join(own)}" if own else ""  # noqa: S608 - names of ours


def _order(table: str) -> tuple[str, ...]:
    """Rows of one concept together, then of one person."""
    names = [name for name, _, _ in COLUMNS[table]]
    stem = table.partition("_")[0]
    return tuple(name for name in (f"{stem}_concept_id", "person_id", names[0]) if name in names)


EVENTS = (
    "visit_occurrence",
    "condition_occurrence",
    "drug_exposure",
    "procedure_occurrence",
    "device_exposure",
    "measurement",
    "observation",
)
_KEYS = (
    *("code", "value", "unit_key", "route_key", "status_key", "operator_key", "specimen_key", "measured_key", "kind"),
)


_SORTS = " ".join(f"{domain.lower()}:i" for domain in DOMAINS)


def _steps() -> tuple[Step, ...]:
    domains = " ".join(f"WHEN '{domain}' THEN '{table}'" for domain, table in DOMAINS.items())
    return (
        _lookup("omop_maps", "system:s code:s target_system:s target:s relation:s", "maps"),
        Step(_table("omop_mapping", _MAPPING), "codes", text("mapping"), unit="key", asks=_coded()),
        Step(
            _table("omop_ingredients", "key:i text:s ingredient:i"),
            "codes",
            text("ingredients"),
            unit="key",
            asks=(_DRUGS,),
        ),
        Step(
            _table("omop_strengths", "key:i text:s ingredient:i each:x hourly:x unit:i"),
            "codes",
            text("strengths"),
            unit="key",
            asks=(_DRUGS,),
        ),
        _lookup("omop_people", "id:i person:i more:s", "people"),
        _lookup("omop_whose", "person:i names:s", "whose"),
        _lookup("omop_visits", "id:i visit:i detail:i parent:i person:i", "visits", text("visits_near")),
        _lookup("omop_open", "id:i day:d", "open", text("open_near")),
        _lookup("omop_specimens", f"id:i person:i specimen:i {_SORTS}", "specimens"),
        _lookup("omop_episodes", "id:i person:i", "episodes"),
        _lookup("omop_things", "id:i code:i device:s production:s targets:s", "things"),
        *(_typed(table, table, "lookup") for table in ("provider", "care_site", "location", "cdm_source", "metadata")),
        Step(Table("omop_facts", ()), "scope", text("facts").replace("{domains}", domains)),
        Step(Table("omop_stays", ()), "scope", text("stays")),
        *(_made(table) for table in FROM),
        _typed("observation_period", "observation_period", "groups", of=EVENTS, unit="person_id"),
        _typed("condition_era", "condition_era", "groups", of=("condition_occurrence",), unit="person_id"),
        _typed(
            "drug_era",
            "drug_era",
            "groups",
            of=("drug_exposure",),
            unit="person_id",
            by=(("drug_exposure", "drug_concept_id", "omop_ingredients"),),
            when="SELECT 1 FROM @omop_ingredients WHERE ingredient <> 0",
        ),
        _typed(
            "dose_era",
            "dose_era",
            "groups",
            of=("drug_exposure",),
            unit="person_id",
            by=(("drug_exposure", "drug_concept_id", "omop_strengths"),),
            when="SELECT 1 FROM @omop_strengths WHERE ingredient <> 0",
        ),
    )


_STEPS = _steps()
# What nothing of the record fills is there all the same, empty.
BLANK = tuple(table for table in CLINICAL if table not in {step.table.name for step in _STEPS})

DERIVATION = Derivation(
    name="omop",
    version=VERSION,
    projection="omop",
    base={
        "omop_person": (
            ("id", "omop_people"),
            ("provider", "provider"),
            ("site", "care_site"),
            *((name, "omop_mapping") for name in ("gender_key", "race_key", "ethnicity_key", "kind")),
        ),
        "omop_visit": (
            ("person", "omop_people"),
            ("id", "omop_visits"),
            ("id", "omop_open"),
            ("provider", "provider"),
            ("site", "care_site"),
            ("episode", "omop_episodes"),
            *((name, "omop_mapping") for name in ("class_key", "admit_key", "discharge_key", "episode_key", "kind")),
        ),
        "omop_fact": (
            ("person", "omop_people"),
            ("visit", "omop_visits"),
            ("thing", "omop_things"),
            ("specimen", "omop_specimens"),
            ("provider", "provider"),
            *((name, "omop_mapping") for name in _KEYS),
        ),
        "omop_note": (
            ("person", "omop_people"),
            ("visit", "omop_visits"),
            ("provider", "provider"),
            ("class", "omop_mapping"),
            ("kind", "omop_mapping"),
        ),
        "omop_specimen": (
            ("person", "omop_people"),
            *((name, "omop_mapping") for name in ("code", "unit_key", "site_key", "kind")),
        ),
        "omop_plan": (("person", "omop_people"), ("payer_key", "omop_mapping")),
        "omop_episode": (("person", "omop_people"), ("code", "omop_mapping"), ("kind", "omop_mapping")),
        "omop_cost": (
            ("person", "omop_people"),
            ("visit", "omop_visits"),
            ("currency_key", "omop_mapping"),
            ("kind", "omop_mapping"),
        ),
        **dict.fromkeys(("omop_thing", "omop_provider", "omop_role", "omop_site", "omop_place", "omop_map"), ()),
    },
    steps=_STEPS,
    remakes=("omop_maps",),
    sites=tuple(kept(table) for table in (*VOCABULARY, *RESULTS)),
    blank=tuple(kept(table) for table in BLANK),
    parameters=parameters,
)
