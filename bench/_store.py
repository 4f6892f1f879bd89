"""The PostgreSQL that a benchmark is run on, where `--store` names one: it is the benchmark's own, and emptied by it."""

from __future__ import annotations

import os

from onmaru.app.bench import STORE


def store() -> str:
    """Its address; "" for a home."""
    return os.environ.get(STORE, "")


def emptied() -> None:
    """Take away what the last run left in it: another run has other keys."""
    if store():
        from onmaru.engines.postgres.link import Link
        from onmaru.engines.postgres.schema import schema_of

        link = Link(store(), "")
        link.script(f'DROP SCHEMA IF EXISTS "{schema_of("main")}" CASCADE; DROP SCHEMA IF EXISTS onmaru CASCADE')
        link.close()
