"""The lake shows one caller, now and at any position, what the Record shows: consents, labels, inheritance and erasure."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.generative.conftest import Opened
from tests.generative.test_engines_agree import written
from tests.generative.test_hidden_parts import CALLERS, closed, consents, marked

from onmaru.engines.lake import EmbeddedLake, Stores
from onmaru.fhir import search
from onmaru.kernel.caller import Caller
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.gate import ALL
from onmaru.kernel.lake import View
from onmaru.kernel.record import Change
from resource_log import tables

CODED = View("coded", "SELECT DISTINCT id, _version FROM Coding WHERE type = 'Observation' ORDER BY id", ("Coding",))
TYPES = ("Observation", "Patient", "List")


def shown(lake: EmbeddedLake, type: str) -> list[tuple[str, int]]:
    view = View("all", f'SELECT id, _version FROM "{type}" ORDER BY id', (type,))
    return [(row["id"], row["_version"]) for row in lake.query(view, {}).table.to_pylist()]


def found(chart: Chart, type: str) -> list[tuple[str, int]]:
    page = chart.search(search.parse((type,), [("_count", "1000")]))
    return sorted((one.id, one.version) for one in page.matches)


@settings(max_examples=6)
@given(
    st.lists(marked(), min_size=4, max_size=20), consents, st.sampled_from(CALLERS), st.floats(0, 1), st.integers(1, 9)
)
def test_the_lake_shows_what_the_record_shows(
    opened: Opened,
    history: list[Change],
    said: Sequence[tuple[str, dict[str, Any]]],
    caller: Caller,
    when: float,
    size: int,
) -> None:
    with opened() as tenant, tempfile.TemporaryDirectory() as folder:
        written(tenant, history, 1)
        closed(tenant, said)
        store = tables(Path(folder))
        while store.catch_up(store.projections[0], tenant.log, size):
            pass
        lake, chart = EmbeddedLake(stores(tenant, store), caller), Chart(tenant, caller)
        t = round(when * tenant.log.head())
        for type in TYPES:
            assert shown(lake, type) == found(chart, type)
            assert shown(lake.at(t), type) == found(chart.at(t), type), t
        for seen, asked, at in ((lake, chart, None), (lake.at(t), chart.at(t), t)):
            every = {(row["id"], row["_version"]) for row in store.query(CODED, {}, ALL, at).to_pylist()}
            coded = [(row["id"], row["_version"]) for row in seen.query(CODED, {}).table.to_pylist()]
            assert coded == [one for one in found(asked, "Observation") if one in every]
        store.close()


def stores(tenant: Tenant, store: Any) -> Stores:
    index: Any = tenant.index
    hides = index.concealed, index.concealed_at
    return Stores(tenant.gate, tenant.trail, tenant.now, (store,), *hides, tenant.log.head, lambda t: 0)
