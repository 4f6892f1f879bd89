"""Index rows of one key that come together lie as one in PostgreSQL: found one by one, and taken out one by one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.conftest import KEYS, SYSTEM, postgres
from tests.contract.test_record import observation, patient

from onmaru.engines.index.follower import decoded
from onmaru.engines.postgres.deep import named as stored
from onmaru.engines.postgres.groups import GROUPS
from onmaru.engines.postgres.home import PgHome
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import schema_of
from onmaru.engines.sqlite.deep import named
from onmaru.engines.sqlite.index import IndexFile
from onmaru.engines.sqlite.schema import INSERTS
from onmaru.fhir import search
from onmaru.kernel.chart import Chart
from onmaru.kernel.record import Change

COUNT = 12


@pytest.fixture
def home(database: str) -> Iterator[tuple[Chart, PgHome]]:
    """One patient with observations that differ in nothing, all written in one group."""
    tenant, home = postgres(database)
    chart = Chart(tenant, SYSTEM)
    chart.write([Change("update", "Patient", "p1", patient(id="p1", name=[{"family": "Kim"}]))])
    chart.write(
        [
            Change("create", "Observation", body=observation("Patient/p1", effectiveDateTime="2026-03-01"))
            for _ in range(COUNT)
        ]
    )
    home.wait(home.tip())
    yield chart, home
    home.close()


@pytest.fixture
def link(database: str) -> Iterator[Link]:
    made = Link(database, schema_of("main"))
    yield made
    made.close()


def _as_rebuilt(link: Link, home: PgHome) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        file = IndexFile(Path(scratch), KEYS)
        file.apply([(version, decoded(version)) for version in home.read(0, 100)])
        with link.transaction():
            for name in INSERTS:
                assert list(stored(link, name)) == list(named(file.db, name)), name
        file.close()


def _found(chart: Chart) -> set[str]:
    return {one.id for one in chart.search(search.parse(("Observation",), [("patient", "p1")])).matches}


def test_what_lies_together_is_found_one_by_one(home: tuple[Chart, PgHome], link: Link) -> None:
    chart, log = home
    for name, group in GROUPS.items():
        rows, lying = (link.execute(f"SELECT count(*) FROM {one}").get for one in (name, group.table))
        assert lying < rows / 3, name
    assert len(_found(chart)) == COUNT
    _as_rebuilt(link, log)


def test_an_erasure_takes_one_out_of_what_lies_together(home: tuple[Chart, PgHome], link: Link) -> None:
    chart, log = home
    gone, *others = sorted(_found(chart))
    chart.write([Change("erase", "Observation", gone)])
    log.wait(log.tip())
    assert _found(chart) == set(others)
    _as_rebuilt(link, log)
    chart.write([Change("erase", "Observation", one) for one in others])
    log.wait(log.tip())
    assert _found(chart) == set()
    assert link.execute("SELECT count(*) FROM refs").get == 0
    _as_rebuilt(link, log)
