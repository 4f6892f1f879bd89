"""One tenant on each engine: the same suite must pass on all of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import emptied
from onmaru.engines.memory import MemoryLog, MemoryTrail
from onmaru.engines.postgres.home import PgHome
from onmaru.engines.sqlite.connection import Keys
from onmaru.engines.sqlite.home import Home
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import Gate

KEYS = Keys("main", b"p" * 32, b"c" * 32, b"s" * 32)
SYSTEM = Caller("main", "tester", frozenset({"system"}), "HOPERAT", (Scope("system", "*", frozenset("cruds")),))


class Ticking:
    """A clock that moves a second at every look, so that times tell entries apart."""

    def __init__(self) -> None:
        self.at = 1_700_000_000_000_000

    def __call__(self) -> int:
        self.at += 1_000_000
        return self.at


def memory() -> Tenant:
    now, ids = Ticking(), itertools.count(1)
    log = MemoryLog(now)
    return Tenant("main", log, log, MemoryTrail(), Gate("main", Consents(), now), now, lambda: f"new-{next(ids)}")


def sqlite(folder: Path) -> tuple[Tenant, Home]:
    now, ids = Ticking(), itertools.count(1)
    home = Home(folder, KEYS, now)
    gate = Gate("main", Consents(), now)
    return Tenant("main", home, home.index, home.trail, gate, now, lambda: f"new-{next(ids)}"), home


def postgres(database: str) -> tuple[Tenant, PgHome]:
    """An empty tenant in the database, whatever stood there before."""
    emptied(database, KEYS)
    now, ids = Ticking(), itertools.count(1)
    home = PgHome(database, KEYS, now)
    gate = Gate("main", Consents(), now)
    return Tenant("main", home, home.index, home.trail, gate, now, lambda: f"new-{next(ids)}"), home


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def tenant(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tenant]:
    if request.param == "memory":
        yield memory()
        return
    if request.param == "sqlite":
        made, home = sqlite(tmp_path / "main")
    else:
        made, home = postgres(request.getfixturevalue("database"))
    yield made
    home.close()


@pytest.fixture
def chart(tenant: Tenant) -> Chart:
    return Chart(tenant, SYSTEM)


@pytest.fixture
def bound(tenant: Tenant) -> Callable[[Caller], Chart]:
    return lambda caller: Chart(tenant, caller)
