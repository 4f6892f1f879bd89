"""The throw-away PostgreSQL of a test session, quick rather than durable, and tenants in it made empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from urllib.parse import urlsplit

from onmaru.app.prove import cluster as own
from onmaru.app.prove.cluster import ABSENT, programs
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import begin, prepare, schema_of
from onmaru.engines.sqlite.connection import Keys

__all__ = ["ABSENT", "another", "cluster", "emptied", "programs"]
FAST = ("fsync=off", "full_page_writes=off", "autovacuum=off")


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a running cluster, `postgresql://…`."""
    with own.cluster(FAST) as address:
        yield address


def another(address: str) -> str:
    """The address of a new database in a running cluster."""
    link, name = Link(address, ""), f"d{token_hex(4)}"
    link.script(f"CREATE DATABASE {name}")
    link.close()
    return urlsplit(address)._replace(path=f"/{name}").geturl()


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
