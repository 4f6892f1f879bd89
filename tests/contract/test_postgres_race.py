"""Two worker processes append to one tenant, audit-only groups among them, while each commit takes 5 ms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from asyncpg import InterfaceError, PostgresError
from tests.contract.conftest import KEYS, SYSTEM, Ticking, postgres

from cluster import emptied
from onmaru.engines.postgres.home import PgHome
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import schema_of
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.gate import ALL
from onmaru.kernel.record import Change
from onmaru.kernel.seal import Header, seal, seal_block

ROOT = Path(__file__).resolve().parents[2]
# A commit that waits for a disk or a replica: nothing of it is seen by others before
SLOW = """CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
 $$ BEGIN PERFORM pg_sleep(0.005); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER INSERT OR UPDATE ON mark DEFERRABLE INITIALLY DEFERRED
 FOR EACH ROW EXECUTE FUNCTION slow();
CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON tail DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"""
GROUPS = 40


def test_positions_and_audit_blocks_of_two_workers_are_dense_and_their_seals_chain(database: str) -> None:
    emptied(database, KEYS)
    link = Link(database, schema_of("main"))
    link.script(SLOW)
    try:
        told = _raced(database)
        home = PgHome(database, KEYS, Ticking())
        try:
            positions = sorted(t for one in told for t in one["positions"])
            assert positions == list(range(1, home.head() + 1)), "each position was given once"
            assert all(len(one["positions"]) > GROUPS // 2 for one in told)
            _chained(link)
            rows = [row for _, _, packed, _ in _blocks(home) for row in home.trail.rows(packed)]
            assert len(rows) == sum(one["rows"] for one in told) == home.trail.count
            shared = home.index.history("Basic", "shared", (home.head(), 0, 0), 1000, ALL)
            numbers = [version.version for version in shared.versions]
            assert numbers == list(range(len(numbers), 0, -1)), "each decided on what the other had done"
        finally:
            home.close()
    finally:
        link.script("DROP TRIGGER slow ON mark; DROP TRIGGER slow ON tail")
        link.close()


def _raced(database: str) -> list[dict[str, list[int]]]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-m", "tests.racer", database]
    racers = [
        subprocess.Popen([*command, name, str(GROUPS)], cwd=ROOT, env=environ, stdout=subprocess.PIPE) for name in "ab"
    ]
    answers = [racer.communicate(timeout=120)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    return [json.loads(answer) for answer in answers]


def _blocks(home: PgHome) -> list[tuple[int, int, bytes, bytes]]:
    found: list[tuple[int, int, bytes, bytes]] = []
    while some := list(home.trail.blocks(found[-1][0] if found else 0)):
        found += some
    previous, first = KEYS.genesis("audit"), 1
    for number, (n, start, packed, stored) in enumerate(found, start=1):
        previous = seal_block(KEYS.seals, previous, n, packed)
        assert (n, start, stored) == (number, first, previous)
        first += len(home.trail.rows(packed))
    return found


def _chained(link: Link) -> None:
    previous, last = KEYS.genesis("log"), 0
    for row in link.execute("SELECT t, ver, op, at, caller, purpose, request, epoch, com, seal FROM entry ORDER BY t"):
        previous = seal(KEYS.seals, previous, Header(*row[:9]))
        assert previous == row[9] and row[3] > last
        last = row[3]


def test_what_one_worker_made_durable_another_sees_once_it_looks(database: str) -> None:
    tenant, home = postgres(database)
    other = PgHome(database, KEYS, Ticking())
    try:
        (made,) = _written(tenant, home)
        assert other.head() == 0
        other.refresh()
        assert other.head() == made and other.index.latest("Patient", "new-1", made) is not None
    finally:
        other.close()
        home.close()


def test_what_is_not_durable_yet_another_worker_does_not_see(database: str) -> None:
    tenant, home = postgres(database)
    other = PgHome(database, KEYS, Ticking())
    try:
        (made,) = _written(tenant, home, durable=False)
        mark = home.commit()
        other.refresh()
        assert (other.tip(), other.head()) == (made, 0)
        home.sync(mark)
        other.refresh()
        assert other.head() == made
    finally:
        other.close()
        home.close()


def test_a_worker_that_meets_a_later_epoch_appends_no_more(database: str) -> None:
    tenant, home = postgres(database)
    link = Link(database, schema_of("main"))
    try:
        _written(tenant, home)
        link.execute("UPDATE head SET epoch = epoch + 1")
        with pytest.raises(Invalid) as refusal:
            _written(tenant, home)
        assert refusal.value.status == 503 and home.tip() == home.head() == 1
        assert link.execute("SELECT count(*) FROM entry").get == 1
    finally:
        link.close()
        home.close()


def test_a_group_whose_connection_is_lost_is_given_up_whole_and_the_next_goes_on(database: str) -> None:
    tenant, home = postgres(database)
    link = Link(database, schema_of("main"))
    chart = Chart(tenant, SYSTEM)
    try:
        _written(tenant, home)
        for looked in (True, False):
            _written(tenant, home, durable=False)
            if looked:
                home.index.reach(home.tip())
            link.execute("SELECT pg_terminate_backend(?)", (home._link.execute("SELECT pg_backend_pid()").get,))
            if looked:
                with pytest.raises((PostgresError, InterfaceError, OSError)):
                    home._link.execute("SELECT 1")
            with pytest.raises((Invalid, PostgresError, InterfaceError, OSError)):
                home.wait(home.tip())
            assert home.tip() == home.head() == link.execute("SELECT count(*) FROM entry").get
            _written(tenant, home)
        assert [v.t for v in home.read(0, 10)] == [1, 2, 3] and len(
            chart.search(search.parse(("Patient",), [])).matches
        ) == 3
        _chained(link)
    finally:
        link.close()
        home.close()


def _written(tenant: Tenant, home: PgHome, *, durable: bool = True) -> list[int]:
    made = Chart(tenant, SYSTEM).write([Change("create", "Patient", body=b'{"resourceType":"Patient"}')])
    if durable:
        home.wait(home.tip())
    return [one.version.t for one in made]
