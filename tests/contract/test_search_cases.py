"""The case table of searches (tests/spec/search.toml) holds on every engine, with all charts in one record."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from onmaru.fhir import search
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change

TABLE = Path(__file__).resolve().parents[1] / "spec" / "search.toml"
CHARTS: list[dict[str, Any]] = tomllib.loads(TABLE.read_text("utf-8"))["chart"]
TODAY = 1_577_836_800_000_000  # 2020-01-01


def test_every_case_of_the_search_table_holds(chart: Chart, tenant: Tenant) -> None:
    wrong = []
    types = [json.loads(one["resource"])["resourceType"] for one in CHARTS]
    changes = [Change("create", type, body=one["resource"].encode()) for type, one in zip(types, CHARTS, strict=True)]
    written = chart.write(changes)
    tenant.log.wait(tenant.log.tip())
    for one, type, made in zip(CHARTS, types, written, strict=True):
        for expected, searches in ((True, one["finds"]), (False, one["misses"])):
            for text in searches:
                pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in text.split("&"))]
                page = chart.search(search.parse((type,), pairs, now=lambda: TODAY))
                if (made.version.id in [version.id for version in page.matches]) is not expected:
                    wrong.append(f"{one['says']}: {text} {'misses' if expected else 'finds'} it")
    assert wrong == []
