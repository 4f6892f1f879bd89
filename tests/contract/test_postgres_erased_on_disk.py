"""What an erasure leaves in PostgreSQL's own files: every byte of the cluster is looked at, its write-ahead log too."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace
from tests.contract.conftest import KEYS, SYSTEM, Ticking, postgres
from tests.contract.test_record import patient

from onmaru.engines.postgres.home import PgHome
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import schema_of
from onmaru.kernel.chart import Chart
from onmaru.kernel.record import Change

# As they are written, and as the index folds them
WORDS = ("Zyzzogeton", "zyzzogeton", "Quixotry", "quixotry")
SAMPLED = (
    "SELECT count(*) FROM pg_stats WHERE schemaname = current_schema AND position(? IN most_common_vals::text) > 0"
)


def _files(database: str) -> dict[str, list[str]]:
    """Files of the cluster by word that stands in them."""
    data = Path(database.rpartition("host=")[2]) / "data"
    found: dict[str, list[str]] = {word: [] for word in WORDS}
    sought = re.compile("|".join(WORDS).encode())
    for path in data.rglob("*"):
        if path.is_file():
            for word in {one.decode() for one in sought.findall(path.read_bytes())}:
                found[word].append(str(path.relative_to(data)))
    return found


def spoken(number: int) -> list[dict[str, object]]:
    return [{"language": {"text": f"Quixotry {number}"}}]


@pytest.fixture
def admin(database: str) -> Link:
    """What docs/operate/erasure.md asks the database's administrator for."""
    link = Link(database, schema_of("main"))
    link.script("ALTER SYSTEM SET wal_recycle = off")
    link.execute("SELECT pg_reload_conf()")
    return link


def test_no_byte_of_the_cluster_holds_a_word_of_an_erased_person(database: str, admin: Link) -> None:
    tenant, home = postgres(database)
    chart = Chart(tenant, SYSTEM)
    try:
        for number in range(60):
            named = patient(id="p1", name=[{"family": "Zyzzogeton"}], communication=spoken(number % 2))
            chart.write([Change("update", "Patient", "p1", named, make=True)])
        home.wait(home.tip())
        for other in ("Kim", "Lee"):
            chart.write([Change("create", "Patient", body=patient(name=[{"family": other}]))])
        home.wait(home.tip())
        admin.script("ANALYZE; CHECKPOINT")
        before = _files(database)
        assert before["zyzzogeton"] and before["quixotry"], "the index holds folded words in clear"
        assert any(name.startswith("pg_wal") for name in before["zyzzogeton"])
        assert admin.execute(SAMPLED, ("zyzzogeton",)).get == 0
        chart.write([Change("erase", "Patient", "p1")])
        home.wait(home.tip())
        assert home.emptied()
        assert {word: names for word, names in _files(database).items() if names} == {}
    finally:
        home.close()
        admin.close()


def test_an_erasure_is_carried_out_by_a_user_who_was_granted_nothing(database: str, admin: Link) -> None:
    own = urlsplit(database).path[1:]
    admin.script(f"CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE {own} TO plain")
    keys = replace(KEYS, tenant="plain")
    home = PgHome(database.replace("onmaru@", "plain@"), keys, Ticking())
    try:
        assert home.emptied()
    finally:
        home.close()
        admin.script(f'DROP SCHEMA "onmaru-plain" CASCADE; REVOKE CREATE ON DATABASE {own} FROM plain; DROP ROLE plain')
        admin.close()


def test_samples_that_an_earlier_version_let_the_database_take_are_forgotten(database: str, admin: Link) -> None:
    tenant, home = postgres(database)
    for _ in range(60):
        Chart(tenant, SYSTEM).write([Change("create", "Patient", body=patient(name=[{"family": "Zyzzogeton"}]))])
    home.close()
    admin.script(
        "ALTER TABLE str ALTER norm SET STATISTICS -1; ALTER INDEX str_of ALTER 2 SET STATISTICS -1; ANALYZE str"
    )
    admin.execute("DELETE FROM fact WHERE name = 'unsampled'")
    assert admin.execute(SAMPLED, ("zyzzogeton",)).get > 0
    PgHome(database, KEYS, Ticking()).close()
    admin.script("ANALYZE")
    assert admin.execute(SAMPLED, ("zyzzogeton",)).get == 0
    admin.close()
