"""`onmaru omop reconcile`: in = mapped + unmapped + not applicable, to the last row, and no table lacks one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onmaru.kernel.room import Hall
from onmaru.rooms.omop.asking import loaded, report

COUNTED = ("mapped", "unmapped")


def reconcile(hall: Hall) -> dict[str, Any]:
    """`types`: by resource type, rows in and what became of them; `tables`: promised and there; `domains`: rates.

    `reconciled` is True when no row is uncounted and every table has what it must have.
    """
    types = _types(report(hall, "inventory")())
    tables = report(hall, "promised")()
    domains = _domains(report(hall, "coverage")())
    total = {name: sum(line[name] for line in types) for name in ("resources", "in", *COUNTED)}
    total["not_applicable"] = sum(sum(line["not_applicable"].values()) for line in types)
    whole = total["in"] == total["mapped"] + total["unmapped"] + total["not_applicable"]
    kept = all(line["promised"] == line["there"] for line in tables)
    return {
        "types": types,
        "tables": tables,
        "domains": domains,
        "total": {**total, "reconciled": whole and kept, "loaded": sorted(loaded(hall))},
    }


def _types(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        empty = {"type": row["type"], "resources": 0, "in": 0, "mapped": 0, "unmapped": 0, "not_applicable": {}}
        line = found.setdefault(row["type"], empty)
        line["resources"] += row["resources"]
        line["in"] += row["rows"]
        place: Any = line if row["outcome"] in COUNTED else line["not_applicable"]
        place[row["outcome"]] = row["rows"]
    return list(found.values())


def _domains(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each table, the part of its codes and of its records that have a standard concept."""
    found: dict[str, dict[str, Any]] = {}
    names = {"codes": "codes", "mapped_codes": "mapped_codes", "rows": "records", "mapped_rows": "mapped_records"}
    for row in rows:
        line = found.setdefault(row["table"], {"table": row["table"], **dict.fromkeys(names.values(), 0)})
        for name, shown in names.items():
            line[shown] += row[name]
    return [{**line, **_rates(line)} for line in found.values()]


def _rates(line: Mapping[str, Any]) -> dict[str, float | None]:
    pairs = (("code_rate", "mapped_codes", "codes"), ("record_rate", "mapped_records", "records"))
    return {name: round(line[part] / line[of], 4) if line[of] else None for name, part, of in pairs}
