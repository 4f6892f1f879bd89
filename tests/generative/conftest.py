"""Each SQL engine in turn, as an empty tenant for one example after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from tests.contract.conftest import postgres, sqlite

from onmaru.kernel.chart import Tenant

Opened = Callable[[], AbstractContextManager[Tenant]]


@contextmanager
def on_sqlite() -> Iterator[Tenant]:
    with tempfile.TemporaryDirectory() as folder:
        engine, home = sqlite(Path(folder) / "main")
        try:
            yield engine
        finally:
            home.close()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Gives an empty tenant on the engine, closed when the context ends."""
    if request.param == "sqlite":
        return on_sqlite
    address = request.getfixturevalue("database")

    @contextmanager
    def on_postgres() -> Iterator[Tenant]:
        engine, home = postgres(address)
        try:
            yield engine
        finally:
            home.close()

    return on_postgres
