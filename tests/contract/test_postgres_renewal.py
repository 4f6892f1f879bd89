"""An index in PostgreSQL that another version of Onmaru made is made anew at opening, and searched as ever."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.contract.conftest import KEYS, SYSTEM, Ticking, postgres
from tests.contract.test_record import observation, patient

from onmaru.engines.index.follower import decoded
from onmaru.engines.postgres.deep import named as stored
from onmaru.engines.postgres.home import PgHome
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import schema_of
from onmaru.engines.sqlite.deep import named
from onmaru.engines.sqlite.index import IndexFile
from onmaru.engines.sqlite.schema import INSERTS
from onmaru.fhir import search
from onmaru.kernel.chart import Chart
from onmaru.kernel.record import Change


def test_an_index_of_another_version_is_made_anew_at_opening(database: str) -> None:
    tenant, home = postgres(database)
    chart = Chart(tenant, SYSTEM)
    chart.write([Change("update", "Patient", f"p{n}", patient(id=f"p{n}", name=[{"family": "Kim"}])) for n in range(3)])
    chart.write([Change("create", "Observation", body=observation("Patient/p1"))])
    chart.write([Change("delete", "Patient", "p0"), Change("erase", "Patient", "p2")])
    home.wait(home.tip())
    home.close()
    link = Link(database, schema_of("main"))
    link.script("UPDATE fact SET value = 'old' WHERE name = 'index'; DELETE FROM tok; DELETE FROM str")
    again = PgHome(database, KEYS, Ticking())
    try:
        found = again.index.find(
            search.parse(("Patient",), [("name", "kim")]), again.head(), 0, 0, tenant.gate.sight(SYSTEM)
        )
        assert [version.id for version in found.versions] == ["p1"]
        with tempfile.TemporaryDirectory() as scratch:
            file = IndexFile(Path(scratch), KEYS)
            file.apply([(version, decoded(version)) for version in again.read(0, 100)])
            with link.transaction():
                for name in INSERTS:
                    assert list(stored(link, name)) == list(named(file.db, name)), name
            file.close()
    finally:
        link.close()
        again.close()
