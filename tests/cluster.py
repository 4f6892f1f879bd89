"""The throw-away PostgreSQL of a test session, quick rather than durable, and tenants in it made empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from onmaru.app.prove import cluster as own
from onmaru.app.prove.cluster import ABSENT, programs
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import begin, prepare, schema_of
from onmaru.engines.sqlite.connection import Keys

__all__ = ["ABSENT", "cluster", "dropped", "emptied", "programs"]
FAST = ("fsync=off", "full_page_writes=off", "autovacuum=off")


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a running cluster, `postgresql://…`."""
    with own.cluster(FAST) as address:
        yield address


def emptied(database: str, keys: Keys) -> None:
    """Have an empty schema of a tenant; a row taken away costs a hundredth of a table made."""
    link, genesis = Link(database, schema_of(keys.tenant)), (keys.genesis("log"), keys.genesis("audit"))
    prepare(link, keys.tenant, genesis)
    tables = link.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema::regnamespace AND relkind = 'r'"
    )
    with link.transaction():
        link.script(";".join(f"DELETE FROM {name}" for (name,) in tables))
        begin(link, genesis)
    link.close()


def dropped(database: str) -> None:
    """Take away what a whole house left in it: the next one has other keys."""
    link = Link(database, "")
    link.script(f'DROP SCHEMA IF EXISTS "{schema_of("main")}" CASCADE; DROP SCHEMA IF EXISTS onmaru CASCADE')
    link.close()
