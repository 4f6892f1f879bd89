"""An index in PostgreSQL that another version of Onmaru made is made anew at opening, and searched as ever."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
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

# The tables as the first release made them: a row for each position, and an index over all columns of each
EARLIER = """
DROP VIEW hist, comp, pc, tok, ref, dat; DROP TABLE ver, comps, pcs, toks, refs, dats, str, qty;
DROP INDEX res_of; ALTER TABLE res ADD UNIQUE(type, id);
CREATE TABLE ver(t int4 PRIMARY KEY, rid int4, type int4, live int4, pats text);
CREATE TABLE hist(rid int4, t int4, PRIMARY KEY(rid, t));
CREATE TABLE comp(rid int4, t int4, PRIMARY KEY(rid, t));
CREATE TABLE pc(rid int4, sp int4, c int8, s int4, t int4, PRIMARY KEY(rid, sp, c, s, t));
CREATE TABLE tok(sp int4, c int8, s int4, t int4, PRIMARY KEY(sp, c, s, t));
CREATE TABLE ref(sp int4, rid int4, t int4, PRIMARY KEY(sp, rid, t));
CREATE TABLE dat(sp int4, lo int8, hi int8, t int4, PRIMARY KEY(sp, lo, hi, t));
CREATE TABLE str(sp int4, norm text COLLATE "C", t int4);
CREATE INDEX str_of ON str(sp, left(norm, 100), t);
CREATE TABLE qty(sp int4, value float8, c int8, s int4, t int4, PRIMARY KEY(sp, value, c, s, t));
UPDATE fact SET value = '6' WHERE name = 'index';
"""


@pytest.mark.parametrize("before", [EARLIER, "UPDATE fact SET value = 'old' WHERE name = 'index'; DELETE FROM toks"])
def test_an_index_of_another_version_is_made_anew_at_opening(database: str, before: str) -> None:
    tenant, home = postgres(database)
    chart = Chart(tenant, SYSTEM)
    chart.write([Change("update", "Patient", f"p{n}", patient(id=f"p{n}", name=[{"family": "Kim"}])) for n in range(3)])
    chart.write([Change("create", "Observation", body=observation("Patient/p1"))])
    chart.write([Change("delete", "Patient", "p0"), Change("erase", "Patient", "p2")])
    home.wait(home.tip())
    home.close()
    link = Link(database, schema_of("main"))
    link.script(before)
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
